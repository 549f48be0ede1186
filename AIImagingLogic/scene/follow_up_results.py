"""The results of a follow-up in a scene that already holds the volumes, such as the one open in Slicer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import SimpleITK as sitk

from AIImagingLogic.followup.lesion_segmentation import lesion_segmentation
from AIImagingLogic.records.timeline import Timeline
from AIImagingLogic.scene.findings import findings_point_list
from AIImagingLogic.scene.host import load_slicer
from AIImagingLogic.scene.plots import growth_plot_nodes
from AIImagingLogic.scene.segmentations import segmentation_node_from_segmentation
from AIImagingLogic.scene.tables import change_table_node, findings_table_node
from AIImagingLogic.scene.transforms import transform_node_from_registration


@dataclass(frozen=True)
class FollowUpNodes:
    """The new nodes: of each visit, and what belongs to both."""

    visits: tuple[tuple[Any, ...], ...]
    change_table: Any
    transforms: tuple[Any, ...]
    plots: tuple[Any, ...]


def add_follow_up_results(
    timeline: Timeline, volumes: Sequence[Any], images: Sequence[sitk.Image], scene: Any
) -> FollowUpNodes:
    """Add new nodes for what a follow-up found; nothing that is in the scene is changed.

    Parameters
    ----------
    timeline : visits, registrations, lesions
    volumes : the volume node of each visit; results share its parent transform and its place in the subject hierarchy
    images : the image of each volume node, LPS mm
    scene : vtkMRMLScene that holds the volumes

    Returns
    -------
    FollowUpNodes
        For each visit: organs (where they were outlined), lesions, a point for each finding, a table.

    Raises
    ------
    SceneError
        Slicer's classes are not installed.
    """
    visits = tuple(
        _add_visit(timeline, index, volume, image, scene)
        for index, (volume, image) in enumerate(zip(volumes, images, strict=True))
    )
    nodes = FollowUpNodes(
        visits=visits,
        change_table=change_table_node(timeline, scene, "Follow-up changes"),
        transforms=tuple(
            transform_node_from_registration(registration, scene, "Follow-up to baseline")
            for registration in timeline.registrations
        ),
        plots=tuple(growth_plot_nodes(timeline, scene, "Follow-up growth")),
    )
    for volume, added in zip(volumes, visits, strict=True):
        _place_beside(volume, added, scene)
    _place_beside(volumes[-1], (nodes.change_table, *nodes.transforms, *nodes.plots), scene)
    return nodes


def _add_visit(timeline: Timeline, index: int, volume: Any, image: sitk.Image, scene: Any) -> tuple[Any, ...]:
    visit = timeline.visits[index]
    title = f"{visit.label[:1].upper()}{visit.label[1:]}"
    names = {uid: f"Lesion {lesion.number}" for lesion in timeline.lesions if (uid := lesion.observations[index])}
    nodes = []
    if visit.organs is not None:
        nodes.append(segmentation_node_from_segmentation(visit.organs, scene, f"{title} organs", volume))
    lesions = lesion_segmentation(timeline, index, image)
    nodes += [
        segmentation_node_from_segmentation(lesions, scene, f"{title} lesions", volume),
        findings_point_list(visit, names, scene, f"{title} findings", volume),
        findings_table_node(visit, names, scene, f"{title} findings table"),
    ]
    return tuple(nodes)


def _place_beside(volume: Any, nodes: Sequence[Any], scene: Any) -> None:
    """Put nodes under the parent item of a volume in the subject hierarchy: its study, where it has one.

    The subject hierarchy answers 0 for what has no item.
    """
    hierarchy = load_slicer().vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = hierarchy.GetItemByDataNode(volume)
    parent = hierarchy.GetItemParent(item) if item else hierarchy.GetSceneItemID()
    for node in nodes:
        # Slicer's application makes an item for each new node by itself; without it there is none yet.
        own = hierarchy.GetItemByDataNode(node)
        if own:
            hierarchy.SetItemParent(own, parent)
        else:
            hierarchy.CreateItem(parent, node)
