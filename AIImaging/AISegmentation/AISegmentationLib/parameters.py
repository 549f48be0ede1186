"""What the user chose, kept in the scene."""

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode, vtkMRMLTableNode
from slicer.parameterNodeWrapper import parameterNodeWrapper


@parameterNodeWrapper
class AISegmentationParameters:
    """The input and what the last run made.

    Attributes
    ----------
    inputVolume : what to segment
    modelId : which model of the catalogue
    segmentation, measurementTable : of the last run
    """

    inputVolume: vtkMRMLScalarVolumeNode
    modelId: str = "ct-lungs"
    segmentation: vtkMRMLSegmentationNode
    measurementTable: vtkMRMLTableNode
