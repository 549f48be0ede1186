"""Whether what was outlined at a lesion's place at another visit is that lesion: size, density, shape."""

from __future__ import annotations

import math

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.resources import load_resource


def looks_the_same(proposal: Finding, seen: Finding) -> bool:
    """Return whether two findings are nearly of one kind and alike in volume, mean density and shape.

    The figures are in Resources/rules/second_look.json. Shape: the share of the smaller outline that lies in the larger
    when their middles are put on each other; a piece of a vessel does not fill the outline of a nodule.
    """
    rules = load_resource("rules/second_look.json")["without_candidate"]
    order = load_resource("rules/matching.json")["attenuation_order"]
    kinds = [finding.descriptors.get("attenuation", "") for finding in (proposal, seen)]
    if any(kind not in order for kind in kinds):
        return False
    if abs(order.index(kinds[0]) - order.index(kinds[1])) > rules["attenuation_steps"]:
        return False
    volume, known = proposal.value("volume"), seen.value("volume")
    density, expected = proposal.value("mean_density"), seen.value("mean_density")
    if not volume or not known or density is None or expected is None:
        return False
    if abs(math.log(volume / known)) > math.log(rules["volume_ratio"]):
        return False
    if abs(density - expected) > rules["density_hu"]:
        return False
    return shared_shape(proposal.mask, seen.mask) >= rules["shared_shape"]


def shared_shape(first: sitk.Image | None, second: sitk.Image | None) -> float:
    """Return the share of the smaller of two masks that lies in the larger, middle on middle; 0 without a mask.

    Parameters
    ----------
    first, second : cropped masks, each on a grid of its own, of two images of one patient in the same position
    """
    if first is None or second is None:
        return 0.0
    middles = [_middle_mm(mask) for mask in (first, second)]
    if middles[0] is None or middles[1] is None:
        return 0.0
    to_second = sitk.TranslationTransform(3, (middles[1] - middles[0]).tolist())
    own = sitk.GetArrayViewFromImage(first) > 0
    moved = sitk.Resample(second > 0, first, to_second, sitk.sitkNearestNeighbor, 0, sitk.sitkUInt8)
    voxel_mm3 = float(np.prod(first.GetSpacing()))
    shared = float((own & (sitk.GetArrayViewFromImage(moved) > 0)).sum()) * voxel_mm3
    other_mm3 = float((sitk.GetArrayViewFromImage(second) > 0).sum()) * float(np.prod(second.GetSpacing()))
    # Voxels of two sizes do not add up exactly: a mask may seem to hold a little more than the other has.
    return min(1.0, shared / min(float(own.sum()) * voxel_mm3, other_mm3))


def _middle_mm(mask: sitk.Image) -> np.ndarray | None:
    inside = np.argwhere(sitk.GetArrayViewFromImage(mask) > 0)
    if len(inside) == 0:
        return None
    index = inside.mean(axis=0)[::-1]
    return np.array(mask.TransformContinuousIndexToPhysicalPoint(index.tolist()))
