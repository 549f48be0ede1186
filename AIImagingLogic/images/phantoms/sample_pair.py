"""The chest phantom as sample data: two dated visits made on this computer, checked against the tested ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.images.info import describe
from AIImagingLogic.images.phantoms.chest_pair import demo_recipe, make_chest_pair
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.resources import load_resource

_BLOCKS = 4


@dataclass(frozen=True)
class SamplePair(Record):
    """Two chest CTs, int16 HU, LPS mm, with what is known of them."""

    baseline: sitk.Image
    baseline_info: ImageInfo
    followup: sitk.Image
    followup_info: ImageInfo


def make_sample_pair(progress: Progress | None = None) -> SamplePair:
    """Make the phantom of `demo_recipe`, without a network.

    Raises
    ------
    WrongImageError
        It is not the phantom whose figures stand in Resources/sample_data.json.
    """
    progress = progress or Progress()
    expected = load_resource("sample_data.json")["phantom"]["visits"]
    with progress.stage("Making the phantom", 0.0, 0.9):
        pair = make_chest_pair(demo_recipe())
    with progress.stage("Checking it", 0.9, 1.0):
        parts: list[Any] = []
        for image, figures in zip((pair.baseline, pair.followup), expected, strict=True):
            check_sample(image, figures)
            acquired = datetime.fromisoformat(figures["acquired"])
            parts += [image, describe(image, modality="CT", intensity_unit="HU", acquired=acquired)]
    return SamplePair(*parts)


def check_sample(image: sitk.Image, figures: dict[str, Any]) -> None:
    """Check that an image is the one whose figures are given.

    A checksum cannot be asked for: between processors with different vector units (AVX-512 or not), one voxel in
    15,000 comes out 1 HU apart, which moves the mean of a block by .0002 HU; another phantom differs by tens of HU.

    Parameters
    ----------
    image : int16, HU
    figures : ``size`` (i, j, k), ``spacing_mm`` and ``block_means_hu`` (as `block_means`), ``tolerance_hu``

    Raises
    ------
    WrongImageError
        It is another image.
    """
    same = list(image.GetSize()) == figures["size"] and np.allclose(image.GetSpacing(), figures["spacing_mm"])
    if same:
        difference = np.abs(block_means(image) - np.asarray(figures["block_means_hu"]))
        same = bool(difference.max() <= figures["tolerance_hu"])
    if not same:
        raise WrongImageError(
            "The phantom made on this computer is not the one that was tested.",
            "Please report this, with the versions of Python and numpy.",
        )


def block_means(image: sitk.Image) -> NDArray[np.float64]:
    """Return the mean voxel (HU) of each of 4 x 4 x 4 blocks of an image, (64,), the last axis (i) fastest."""
    voxels = sitk.GetArrayViewFromImage(image)
    edges = [np.linspace(0, length, _BLOCKS + 1).astype(int) for length in voxels.shape]
    return np.array(
        [
            voxels[k0:k1, j0:j1, i0:i1].mean(dtype=np.float64)
            for k0, k1 in zip(edges[0], edges[0][1:])
            for j0, j1 in zip(edges[1], edges[1][1:])
            for i0, i1 in zip(edges[2], edges[2][1:])
        ]
    )
