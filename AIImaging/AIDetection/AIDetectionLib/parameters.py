"""What the user chose, kept in the scene."""

from slicer import vtkMRMLMarkupsFiducialNode, vtkMRMLScalarVolumeNode
from slicer.parameterNodeWrapper import parameterNodeWrapper


@parameterNodeWrapper
class AIDetectionParameters:
    """The input and what is on show.

    Attributes
    ----------
    inputVolume : what to search
    modelId : which detector
    findings : point list of the findings on show; their table, box and outlines are found through it
    shown : which of them are listed: a review state, empty for all
    """

    inputVolume: vtkMRMLScalarVolumeNode
    modelId: str = "ct-lung-nodules"
    findings: vtkMRMLMarkupsFiducialNode
    shown: str = ""
