"""A whole follow-up as a scene: volumes, lungs, lesions, findings, registration, tables and growth plot, by visit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import SimpleITK as sitk

from AIImagingLogic.records.timeline import Lesion, Timeline
from AIImagingLogic.scene.detection_results import add_visit
from AIImagingLogic.scene.display_window import display_window
from AIImagingLogic.scene.empty_scene import make_scene
from AIImagingLogic.scene.findings import show_in_box
from AIImagingLogic.scene.node_attributes import CONTENT_HASH
from AIImagingLogic.scene.opening_view import open_at
from AIImagingLogic.scene.plots import growth_plot_nodes
from AIImagingLogic.scene.provenance import mark
from AIImagingLogic.scene.subject_hierarchy import add_folder, add_study
from AIImagingLogic.scene.tables import change_table_node
from AIImagingLogic.scene.transforms import transform_node_from_registration
from AIImagingLogic.scene.volumes import volume_node_from_image


def build_follow_up_scene(timeline: Timeline, images: Sequence[sitk.Image]) -> Any:
    """Return a scene with everything that a follow-up found.

    Parameters
    ----------
    timeline : visits, registrations, lesions
    images : the image of each visit, LPS mm, in the order of `timeline.visits`

    Returns
    -------
    vtkMRMLScene
        Each visit is a study in the subject hierarchy. Every visit stays in its own coordinates: to see a later visit
        on the earlier one, put its study under the transform in the folder 'Between visits'. It opens on the first
        visit, at the lesion that decides the first assessment, else at the first lesion; later visits are hidden.

    Raises
    ------
    SceneError
        Slicer's classes are not installed.
    """
    scene = make_scene()
    visits = [_add_visit(scene, timeline, index, image) for index, image in enumerate(images)]
    between = [
        transform_node_from_registration(
            registration, scene, f"{_title(timeline, index + 1)} to {_title(timeline, index)}"
        )
        for index, registration in enumerate(timeline.registrations)
        if registration is not None
    ]
    between.append(change_table_node(timeline, scene, "Changes"))
    between.extend(growth_plot_nodes(timeline, scene, "Growth"))
    for visit, nodes in zip(timeline.visits, visits, strict=True):
        add_study(scene, visit, nodes)
    add_folder(scene, "Between visits", between)
    for nodes in visits[1:]:
        _hide(nodes)
    open_at(scene, visits[0][0], _first_position(timeline))
    return scene


def leading_lesion(timeline: Timeline) -> Lesion | None:
    """Return the lesion that decides the first assessment, else the first lesion, None when there is none."""
    deciding = [assessment.lesion_number for assessment in timeline.assessments if assessment.lesion_number is not None]
    for lesion in timeline.lesions:
        if deciding and lesion.number == deciding[0]:
            return lesion
    return timeline.lesions[0] if timeline.lesions else None


def _add_visit(scene: Any, timeline: Timeline, index: int, image: sitk.Image) -> list[Any]:
    """Add the nodes of a visit; its volume comes first."""
    visit = timeline.visits[index]
    title = _title(timeline, index)
    window = display_window(visit.info.modality)
    levels = (window.lower, window.upper) if window else None
    volume = volume_node_from_image(image, scene, f"{title} {visit.info.modality}".strip(), window=levels)
    mark(volume, "input", visit.provenance)
    volume.SetAttribute(CONTENT_HASH, visit.info.content_hash)
    # The timeline is still in use elsewhere: its label images are copied.
    nodes = add_visit(timeline, index, volume, scene, title, share=False)
    leading = leading_lesion(timeline)
    shown = visit.finding(leading.observations[index]) if leading else None
    if leading is not None and shown is not None:
        show_in_box(nodes.box, shown, leading.colour)
    return [volume, *nodes.all]


def _title(timeline: Timeline, index: int) -> str:
    label = timeline.visits[index].label
    return label[:1].upper() + label[1:]


def _first_position(timeline: Timeline) -> tuple[float, float, float] | None:
    """Where the leading lesion lies at the first visit, or is expected; LPS mm."""
    lesion = leading_lesion(timeline)
    if lesion is None:
        return None
    finding = timeline.visits[0].finding(lesion.observations[0])
    return finding.box.center_mm if finding else lesion.expected_mm[0]


def _hide(nodes: Sequence[Any]) -> None:
    for node in nodes:
        display = getattr(node, "GetDisplayNode", lambda: None)()
        if display is not None:
            display.SetVisibility(False)
