"""One object of one image as it is outlined and corrected: keeps the outline, and how it came about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.images.geometry import grid_spacing
from AIImagingLogic.models.builtin.prompted_outline.box_offers import box_places, nodes_in_box, offers_of_box
from AIImagingLogic.models.builtin.prompted_outline.canonical_grid import canonical_box, canonical_view
from AIImagingLogic.models.builtin.prompted_outline.choosing import (
    WRONG,
    best_offer,
    error_depth,
    offer_of_mask,
    part_of_correction,
)
from AIImagingLogic.models.builtin.prompted_outline.correction import Found, corrected, outline_distance_mm
from AIImagingLogic.models.builtin.prompted_outline.finish import finished
from AIImagingLogic.models.builtin.prompted_outline.new_prompts import is_continued, new_marks
from AIImagingLogic.models.builtin.prompted_outline.offer_features import Asked
from AIImagingLogic.models.builtin.prompted_outline.offers import Offer, offers_of_clicks
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
    """Outlines and corrects one object. The same prompts in the same order give the same outline.

    Attributes
    ----------
    wrong_from : of an outline that was made here, how deep a mark lies in the error, in depths of the outline, for
        others to be looked at than the corrected one
    """

    wrong_from: float = WRONG

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
        # A box that holds all of an object that was made here.
        self._held: Box | None = None

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
        asked = Asked(self._volume, self._spacing, self._mask, None, tuple(marks), inside, outside)
        if not self._size and not self._proposed:
            offers = self._offers(box, inside, outside)
            return [self._replaced(self._chosen(offers, asked), inside, outside)] if offers else []
        if mark is None or len(mark.voxels) == 0:
            return []
        extent = self._extent()
        error = 0.0 if extent is None else error_depth(self._mask, self._spacing, extent, mark)
        asked = replace(asked, extent=extent, error=error)
        # A mark far from the object shows another part of it.
        far = mark.inside and self._shares_of_radius(mark) > _FAR
        correction = self._added_part(mark, outside) if far else self._corrected(mark, inside, outside, box)
        return [correction] if error < self.wrong_from else [correction, *self._sought_anew(asked, correction, box)]

    def _chosen(self, offers: Sequence[Offer], asked: Asked) -> Offer:
        """Return the outline that is meant."""
        return best_offer(offers, asked)

    def _offers(self, box: OrientedBox | None, inside: Voxels, outside: Voxels) -> list[Offer]:
        """Return the outlines that the marks allow; none when nothing was shown of the object."""
        if box is not None:
            return offers_of_box(self._grid, self._volume, box, inside, outside)
        return offers_of_clicks(self._volume, self._spacing, inside, outside) if len(inside) else []

    def _corrected(self, mark: Mark, inside: Voxels, outside: Voxels, box: OrientedBox | None) -> tuple[Box, Flags]:
        """Change the part of the outline at a mark."""
        opposite = outside if mark.inside else inside
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
        extent = self._extent()
        return self._write(*finished(self._volume, self._mask, self._spacing, found, False, extent, inside, outside))

    def _added_part(self, mark: Mark, outside: Voxels) -> tuple[Box, Flags]:
        """Add another part of the object, far from it, that a mark shows."""
        asked = Asked(self._volume, self._spacing, self._mask, None, (mark,), mark.voxels, outside)
        offers = offers_of_clicks(self._volume, self._spacing, mark.voxels, outside)
        box, values = self._values(self._chosen(offers, asked), mark.voxels, outside)
        return self._write(box, values | self._mask[box])

    def _sought_anew(
        self, asked: Asked, correction: tuple[Box, Flags], box: OrientedBox | None
    ) -> list[tuple[Box, Flags]]:
        """Take another outline than the corrected one where that is likelier meant."""
        offers = self._offers(box, asked.inside, asked.outside)
        extent = self._extent()
        if extent is None:
            return []
        kept = offer_of_mask(self._volume, self._mask, self._spacing, extent)
        if box is not None:
            kept = replace(kept, box=box_places(self._grid, box, kept.grid))
        # What an outline would change is seen from the outline before the correction.
        again = self._write(*correction)
        less = part_of_correction(kept, self._mask, self._spacing, asked.marks[-1])
        best = self._chosen([kept, *less, *offers], asked)
        self._write(*again)
        return [] if best is kept else [self._replaced(best, asked.inside, asked.outside)]

    def _replaced(self, offer: Offer, inside: Voxels, outside: Voxels) -> tuple[Box, Flags]:
        """Take another outline in place of the one so far."""
        box, values = self._values(offer, inside, outside)
        extent = self._extent()
        if extent is not None:
            whole = _joined(box, tuple(slice(int(a), int(b)) for a, b in zip(*extent, strict=True)))
            wider = np.zeros([s.stop - s.start for s in whole], bool)
            wider[tuple(slice(s.start - w.start, s.stop - w.start) for s, w in zip(box, whole, strict=True))] = values
            box, values = whole, wider
        return self._write(box, values)

    def _values(self, offer: Offer, inside: Voxels, outside: Voxels) -> tuple[Box, Flags]:
        """Return the box of an outline that was chosen, and its voxels there."""
        found = Found(offer.grid, offer.region)
        return finished(self._volume, self._mask, self._spacing, found, True, None, inside, outside)

    def _shares_of_radius(self, mark: Mark) -> float:
        """Return how far a mark lies from the outline, in radii of a ball of the object's size."""
        radius_mm = float((3 * self._size * np.prod(self._spacing) / (4 * np.pi)) ** (1 / 3))
        return outline_distance_mm(self._mask, self._spacing, mark.voxels, mark.inside) / radius_mm

    def _write(self, box: Box, values: Flags) -> tuple[Box, Flags]:
        """Write values in a box; return what was there."""
        was = self._mask[box].copy()
        self._mask[box] = values
        self._size += int(np.count_nonzero(values)) - int(np.count_nonzero(was))
        self._held = box if self._held is None else _joined(box, self._held)
        return box, was

    def _go_back_before(self, prompts: Prompts) -> None:
        """Undo steps whose prompts were taken back."""
        while self._steps and not is_continued(self._steps[-1].prompts, prompts):
            step = self._steps.pop()
            for box, was in reversed(step.changes):
                self._write(box, was)

    def _extent(self) -> tuple[Voxels, Voxels] | None:
        """Return the first voxel of the object and the one after its last, of an object that was made here."""
        if self._proposed or self._held is None or not self._size:
            return None
        where = ndimage.find_objects(self._mask[self._held].astype(np.int8))[0]
        first = np.array([s.start for s in self._held])
        # What was written and taken back again is not looked at any more.
        self._held = tuple(slice(int(f + s.start), int(f + s.stop)) for f, s in zip(first, where, strict=True))
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


def _joined(one: Box, other: Box) -> Box:
    """Return the box that just holds two boxes."""
    return tuple(slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(one, other, strict=True))
