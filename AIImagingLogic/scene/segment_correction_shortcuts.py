"""The buttons of a correction: what each needs of the scene, and what becomes of its answer."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from AIImagingLogic.jobs.job import ImageInput
from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.scene.coordinates import array_of_vtk_matrix
from AIImagingLogic.scene.editor_rules import source_in
from AIImagingLogic.scene.editor_rules_lattice import (
    LABELMAP,
    Extent,
    Lattice,
    common_box,
    lattice_of,
    oriented_box,
    part,
    segment_in,
    shape_of,
    voxels_of,
)
from AIImagingLogic.scene.editor_rules_region import AS_IT_IS, BESIDE, INSIDE, Region
from AIImagingLogic.scene.editor_rules_write import selected
from AIImagingLogic.scene.host import load_slicer, load_vtk
from AIImagingLogic.scene.segment_correction_proposal import segment_box

_IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
_TOOLS = "AIImagingLogic.models.builtin.outline_tools"


class Shortcut(enum.Enum):
    """What can be done at the press of a button: the worker's function, and how far beside the segment it looks, mm."""

    GROW = (f"{_TOOLS}.alike:grow_alike", True, 17.0)
    SPLIT = (f"{_TOOLS}.cut:cut_here", False, 0.0)
    FILL = (f"{_TOOLS}.between_slices:fill_between_slices", False, 0.0)
    SMOOTH = (f"{_TOOLS}.edge_smoothing:smooth_to_edge", True, 10.0)

    @property
    def function(self) -> str:
        """The worker's function."""
        return self.value[0]

    @property
    def needs_image(self) -> bool:
        """Whether it looks at the source volume."""
        return self.value[1]

    @property
    def margin_mm(self) -> float:
        """How far beside the segment it looks."""
        return self.value[2]


@dataclass(frozen=True, eq=False)
class ShortcutInput:
    """The selected segment in a box of its lattice.

    The worker gets the box as a grid of its own: the axes of the lattice, the spacing of the voxels, the first voxel
    at 0. What it returns is put back by its indices.

    Attributes
    ----------
    lattice, extent : where the box lies
    mask : uint8 (k, j, i), 1 in the segment
    voxels : of the source volume there; None when not needed
    """

    lattice: Lattice
    extent: Extent
    mask: npt.NDArray[np.uint8]
    voxels: npt.NDArray[Any] | None

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Spacing along i, j, k, mm."""
        i, j, k = (float(value) for value in np.linalg.norm(self.lattice.ijk_to_ras[:3, :3], axis=0))
        return i, j, k

    def arguments(self) -> dict[str, Any]:
        """Return the images for the worker."""
        grid: dict[str, Any] = {"spacing": self.spacing, "origin": (0.0, 0.0, 0.0), "direction": _IDENTITY}
        images = {"mask": ImageInput(self.mask, **grid)}
        if self.voxels is not None:
            images["image"] = ImageInput(self.voxels, **grid)
        return images

    def place_of(self, position_ras: npt.ArrayLike, segmentation_node: Any) -> tuple[float, float, float]:
        """Return where a point of the world, RAS mm, lies in the worker's grid, mm."""
        matrix = load_vtk().vtkMatrix4x4()
        parent = segmentation_node.GetParentTransformNode()
        if not load_slicer().vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(None, parent, matrix):
            raise SceneError(
                f"'{segmentation_node.GetName()}' stands under a transform that is not linear.", "Harden it first."
            )
        own = array_of_vtk_matrix(matrix) @ [*np.asarray(position_ras, dtype=float), 1.0]
        index = np.linalg.inv(self.lattice.ijk_to_ras) @ own
        i, j, k = (index[:3] - np.array(self.extent[::2])) * self.spacing
        return float(i), float(j), float(k)

    def region(self, answer: npt.NDArray[Any]) -> Region:
        """Return an outline that the worker made as the region that the segment becomes."""
        return Region(self.lattice, self.extent, np.where(answer != 0, INSIDE, BESIDE).astype(np.uint8))

    def region_without(self, answer: npt.NDArray[Any]) -> Region:
        """Return a part that the worker cut off as the region that the segment loses."""
        return Region(self.lattice, self.extent, np.where(answer != 0, BESIDE, AS_IT_IS).astype(np.uint8))


def shortcut_input(editor_node: Any, shortcut: Shortcut) -> ShortcutInput:
    """Return what a shortcut needs of the scene.

    Raises
    ------
    SceneError
        No segment is selected, it is empty, or there is no source volume.
    """
    node, segment_id = selected(editor_node)
    lattice = lattice_of(node)
    box, _mask = segment_box(node, segment_id, lattice)
    if 0 in shape_of(box):
        raise SceneError("The segment is empty.", "Outline the object first: click in it.")
    spacing = np.linalg.norm(lattice.ijk_to_ras[:3, :3], axis=0)
    steps = [int(np.ceil(shortcut.margin_mm / step)) for step in spacing]
    wide = [box[number] + (-steps[number // 2], steps[number // 2])[number % 2] for number in range(6)]
    i0, i1, j0, j1, k0, k1 = wide
    extent = common_box((i0, i1, j0, j1, k0, k1), lattice.extent)
    voxels = None
    if shortcut.needs_image:
        voxels = voxels_of(source_in(editor_node.GetSourceVolumeNode(), node, oriented_box(lattice, extent))).copy()
    return ShortcutInput(lattice, extent, segment_in(node, segment_id, lattice, extent).view(np.uint8), voxels)


def add_part(segmentation_node: Any, segment_id: str, given: ShortcutInput, taken: npt.NDArray[np.bool_]) -> str:
    """Add what was cut off a segment as a segment of its own, with the same terminology and tags; return its id."""
    slicer = load_slicer()
    content = segmentation_node.GetSegmentation()
    original = content.GetSegment(segment_id)
    segment = slicer.vtkSegment()
    segment.DeepCopyMetadata(original)
    segment.SetName(f"{original.GetName()} part")
    red, green, blue = original.GetColor()
    segment.SetColor(blue, red, green)
    segment.SetLabelValue(1)
    places = np.argwhere(taken)
    (k0, j0, i0), (k1, j1, i1) = places.min(axis=0), places.max(axis=0)
    first_i, _, first_j, _, first_k, _ = given.extent
    low = (first_i + int(i0), first_j + int(j0), first_k + int(k0))
    high = (first_i + int(i1), first_j + int(j1), first_k + int(k1))
    box = (low[0], high[0], low[1], high[1], low[2], high[2])
    segment.AddRepresentation(LABELMAP, oriented_box(given.lattice, box, taken[part(box, given.extent)]))
    new_id: str = content.GenerateUniqueSegmentID(segment_id)
    content.AddSegment(segment, new_id)
    return new_id
