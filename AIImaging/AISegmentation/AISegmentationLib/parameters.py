"""What the user chose, kept in the scene."""

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode, vtkMRMLTableNode
from slicer.parameterNodeWrapper import parameterNodeWrapper


@parameterNodeWrapper
class AISegmentationParameters:
    """The inputs and what the last run made.

    Attributes
    ----------
    inputVolume : what to segment: the model's first input
    furtherVolumes : the model's other inputs, by `further_inputs.furtherKeys`
    modelId : which model of the catalogue
    segmentation, measurementTable : of the last run
    """

    inputVolume: vtkMRMLScalarVolumeNode
    furtherVolumes: dict[str, vtkMRMLScalarVolumeNode]
    modelId: str = "ct-lungs"
    segmentation: vtkMRMLSegmentationNode
    measurementTable: vtkMRMLTableNode
