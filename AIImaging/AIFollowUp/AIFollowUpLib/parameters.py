"""What the user chose, kept in the scene. The output folder is not: a scene travels, and folders name people."""

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLTableNode
from slicer.parameterNodeWrapper import parameterNodeWrapper


@parameterNodeWrapper
class AIFollowUpParameters:
    """The inputs and the result that is shown.

    Attributes
    ----------
    baselineVolume, followUpVolume : the earlier and the later chest CT
    baselineDate, followUpDate : as typed; empty where DICOM says it or nobody knows
    changeTable : of the last run; it leads to everything else that the run made
    """

    baselineVolume: vtkMRMLScalarVolumeNode
    followUpVolume: vtkMRMLScalarVolumeNode
    baselineDate: str
    followUpDate: str
    changeTable: vtkMRMLTableNode
