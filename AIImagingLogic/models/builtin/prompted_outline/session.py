"""One object of one image as it is outlined and corrected: keeps the outline, and how it came about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.images.geometry import grid_spacing
from AIImagingLogic.models.builtin.prompted_outline.box_outline import box_outline, nodes_in_box
from AIImagingLogic.models.builtin.prompted_outline.canonical_grid import canonical_box, canonical_view
from AIImagingLogic.models.builtin.prompted_outline.correction import added_part, corrected, outline_distance_mm
from AIImagingLogic.models.builtin.prompted_outline.finish import finished
from AIImagingLogic.models.builtin.prompted_outline.first_outline import Found, first_outline
from AIImagingLogic.models.builtin.prompted_outline.new_prompts import is_continued, new_marks
from AIImagingLogic.models.builtin.prompted_outline.painted_prompts import Mark, shown
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.prompts import Prompts

Flags = NDArray[np.bool_]
Voxels = NDArray[np.int64]
Box = tuple[slice, ...]

# A mark inside farther away than this, in radii of the object, shows another part.
_FAR = 2.5


@dataclass(frozen=True)
class _Step:
    """What one set of new prompts changed."""

    prompts: Prompts
    marks: tuple[Mark, ...]
    changes: tuple[tuple[Box, Flags], ...]
    """The boxes that changed, and what they held before."""


class OutlineSession:
    """Outlines and corrects one object. The same prompts in the same order give the same outline."""

    def __init__(self, image: sitk.Image, proposal: sitk.Image | None) -> None:
        self._image = image
        # All is done in one orientation: the outline does not depend on how the image's axes are flipped or permuted.
        self._view = canonical_view(image)
        self._grid = self._view.grid
        self._volume = self._view.of(sitk.GetArrayViewFromImage(image))
        self._spacing = grid_spacing(self._grid)[::-1]
        if proposal is None:
            self._mask = np.zeros(self._volume.shape, bool)
        else:
            values = self._view.of(sitk.GetArrayViewFromImage(proposal))
            self._mask = np.ascontiguousarray(
                values >= 0.5 if np.issubdtype(values.dtype, np.floating) else values != 0
            )
        self._steps: list[_Step] = []
        # Counted once, then kept up to date: a count of a whole image takes as long as a correction.
        self._size = int(np.count_nonzero(self._mask))
        self._proposed = self._size > 0

    def refine(self, prompts: Prompts, progress: Progress) -> sitk.Image:
        """Return what the prompts change: see `RefinementSession.refine`."""
        self._go_back_before(prompts)
        before = self._steps[-1].prompts if self._steps else Prompts()
        changes: list[tuple[Box, Flags]] = []
        marks = [mark for step in self._steps for mark in step.marks]
        new = new_marks(self._grid, before, prompts)
        boxed = prompts.box is not None and before.box is None
        box = None if prompts.box is None else canonical_box(prompts.box)
        for mark in (*((None,) if boxed else ()), *new):
            progress.check_cancelled()
            if mark is not None:
                marks.append(mark)
            changes += self._take(mark, marks, box)
        self._steps.append(_Step(prompts, new, tuple(changes)))
        return self._crop()

    def _take(self, mark: Mark | None, marks: list[Mark], box: OrientedBox | None) -> list[tuple[Box, Flags]]:
        """Take one mark, or the box when there is none, into the outline; return what was there before."""
        inside, outside = shown(marks, self._volume.shape)
        if not self._size and not self._proposed:
            found = self._first(box, inside, outside)
            return [] if found is None else [self._changed(found, True, inside, outside)]
        if mark is None or len(mark.voxels) == 0:
            return []
        opposite = outside if mark.inside else inside
        if mark.inside and self._shares_of_radius(mark) > _FAR:
            found = added_part(self._volume, self._mask, self._spacing, mark.voxels, outside)
        else:
            allowed = None if box is None else partial(nodes_in_box, self._grid, box)
            found = corrected(
                self._volume,
                self._mask,
                self._spacing,
                mark.voxels,
                mark.inside,
                opposite,
                self._size,
                allowed,
                self._proposed,
            )
        return [self._changed(found, False, inside, outside)]

    def _first(self, box: OrientedBox | None, inside: Voxels, outside: Voxels) -> Found | None:
        """Return the first outline; None when nothing was shown of the object."""
        if box is not None:
            return box_outline(self._grid, self._volume, box, inside, outside)
        return first_outline(self._volume, self._spacing, inside, outside) if len(inside) else None

    def _shares_of_radius(self, mark: Mark) -> float:
        """Return how far a mark lies from the outline, in radii of a ball of the object's size."""
        radius_mm = float((3 * self._size * np.prod(self._spacing) / (4 * np.pi)) ** (1 / 3))
        return outline_distance_mm(self._mask, self._spacing, mark.voxels, mark.inside) / radius_mm

    def _changed(self, found: Found, first: bool, inside: Voxels, outside: Voxels) -> tuple[Box, Flags]:
        """Take the outline that was found; return where, and what was there before."""
        extent = None if first or self._proposed else self._extent()
        box, values = finished(self._volume, self._mask, self._spacing, found, first, extent, inside, outside)
        return self._write(box, values)

    def _write(self, box: Box, values: Flags) -> tuple[Box, Flags]:
        """Write values in a box; return what was there."""
        was = self._mask[box].copy()
        self._mask[box] = values
        self._size += int(np.count_nonzero(values)) - int(np.count_nonzero(was))
        return box, was

    def _go_back_before(self, prompts: Prompts) -> None:
        """Undo steps whose prompts were taken back."""
        while self._steps and not is_continued(self._steps[-1].prompts, prompts):
            step = self._steps.pop()
            for box, was in reversed(step.changes):
                self._write(box, was)

    def _extent(self) -> tuple[Voxels, Voxels] | None:
        """Return the first voxel of the object and the one after its last, of an object that was made here."""
        last = next((step.changes[-1][0] for step in reversed(self._steps) if step.changes), None)
        if last is None or not self._mask[last].any():
            return None
        where = ndimage.find_objects(self._mask[last].astype(np.int8))[0]
        first = np.array([s.start for s in last])
        return first + [s.start for s in where], first + [s.stop for s in where]

    def _crop(self) -> sitk.Image:
        """Return all that differs from the proposal."""
        boxes = [box for step in self._steps for box, _ in step.changes]
        if not boxes:
            first, last = np.zeros(3, int), np.ones(3, int)
        else:
            first = np.min([[s.start for s in box] for box in boxes], axis=0)
            last = np.max([[s.stop for s in box] for box in boxes], axis=0)
        where = tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
        crop = sitk.GetImageFromArray(self._view.back(self._mask[where].astype(np.uint8)))
        crop.SetSpacing(self._image.GetSpacing())
        crop.SetDirection(self._image.GetDirection())
        crop.SetOrigin(self._image.TransformIndexToPhysicalPoint(self._view.first_in_image(first, last)[::-1]))
        return crop
