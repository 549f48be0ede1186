"""The results of a follow-up in a scene that already holds the volumes, such as the one open in Slicer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from AIImagingLogic.records.timeline import Timeline
from AIImagingLogic.scene.detection_results import DetectionNodes, add_visit
from AIImagingLogic.scene.node_names import unique_name
from AIImagingLogic.scene.plots import growth_plot_nodes
from AIImagingLogic.scene.subject_hierarchy import place_beside
from AIImagingLogic.scene.tables import change_table_node
from AIImagingLogic.scene.transforms import transform_node_from_registration


@dataclass(frozen=True)
class FollowUpNodes:
    """The new nodes: of each visit, and what belongs to both."""

    visits: tuple[DetectionNodes, ...]
    change_table: Any
    transforms: tuple[Any, ...]
    plots: tuple[Any, ...]


def add_follow_up_results(timeline: Timeline, volumes: Sequence[Any | None], scene: Any) -> FollowUpNodes:
    """Add new nodes for what a follow-up found; nothing that is in the scene is changed.

    Parameters
    ----------
    timeline : visits, registrations, lesions; its label images become the memory of nodes: do not change them
        afterwards
    volumes : the volume node of each visit, None where it is not in the scene; results share its parent transform and
        its place in the subject hierarchy
    scene : vtkMRMLScene that holds the volumes

    Returns
    -------
    FollowUpNodes
        For each visit: organs (where they were outlined), lesions, a point for each finding, a box, a table.

    Raises
    ------
    SceneError
        Slicer's classes are not installed.
    """
    visits = []
    for index, volume in enumerate(volumes):
        label = timeline.visits[index].label
        visits.append(add_visit(timeline, index, volume, scene, f"{label[:1].upper()}{label[1:]}"))
        place_beside(volume, visits[-1].all, scene)
    nodes = FollowUpNodes(
        visits=tuple(visits),
        change_table=change_table_node(timeline, scene, unique_name(scene, "Follow-up changes")),
        transforms=tuple(
            transform_node_from_registration(registration, scene, unique_name(scene, _between(timeline, index)))
            for index, registration in enumerate(timeline.registrations)
            if registration is not None
        ),
        plots=tuple(growth_plot_nodes(timeline, scene, unique_name(scene, "Follow-up growth"))),
    )
    place_beside(volumes[-1], (nodes.change_table, *nodes.transforms, *nodes.plots), scene)
    return nodes


def _between(timeline: Timeline, index: int) -> str:
    """Return the name of the transform from a visit to the one before."""
    later = timeline.visits[index + 1].label
    return f"{later[:1].upper()}{later[1:]} to {timeline.visits[index].label}"
