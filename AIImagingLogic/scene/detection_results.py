"""The findings of a visit as nodes of the scene that holds its volume: organs, lesions, points, box, table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import SimpleITK as sitk

from AIImagingLogic.followup.lesion_segmentation import lesion_segmentation
from AIImagingLogic.records.provenance import make_provenance
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.timeline import Lesion, LinkStatus, Timeline, Visit
from AIImagingLogic.scene.findings import current_finding_box, findings_point_list, join_findings
from AIImagingLogic.scene.node_attributes import FINDING_TAG
from AIImagingLogic.scene.node_names import unique_name
from AIImagingLogic.scene.segmentations import segmentation_node_from_segmentation
from AIImagingLogic.scene.subject_hierarchy import place_beside
from AIImagingLogic.scene.tables import findings_table_node

_LESION_FILL_OPACITY = 0.15
_ORGAN_OUTLINE_OPACITY = 0.5


@dataclass(frozen=True)
class DetectionNodes:
    """The new nodes of a visit; `organs` is None when none were outlined."""

    organs: Any | None
    lesions: Any
    points: Any
    box: Any
    table: Any

    @property
    def all(self) -> tuple[Any, ...]:
        """Every node, in the order in which the subject hierarchy shows them."""
        nodes = (self.organs, self.lesions, self.points, self.box, self.table)
        return tuple(node for node in nodes if node is not None)


def add_detection_results(visit: Visit, volume: Any | None, scene: Any) -> DetectionNodes:
    """Add new nodes for what was found on one volume; nothing that is in the scene is changed.

    Finding n is lesion n, in the colour that lesion n has everywhere.

    Parameters
    ----------
    visit : organs and findings, LPS mm; its label images become the memory of nodes: do not change them afterwards
    volume : volume node that they were found on, whose transform and place in the subject hierarchy the new nodes
        share; None when it is not in the scene
    scene : vtkMRMLScene

    Raises
    ------
    SceneError
        Slicer's classes are not installed.
    """
    title = visit.label.capitalize() if volume is None else volume.GetName()
    nodes = add_visit(_alone(visit), 0, volume, scene, title)
    place_beside(volume, nodes.all, scene)
    return nodes


def add_visit(
    timeline: Timeline, index: int, volume: Any | None, scene: Any, title: str, share: bool = True
) -> DetectionNodes:
    """Add the nodes of one visit of a timeline, named after `title`; their place in the hierarchy is the caller's.

    `share` lets the nodes use the memory of the visit's label image instead of a copy.
    """
    visit = timeline.visits[index]
    seen = [(lesion, uid) for lesion in timeline.lesions if (uid := lesion.observations[index])]
    names = {uid: f"Lesion {lesion.number}" for lesion, uid in seen}
    organs = None
    if visit.organs is not None:
        name = unique_name(scene, f"{title} organs")
        organs = segmentation_node_from_segmentation(visit.organs, scene, name, volume, share=share)
        organs.GetDisplayNode().SetVisibility2DFill(False)
        organs.GetDisplayNode().SetOpacity2DOutline(_ORGAN_OUTLINE_OPACITY)
    lesions = segmentation_node_from_segmentation(
        lesion_segmentation(timeline, index, _grid_image(visit)),
        scene,
        unique_name(scene, f"{title} lesions"),
        volume,
        share=True,
        tags={lesion.number: {FINDING_TAG: uid} for lesion, uid in seen},
    )
    lesions.GetDisplayNode().SetOpacity2DFill(_LESION_FILL_OPACITY)
    points = findings_point_list(visit, names, scene, unique_name(scene, f"{title} findings"), volume)
    box = current_finding_box(scene, unique_name(scene, f"{title} current finding"), volume)
    table = findings_table_node(visit, names, scene, unique_name(scene, f"{title} findings table"))
    colours = {uid: lesion.colour for lesion, uid in seen}
    join_findings(points, visit, colours, box=box, table=table, lesions=lesions, volume=volume)
    return DetectionNodes(organs, lesions, points, box, table)


def _alone(visit: Visit) -> Timeline:
    """Return a visit as a timeline of its own, in which finding n is lesion n."""
    colours = load_resource("rules/lesion_colours.json")["colours"]
    lesions = tuple(
        Lesion(number, tuple(colours[(number - 1) % len(colours)]), (finding.uid,), (None,), LinkStatus.NEW, "")
        for number, finding in enumerate(visit.findings, start=1)
    )
    provenance = visit.provenance or make_provenance("detect", [], [visit.info])
    return Timeline((visit,), (), lesions, (), provenance)


def _grid_image(visit: Visit) -> sitk.Image:
    """Return an empty image on the grid that the visit's findings lie on."""
    image = sitk.Image(visit.info.size, sitk.sitkUInt8)
    image.SetSpacing(visit.info.spacing_mm)
    image.SetOrigin(visit.info.origin_mm)
    image.SetDirection(visit.info.direction)
    return image
