"""Connected parts of change that are plausible as lesions: new, enlarging, shrinking."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.followup.lesion_change.intensity_normalisation import Mask, Volume, smoothed
from AIImagingLogic.followup.lesion_change.subtraction import Subtraction
from AIImagingLogic.records.resources import load_resource

_SURROUNDINGS_SIGMA_MM = 8.0


class ChangeKind(enum.Enum):
    """What became of a lesion."""

    NEW = "new"
    ENLARGING = "enlarging"
    SHRINKING = "shrinking"


@dataclass(frozen=True)
class ChangeRegion:
    """One connected part of change.

    Attributes
    ----------
    kind : new, enlarging or shrinking
    where : slices of `mask` in the volume (k, j, i)
    mask : its voxels, cropped
    volume_mm3 : of the voxels
    intensity_change : mean difference, in shares of normal brain tissue
    significance : mean difference in standard deviations of the noise
    """

    kind: ChangeKind
    where: tuple[slice, slice, slice]
    mask: Mask
    volume_mm3: float
    intensity_change: float
    significance: float


def change_regions(found: Subtraction, brain: Mask, spacing_mm: NDArray[np.float64]) -> tuple[ChangeRegion, ...]:
    """Return the plausible changes, largest first.

    Parameters
    ----------
    found : difference and noise
    brain : (k, j, i)
    spacing_mm : (3,) along k, j, i

    Notes
    -----
    A change grows from voxels that are both significant and beyond any small shift, over all significant voxels of
    its sign that are connected; its border lies at half of its height, where a blurred object has its own. It is a
    lesion's when the brighter visit is brighter there than the tissue around, the other visit shows no fluid there
    (fluid flows and pulsates), it does not lie at the brain's surface, and tissue lies around it.
    """
    limits = load_resource("rules/lesion_change.json")
    rules = limits["regions"]
    voxel_mm3 = float(np.prod(spacing_mm))
    depth = ndimage.distance_transform_edt(brain, spacing_mm)
    around = _surroundings(found, brain, limits["subtraction"]["tissue_mm"], rules, spacing_mm)
    regions = []
    for sign in (1, -1):
        z = sign * found.difference / found.noise
        extent = brain & (z > rules["extent_sd"]) & (np.minimum(found.earlier, found.later) > rules["least_tissue"])
        seeds = extent & (z > rules["seed_sd"])
        seeds &= sign * found.beyond_shift / found.noise > rules["seed_beyond_shift_sd"]
        for where, grown in _grown(extent, seeds):
            mask = _down_to_its_border(sign * found.difference[where], grown, rules)
            if mask.sum() * voxel_mm3 < rules["least_volume_mm3"]:
                continue
            if _implausible(found, around, brain, depth, where, mask, sign, rules, spacing_mm):
                continue
            regions.append(
                ChangeRegion(
                    _kind(found, around, where, mask, sign, rules, spacing_mm),
                    where,
                    mask,
                    float(mask.sum() * voxel_mm3),
                    float(found.difference[where][mask].mean()),
                    float((found.difference[where] / found.noise[where])[mask].mean()),
                )
            )
    return tuple(sorted(regions, key=lambda region: -region.volume_mm3))


def _grown(extent: Mask, seeds: Mask) -> Iterator[tuple[tuple[slice, slice, slice], Mask]]:
    labels, count = ndimage.label(extent)
    with_seed = np.zeros(count + 1, bool)
    with_seed[np.unique(labels[seeds])] = True
    with_seed[0] = False
    for number, where in enumerate(ndimage.find_objects(labels), 1):
        if with_seed[number]:
            yield where, labels[where] == number


def _down_to_its_border(heights: Volume, grown: Mask, rules: dict[str, Any]) -> Mask:
    """Return the part of a grown region that is above half of its top, the 90th percentile.

    What changed as much as a lesion differs from normal tissue belongs to it however high the top is: a lesion that
    reaches a ventricle has its top where fluid was.
    """
    height = rules["extent_height"] * float(np.percentile(heights[grown], 90))
    return np.asarray(grown & (heights >= min(height, rules["lesion_brightness"] - 1)))


def _surroundings(
    found: Subtraction, brain: Mask, tissue_mm: float, rules: dict[str, Any], spacing_mm: NDArray[np.float64]
) -> Volume:
    """Return the mean brightness of tissue around each voxel over both visits; fluid and lesions do not count."""
    mean = (found.earlier + found.later) / 2
    tissue = brain & (mean > rules["least_tissue"]) & (mean < rules["lesion_brightness"])
    tissue &= ndimage.distance_transform_edt(brain, spacing_mm) > tissue_mm
    weight = np.maximum(smoothed(tissue, _SURROUNDINGS_SIGMA_MM, spacing_mm), 1e-3)
    return np.asarray(smoothed(np.where(tissue, mean, 0), _SURROUNDINGS_SIGMA_MM, spacing_mm) / weight, np.float32)


def _implausible(
    found: Subtraction,
    around: Volume,
    brain: Mask,
    depth: NDArray[np.float64],
    where: tuple[slice, slice, slice],
    mask: Mask,
    sign: int,
    rules: dict[str, Any],
    spacing_mm: NDArray[np.float64],
) -> str:
    """Return why a change is no lesion's, empty when it may be one."""
    bright = found.later if sign > 0 else found.earlier
    if (bright[where][mask] / around[where][mask]).mean() < rules["brightness_over_surroundings"]:
        return "not brighter than the tissue around"
    if np.median(depth[where][mask]) < rules["least_depth_mm"]:
        return "at the surface of the brain"
    near, far = rules["surroundings_mm"]
    wide, own = _widened(where, mask, brain.shape, far, spacing_mm)
    distance = ndimage.distance_transform_edt(~own, spacing_mm)
    ring = (distance > near) & (distance <= far)
    tissue = np.minimum(found.earlier, found.later)[wide] > rules["least_tissue"]
    if (tissue & brain[wide])[ring].mean() < rules["least_tissue_share_around"]:
        return "in fluid"
    return ""


