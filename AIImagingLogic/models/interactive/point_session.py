"""One object of one image for a model that makes the whole outline anew from all points."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.images.geometry import grid_size, world_to_index
from AIImagingLogic.models.interactive.point_prompts import Points, point_prompts
from AIImagingLogic.records.errors import GeometryError
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.prompts import Prompts

Outline = Callable[[Points, Points, Progress], sitk.Image]
"""Makes the outline, float32 on the grid of the image, > 0.5 in it, from points inside and outside, LPS mm."""


class PointSession:
    """Keeps the proposal, so that what changed can be told from it; what was clicked holds whatever the model says.

    Parameters
    ----------
    image : 3D
    proposal : on its grid, or None
    outline : the model
    """

    def __init__(self, image: sitk.Image, proposal: sitk.Image | None, outline: Outline) -> None:
        self._image, self._outline = image, outline
        self._before = as_flags(proposal, image)

    def refine(self, prompts: Prompts, progress: Progress) -> sitk.Image:
        """Return what the prompts change: see `RefinementSession.refine`."""
        inside, outside = point_prompts(prompts)
        if not len(inside) and not self._before.any():
            raise GeometryError("Nothing was shown of the object.", "Click in it first.")
        values = self._outline(inside, outside, progress)
        progress.check_cancelled()
        found = sitk.GetArrayViewFromImage(values) > 0.5
        for places, value in ((prompts.inside_mm, True), (prompts.outside_mm, False)):
            if places:
                found[tuple(_voxels(self._image, places).T)] = value
        return changed_crop(self._image, self._before, found)


def as_flags(proposal: sitk.Image | None, image: sitk.Image) -> NDArray[np.bool_]:
    """Return a proposal, labels or probabilities, as flags (k, j, i); without one none is set."""
    if proposal is None:
        return np.zeros(image.GetSize()[::-1], dtype=bool)
    values = sitk.GetArrayViewFromImage(proposal)
    return np.asarray(values >= 0.5 if np.issubdtype(values.dtype, np.floating) else values != 0)


def changed_crop(image: sitk.Image, before: NDArray[np.bool_], found: NDArray[np.bool_]) -> sitk.Image:
    """Return the box of all that differs from before, uint8, 1 in the object; one voxel where nothing does."""
    places = np.argwhere(found != before)
    if not len(places):
        places = np.zeros((1, 3), dtype=int)
    first, last = places.min(axis=0), places.max(axis=0) + 1
    where = tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    crop = sitk.GetImageFromArray(found[where].astype(np.uint8))
    crop.SetSpacing(image.GetSpacing())
    crop.SetDirection(image.GetDirection())
    crop.SetOrigin(image.TransformIndexToPhysicalPoint([int(n) for n in first[::-1]]))
    return crop


def _voxels(image: sitk.Image, places: tuple[tuple[float, float, float], ...]) -> NDArray[np.int64]:
    index = np.floor(world_to_index(image, places) + 0.5).astype(np.int64)
    return np.clip(index, 0, grid_size(image) - 1)[:, ::-1]
