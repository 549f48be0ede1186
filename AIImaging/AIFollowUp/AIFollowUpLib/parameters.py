"""What the user chose, kept in the scene. The output folder is not: a scene travels, and folders name people."""

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLTableNode
from slicer.parameterNodeWrapper import parameterNodeWrapper


@parameterNodeWrapper
class AIFollowUpParameters:
    """The inputs and the result that is shown.

    Attributes
    ----------
    visits : chest CTs in the order of the list, None for a row without a volume
    visitDates : of each row as typed; empty where nobody knows
    reviewer : who signs off; may be empty
    changeTable : of the last run; it leads to everything else that the run made
    """

    visits: list[vtkMRMLScalarVolumeNode]
    visitDates: list[str]
    reviewer: str
    changeTable: vtkMRMLTableNode