def _kind(
    found: Subtraction,
    around: Volume,
    where: tuple[slice, slice, slice],
    mask: Mask,
    sign: int,
    rules: dict[str, Any],
    spacing_mm: NDArray[np.float64],
) -> ChangeKind:
    if sign < 0:
        return ChangeKind.SHRINKING
    # A lesion that was there before is bright in the earlier visit: inside the change, or within reach of its border.
    wide, own = _widened(where, mask, found.earlier.shape, rules["growth_reach_mm"], spacing_mm)
    filled = own.copy()
    for plane in filled:
        plane |= ndimage.binary_fill_holes(plane)
    reached = ndimage.distance_transform_edt(~filled, spacing_mm) <= rules["growth_reach_mm"]
    before = reached & (found.earlier[wide] > rules["lesion_brightness"] * around[wide])
    return ChangeKind.ENLARGING if before.sum() >= rules["lesion_share_for_growth"] * mask.sum() else ChangeKind.NEW


def _widened(
    where: tuple[slice, ...], mask: Mask, shape: tuple[int, ...], margin_mm: float, spacing_mm: NDArray[np.float64]
) -> tuple[tuple[slice, ...], Mask]:
    """Return slices with a margin, within the volume, and the mask in them."""
    margin = np.ceil(margin_mm / spacing_mm).astype(int) + 1
    wide = tuple(slice(max(0, cut.start - m), min(n, cut.stop + m)) for cut, m, n in zip(where, margin, shape))
    own = np.zeros([cut.stop - cut.start for cut in wide], bool)
    own[tuple(slice(cut.start - out.start, cut.stop - out.start) for cut, out in zip(where, wide))] = mask
    return wide, own
