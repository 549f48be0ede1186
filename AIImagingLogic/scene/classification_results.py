"""A classification that a job made, as nodes of the scene that holds its volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from AIImagingLogic.records.classification import Classification
from AIImagingLogic.scene.heat_map import heat_map_node
from AIImagingLogic.scene.node_names import unique_name
from AIImagingLogic.scene.probability_chart import probability_chart_nodes, probability_table_node
from AIImagingLogic.scene.provenance import mark
from AIImagingLogic.scene.subject_hierarchy import place_beside


@dataclass(frozen=True)
class ClassificationNodes:
    """The new nodes; `heat_map` is None when there is none, `chart_parts` are what the chart is made of."""

    table: Any
    chart: Any
    chart_parts: tuple[Any, ...]
    heat_map: Any | None

    @property
    def all(self) -> tuple[Any, ...]:
        """Every node, in the order in which the subject hierarchy shows them."""
        nodes = (self.heat_map, self.table, self.chart, *self.chart_parts)
        return tuple(node for node in nodes if node is not None)


def add_classification_result(result: Classification, volume: Any | None, scene: Any) -> ClassificationNodes:
    """Add new nodes for a classification; nothing that is in the scene is changed, and no view.

    Parameters
    ----------
    result : probabilities and, where there is one, a heat map on the grid of `volume`
    volume : volume node that it was made from, whose transform and place in the subject hierarchy the new nodes share;
        None when it is not in the scene
    scene : vtkMRMLScene

    Raises
    ------
    SceneError
        Slicer's classes are not installed.
    """
    title = "Image" if volume is None else volume.GetName()
    table = probability_table_node(result, scene, unique_name(scene, f"{title} probabilities"))
    chart_nodes = probability_chart_nodes(result, scene, unique_name(scene, f"{title} probability chart"))
    heat_map = None
    if result.heat_map is not None:
        explained = next((concept.name for concept in result.classes if concept.key == result.explained), "")
        name = unique_name(scene, f"{title} heat map, {explained}")
        heat_map = heat_map_node(result.heat_map, scene, name, explained, volume)
        mark(heat_map, "heat map", result.provenance)
    nodes = ClassificationNodes(table, chart_nodes[0], chart_nodes[1:], heat_map)
    place_beside(volume, nodes.all, scene)
    return nodes
