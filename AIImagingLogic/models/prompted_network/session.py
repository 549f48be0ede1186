"""One object of one image as the network outlines and corrects it: first coarse enough to see all of it, then fine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.prompted_outline.new_prompts import is_continued, new_marks
from AIImagingLogic.models.builtin.prompted_outline.painted_prompts import box_bounds, shown
from AIImagingLogic.models.prompted_network.outliner import Outliner
from AIImagingLogic.models.prompted_network.window_grid import WindowGrid
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.prompts import Prompts

Flags = NDArray[np.bool_]
Voxels = NDArray[np.int64]
Bounds = tuple[Voxels, Voxels]
_SEARCHING_SIDE, _FINE_SIDE = 32, 48
_COARSER = 1.6
# An object that has this share of itself at the cube's faces is larger than the cube.
_AT_FACES = 0.03
_MARGIN = 1.4


@dataclass(frozen=True)
class _Step:
    prompts: Prompts
    box: tuple[slice, ...]
    was: Flags


class NetworkSession:
    """Outlines and corrects one object. The same prompts in the same order give the same outline."""

    def __init__(self, outliner: Outliner, image: sitk.Image, proposal: sitk.Image | None) -> None:
        self._outliner, self._image = outliner, image
        self._volume = sitk.GetArrayViewFromImage(image)
        self._spacing = np.array(image.GetSpacing())[::-1]
        self._mask = np.zeros(self._volume.shape, bool)
        if proposal is not None:
            values = sitk.GetArrayViewFromImage(proposal)
            self._mask = values > (0.5 if np.issubdtype(values.dtype, np.floating) else 0)
        self._steps: list[_Step] = []

    def refine(self, prompts: Prompts, progress: Progress) -> sitk.Image:
        """Return what the prompts change: see `RefinementSession.refine`."""
        while self._steps and not is_continued(self._steps[-1].prompts, prompts):
            step = self._steps.pop()
            self._mask[step.box] = step.was
        inside, outside = shown(list(new_marks(self._image, Prompts(), prompts)), self._volume.shape)
        box = None if prompts.box is None else box_bounds(self._image, prompts.box)
        bounds = self._bounds(inside, box, progress)
        if bounds is not None:
            grid = self._cube(bounds, outside)
            before = self._mask if self._mask.any() else None
            seen = inside
            if box is not None and before is None and not len(inside):
                # The network starts better from a place than from a box alone; what is found need not hold it.
                seen = np.rint((box[0] + box[1]) / 2).astype(np.int64)[None]
            values = self._outliner.probabilities(grid, self._volume, seen, outside, box, before)
            self._take(prompts, grid.box, grid.back(values) > 0.5, inside, outside)
        return self._crop()

    def _bounds(self, inside: Voxels, box: Bounds | None, progress: Progress) -> Bounds | None:
        """Return the first and last voxel of what the object may fill; None when nothing was shown of it."""
        known = [] if box is None else list(box)
        if self._mask.any():
            where = ndimage.find_objects(self._mask.view(np.int8))[0]
            known += [np.array([s.start for s in where]), np.array([s.stop - 1 for s in where])]
        elif box is None:
            if not len(inside):
                return None
            known += list(self._searched(inside, progress))
        known += list(inside)
        return np.min(known, axis=0), np.max(known, axis=0)

    def _searched(self, inside: Voxels, progress: Progress) -> Bounds:
        """Return the bounds of the object at the finest scale at which it does not reach out of the cube."""
        low, high = inside.min(0), inside.max(0)
        voxel_mm = float(self._spacing.min())
        voxel_mm = max(voxel_mm, float(((high - low) * self._spacing).max()) * _MARGIN / _SEARCHING_SIDE)
        nothing = np.zeros((0, 3), np.int64)
        while True:
            progress.check_cancelled()
            grid = WindowGrid((low + high) / 2, voxel_mm, _SEARCHING_SIDE, self._spacing, self._volume.shape)
            found = self._outliner.probabilities(grid, self._volume, inside, nothing, None, None) > 0.5
            found = _parts_with(found, np.rint(grid.places(inside)).astype(int))
            at_faces = np.count_nonzero(found) - np.count_nonzero(found[2:-2, 2:-2, 2:-2])
            if found.any() and at_faces <= _AT_FACES * np.count_nonzero(found) or grid.covers_image:
                break
            voxel_mm *= _COARSER
        if not found.any():
            return low, high
        places = np.argwhere(found)
        ends = np.rint([grid.first + grid.step * place for place in (places.min(0), places.max(0))]).astype(np.int64)
        top = np.array(self._volume.shape) - 1
        return np.clip(ends[0], 0, top), np.clip(ends[1], 0, top)

    def _cube(self, bounds: Bounds, outside: Voxels) -> WindowGrid:
        """Return the cube around bounds, fine where the object is small."""
        low, high = bounds
        extent = float(((high - low + 1) * self._spacing).max()) * _MARGIN
        voxel_mm = max(extent / _FINE_SIDE, float(self._spacing.min()))
        return WindowGrid((low + high) / 2, voxel_mm, _FINE_SIDE, self._spacing, self._volume.shape)

    def _take(self, prompts: Prompts, box: tuple[slice, ...], found: Flags, inside: Voxels, outside: Voxels) -> None:
        """Make what was found the outline in the box; what was shown holds whatever was found."""
        corner = np.array([s.start for s in box])
        size = np.array(found.shape)
        marked = [
            voxels[np.all((voxels >= 0) & (voxels < size), axis=1)] for voxels in (inside - corner, outside - corner)
        ]
        found[tuple(marked[0].T)] = True
        found[tuple(marked[1].T)] = False
        was = self._mask[box].copy()
        found = _parts_with(found, np.concatenate([marked[0], np.argwhere(was)]))
        self._mask[box] = found
        self._steps.append(_Step(prompts, box, was))

    def _crop(self) -> sitk.Image:
        """Return all that may differ from the proposal."""
        firsts = [[s.start for s in step.box] for step in self._steps] or [[0, 0, 0]]
        lasts = [[s.stop for s in step.box] for step in self._steps] or [[1, 1, 1]]
        first, last = np.min(firsts, axis=0), np.max(lasts, axis=0)
        where = tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
        crop = sitk.GetImageFromArray(self._mask[where].astype(np.uint8))
        crop.SetSpacing(self._image.GetSpacing())
        crop.SetDirection(self._image.GetDirection())
        crop.SetOrigin(self._image.TransformIndexToPhysicalPoint([int(n) for n in first[::-1]]))
        return crop


def _parts_with(mask: Flags, places: Voxels) -> Flags:
    """Return the parts of a mask that hold one of the places; the largest when none does."""
    labels, count = ndimage.label(mask)
    if count <= 1:
        return mask
    size = np.array(mask.shape)
    held = places[np.all((places >= 0) & (places < size), axis=1)]
    wanted = set(np.unique(labels[tuple(held.T)])) - {0} if len(held) else set()
    if not wanted:
        wanted = {1 + int(np.bincount(labels.ravel())[1:].argmax())}
    return np.isin(labels, list(wanted))
