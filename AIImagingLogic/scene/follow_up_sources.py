"""The lesions of a visit from what the scene has: segmentations, point lists, boxes (ROI) and lines."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.scene.coordinates import LPS_TO_RAS
from AIImagingLogic.scene.follow_up_outlines import algorithm_type, matrix_between, outlines_of, tell_who_drew
from AIImagingLogic.scene.job_inputs import image_input
from AIImagingLogic.scene.node_attributes import KIND

if TYPE_CHECKING:
    from AIImagingLogic.jobs.job import ImageInput
    from AIImagingLogic.records.boxes import OrientedBox

SEGMENTATION = "vtkMRMLSegmentationNode"
POINTS, BOX, LINE = "vtkMRMLMarkupsFiducialNode", "vtkMRMLMarkupsROINode", "vtkMRMLMarkupsLineNode"
SOURCE_CLASSES = (SEGMENTATION, POINTS, BOX, LINE)
"""Classes of nodes that may hold the lesions of a visit."""

_POINT_MM = 10.0
"""How large a lesion is taken to be that was marked by a point; it says how far off a link may be."""

__all__ = [
    "SEGMENTATION",
    "SOURCE_CLASSES",
    "algorithm_type",
    "dicom_files",
    "drawn_lesions",
    "proposed_sources",
    "tell_who_drew",
    "visit_input",
]


def drawn_lesions(nodes: Sequence[Any], volume: Any) -> dict[str, Any]:
    """Return what was drawn on a visit's volume as the JSON of `GivenLesions`, for a job; nothing is changed.

    Parameters
    ----------
    nodes : of `SOURCE_CLASSES`: each part or segment of a segmentation, each point, each box, each line is a lesion
    volume : volume node of the visit, in whose coordinates they are given

    Raises
    ------
    SceneError
        There is no node, a node is of another class or was removed, or lies under a transform that cannot be undone.
    """
    from AIImagingLogic.records.given_lesions import GivenLesions, LesionSource

    if not nodes:
        raise SceneError(
            f"No lesions are chosen for '{volume.GetName()}'.",
            "Choose a segmentation or markups, or say that the visit shows none.",
        )
    outlines: list[dict[str, Any]] = []
    notes: list[str] = []
    marks = _Marks(volume)
    for node in nodes:
        if node is None or node.GetScene() is None:
            raise SceneError(f"Lesions of '{volume.GetName()}' were removed from the scene.", "Choose others.")
        if node.IsA(SEGMENTATION):
            forms, said = outlines_of(node, volume)
            outlines += forms
            notes += said
        else:
            marks.add(node)
    given = GivenLesions(
        LesionSource.DRAWN,
        boxes=tuple(marks.boxes),
        names=tuple(marks.names),
        long_axes_mm=tuple(marks.long_axes_mm),
        notes=(*notes, *marks.notes),
    )
    if not outlines and not marks.boxes:
        raise SceneError(f"What is chosen for '{volume.GetName()}' holds no lesion.", "Draw or place one first.")
    return {**given.to_json(), "segmentations": outlines}


def visit_input(volume: Any, acquired: datetime | None = None, role: str = "volume") -> ImageInput:
    """Return what `image_input` returns, with the unit of the voxels that the scene states, such as SUV's."""
    image = image_input(volume, acquired, role)
    units = volume.GetVoxelValueUnits()
    stated = "" if units is None else (units.GetCodeValue() or "")
    if not stated or image.facts["intensity_unit"]:
        return image
    return dataclasses.replace(image, facts={**image.facts, "intensity_unit": stated})


def dicom_files(volume: Any, database: Any | None) -> list[str]:
    """Return the files that a volume was loaded from; empty when it was not from DICOM, or they are not known.

    Parameters
    ----------
    volume : volume node
    database : Slicer's DICOM database (``fileForInstance``), None when there is none
    """
    uids = (volume.GetAttribute("DICOM.instanceUIDs") or "").split()
    if database is None or not uids:
        return []
    files = [str(database.fileForInstance(uid) or "") for uid in uids]
    return files if all(files) else []


