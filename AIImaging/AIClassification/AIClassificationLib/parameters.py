"""What the user chose, kept in the scene."""

from typing import Union

from slicer import vtkMRMLPlotChartNode, vtkMRMLScalarVolumeNode, vtkMRMLTableNode, vtkMRMLVectorVolumeNode
from slicer.parameterNodeWrapper import parameterNodeWrapper


@parameterNodeWrapper
class AIClassificationParameters:
    """The input and what the last run made.

    Attributes
    ----------
    inputVolume : what to classify; a colour volume is one too
    modelId : which model of those on this computer
    explainedClass : key of the class that the heat map is about; empty: the most probable one
    probabilityTable, probabilityChart, heatMap : of the last run
    """

    # The selector offers exactly these types; in this form, since Slicer's wrapper knows no other of a union.
    inputVolume: Union[vtkMRMLScalarVolumeNode, vtkMRMLVectorVolumeNode]  # noqa: UP007
    modelId: str = ""
    explainedClass: str = ""
    probabilityTable: vtkMRMLTableNode
    probabilityChart: vtkMRMLPlotChartNode
    heatMap: vtkMRMLScalarVolumeNode
