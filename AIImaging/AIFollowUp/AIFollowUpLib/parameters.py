"""What the user chose, kept in the scene. Paths are not: a scene travels, and folders name people."""

from slicer import vtkMRMLDisplayableNode, vtkMRMLScalarVolumeNode, vtkMRMLTableNode
from slicer.parameterNodeWrapper import parameterNodeWrapper


@parameterNodeWrapper
class AIFollowUpParameters:
    """The inputs and the result that is shown.

    Attributes
    ----------
    visits : images in the order of the list, None for a row without a volume
    visitDates : of each row as typed; empty where nobody knows
    lesionsGiven : whether lesions are given visit by visit, instead of found by the detector
    lesionSources : of each row, a value of `records.given_lesions.LesionSource`
    lesionNodes : of each row, the nodes that hold its lesions
    lungNodules : given lesions are lung nodules on chest CT
    wholeSegments : each segment is one lesion, else each connected part of it
    reviewer : who signs off; may be empty
    changeTable : of the last run; it leads to everything else that the run made
    cohortTable : of the cohort that was read last; it leads to its plots
    """

    visits: list[vtkMRMLScalarVolumeNode]
    visitDates: list[str]
    lesionsGiven: bool
    lesionSources: list[str]
    lesionNodes: list[list[vtkMRMLDisplayableNode]]
    lungNodules: bool
    wholeSegments: bool
    reviewer: str
    changeTable: vtkMRMLTableNode
    cohortTable: vtkMRMLTableNode