def proposed_sources(volume: Any) -> list[Any]:
    """Return the nodes that were drawn on a volume by someone else than AI Imaging."""
    scene, found = volume.GetScene(), []
    for name in SOURCE_CLASSES:
        nodes = scene.GetNodesByClass(name)
        nodes.UnRegister(None)
        for index in range(nodes.GetNumberOfItems()):
            node = nodes.GetItemAsObject(index)
            if not node.GetAttribute(KIND) and not node.GetHideFromEditors() and _drawn_on(node, volume):
                found.append(node)
    return found


def _drawn_on(node: Any, volume: Any) -> bool:
    if node.IsA(SEGMENTATION):
        role = node.GetReferenceImageGeometryReferenceRole()
        return bool(node.GetNodeReferenceID(role) == volume.GetID())
    if not node.GetNumberOfControlPoints():
        return False
    return bool(node.GetNthControlPointAssociatedNodeID(0) == volume.GetID())


class _Marks:
    """Points, boxes and lines as boxes, LPS mm in the coordinates of a volume."""

    def __init__(self, volume: Any) -> None:
        self._volume = volume
        self._from_world = matrix_between(None, volume)
        self.boxes: list[OrientedBox] = []
        self.names: list[str] = []
        self.long_axes_mm: list[float | None] = []
        self.notes: list[str] = []

    def add(self, node: Any) -> None:
        if node.IsA(POINTS):
            self._add_points(node)
        elif node.IsA(BOX):
            self._add_box(node)
        elif node.IsA(LINE):
            self._add_line(node)
        else:
            raise SceneError(f"'{node.GetName()}' holds no lesions.", "Choose a segmentation, points, boxes or lines.")

    def _add_points(self, node: Any) -> None:
        left_out = 0
        for index in range(node.GetNumberOfControlPoints()):
            if node.GetNthControlPointPositionStatus(index) != node.PositionDefined:
                continue
            if not node.GetNthControlPointSelected(index):
                left_out += 1
                continue
            size = (_POINT_MM, _POINT_MM, _POINT_MM)
            self._add(self._place(node, index), size, np.eye(3), node.GetNthControlPointLabel(index), None)
        if left_out:
            self.notes.append(f"{left_out} points that are not selected were left out.")

    def _add_box(self, node: Any) -> None:
        from AIImagingLogic.scene.coordinates import array_of_vtk_matrix

        own = self._from_world @ array_of_vtk_matrix(node.GetObjectToWorldMatrix())
        scale = np.linalg.norm(own[:3, :3], axis=0)
        axes = (LPS_TO_RAS @ (own[:3, :3] / scale)).T
        if np.linalg.det(axes) < 0:
            axes[2] *= -1
        self._add(LPS_TO_RAS @ own[:3, 3], np.array(node.GetSize()) * scale, axes, node.GetName(), None)

    def _add_line(self, node: Any) -> None:
        if node.GetNumberOfDefinedControlPoints() != 2:
            self.notes.append("A line without two ends was left out.")
            return
        first, second = self._place(node, 0), self._place(node, 1)
        length = float(np.linalg.norm(second - first))
        self._add((first + second) / 2, (length, length, length), np.eye(3), node.GetName(), length)

    def _place(self, node: Any, index: int) -> npt.NDArray[np.float64]:
        world = np.zeros(3)
        node.GetNthControlPointPositionWorld(index, world)
        own: npt.NDArray[np.float64] = LPS_TO_RAS @ (self._from_world @ (*world, 1.0))[:3]
        return own

    def _add(
        self,
        center: npt.NDArray[np.float64],
        size: Sequence[float] | npt.NDArray[np.float64],
        axes: npt.NDArray[np.float64],
        name: str,
        long_axis_mm: float | None,
    ) -> None:
        from AIImagingLogic.records.boxes import OrientedBox

        x, y, z = (_vector(axis) for axis in axes)
        self.boxes.append(OrientedBox(_vector(center), _vector(size), (x, y, z)))
        self.names.append(name or f"Lesion {len(self.boxes)}")
        self.long_axes_mm.append(long_axis_mm)


def _vector(values: Sequence[float] | npt.NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
