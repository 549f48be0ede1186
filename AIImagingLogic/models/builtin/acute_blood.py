"""Acute blood inside the skull: found as dense blobs, freed from what is dense without being a haematoma."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.coarse_grid import FULL
from AIImagingLogic.models.builtin.distances import Mask, Spacing, box_of, depth_in, distance_to, joined_to
from AIImagingLogic.models.builtin.head_midline import Midline
from AIImagingLogic.records.resources import load_resource

_BONE_HALF_HU = 600.0
_RING_MM = (3.0, 7.0)
_GROW_MM = 3.5
_GROW_ALONG_MM = 30.0
_SUPERFICIAL_MM = 16.0
_CALCIFIED_HALO_MM = 4.0
_BASE_RIM_MM = 5.0
_SMALL_ML = 1.5
_THICK_MM = 2.0
_CROWN = 0.85
_FLAT = 0.3


@dataclass(frozen=True)
class HeadMap:
    """What the search looks at; arrays (k, j, i) on one grid.

    Attributes
    ----------
    hu : HU as scanned
    smooth : HU denoised
    space : the cranial cavity
    depth_mm : distance to bone
    spacing_mm : mm along k, j, i
    midline : the plane between the hemispheres
    """

    hu: NDArray[np.int16]
    smooth: NDArray[np.float32]
    space: Mask
    depth_mm: NDArray[np.float32]
    spacing_mm: Spacing
    midline: Midline


def find_acute_blood(head: HeadMap) -> NDArray[np.uint8]:
    """Return how far each voxel is acute blood: (k, j, i) 0..`FULL`, half of it is the border."""
    rule = load_resource("rules/haemorrhage.json")["blood"]
    voxel_ml = float(np.prod(head.spacing_mm)) / 1000.0
    brain = float(np.median(head.smooth[head.space & (head.depth_mm > 10.0)]))
    from_hu = max(float(rule["from_hu"]), brain + float(rule["above_brain_hu"]))
    dense = head.space & (head.smooth >= from_hu) & (head.smooth <= rule["to_hu"]) & (head.depth_mm > 0)
    seeds = dense & (head.depth_mm > rule["bone_rim_mm"]) & ~shares_slice_with_bone(head.depth_mm, head.spacing_mm)
    thick = float(rule["least_half_thickness_mm"])
    # Blood on the inner table is as thick as it reaches into the skull: the rim that was left out counts with it.
    rim = head.depth_mm <= rule["bone_rim_mm"]
    seeds &= (depth_in(seeds | rim, head.spacing_mm) > thick) & (head.smooth >= rule["core_from_hu"])
    blobs = dense & (distance_to(seeds, head.spacing_mm) <= 2.0 * thick)
    labels, count = ndimage.label(joined_to(seeds, blobs) if seeds.any() else blobs)
    calcified = head.space & (head.hu >= rule["calcified_from_hu"]) & (head.depth_mm > 3.0)
    calcified &= ndimage.uniform_filter(head.hu.astype(np.float32), 3) > rule["calcified_from_hu"] * 0.75
    near_calcium = distance_to(calcified, head.spacing_mm) <= _CALCIFIED_HALO_MM
    result = np.zeros(head.hu.shape, np.uint8)
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        blob = labels[box] == label
        ml = float(blob.sum()) * voxel_ml
        if ml < 0.5 * rule["least_ml"] or _is_no_haematoma(blob, box, ml, head, near_calcium, rule):
            continue
        _outline(labels == label, seeds, dense, head, result)
    parts, count = ndimage.label(result >= FULL // 2)
    small = np.bincount(parts.ravel(), minlength=count + 1) * voxel_ml < rule["least_ml"]
    small[0] = False
    result[small[parts]] = 0
    return result


def shares_slice_with_bone(depth_mm: NDArray[np.float32], spacing_mm: Spacing) -> Mask:
    """Return where thick slices may average brain with the bone of the next slice, as under the crown."""
    bone = depth_mm <= 0
    if spacing_mm[0] <= _THICK_MM:
        return np.zeros_like(bone)
    beside: Mask = ndimage.binary_dilation(bone, np.ones((3, 1, 1), dtype=bool))
    return beside


def _is_no_haematoma(
    blob: Mask, box: tuple[slice, ...], ml: float, head: HeadMap, near_calcium: Mask, rule: dict[str, Any]
) -> bool:
    """Whether a blob is falx, venous sinus, the halo of a calcification or beam hardening at the skull base."""
    depth = head.depth_mm[box][blob]
    width = 2.0 * float(depth_in(np.pad(blob, 1), head.spacing_mm).max())
    off_midline = np.abs(head.midline.distance_mm(box)[blob])
    backward, height = head.midline.place(box)
    if np.mean(off_midline < rule["falx_mm"]) > 0.7 and width < rule["falx_width_mm"]:
        return True
    if ml < rule["sinus_ml_maximum"] and width < rule["sinus_width_mm"]:
        superficial = depth < rule["sinus_depth_mm"]
        sagittal = superficial & (off_midline < rule["midline_mm"])
        transverse = superficial & (backward[blob] > 0.5) & (height[blob] < 0.55)
        straight = (off_midline < rule["midline_mm"]) & (backward[blob] > 0.6) & (height[blob] < 0.6)
        if np.mean(sagittal | transverse | straight) > 0.75:
            return True
    tall_mm, *flat_mm = ((part.stop - part.start) * s for part, s in zip(box, head.spacing_mm))
    crown_or_base = (height[blob].mean() > _CROWN) | (height[blob].mean() < 1 - _CROWN)
    if crown_or_base and tall_mm < _FLAT * max(flat_mm) and np.mean(depth < _BASE_RIM_MM + _BASE_RIM_MM / 2) > 0.6:
        return True
    if ml < 2 * _SMALL_ML and np.mean(near_calcium[box][blob]) > 0.5:
        return True
    return ml < _SMALL_ML and float(np.mean(depth < _BASE_RIM_MM)) > 0.6


def _outline(blob: Mask, seeds: Mask, dense: Mask, head: HeadMap, onto: NDArray[np.uint8]) -> None:
    """Write the blob with its border half way between its own level and that of what surrounds it."""
    box = box_of(blob, _GROW_ALONG_MM + 1.0, head.spacing_mm)
    blob, smooth, hu = blob[box], head.smooth[box], head.hu[box]
    away = distance_to(blob, head.spacing_mm)
    core = smooth[blob & seeds[box]]
    level = float(np.median(core if core.size else smooth[blob]))
    ring = head.space[box] & (away > _RING_MM[0]) & (away <= _RING_MM[1]) & ~dense[box] & (head.depth_mm[box] > 2.0)
    around = float(np.median(smooth[ring])) if ring.any() else 30.0
    around = min(around, level - 8.0)
    low = 0.5 + (smooth - (level + around) / 2.0) / (level - around)
    # Towards bone the border is half way to bone.
    high = np.where(head.depth_mm[box] <= 2.0, 0.5 + (_BONE_HALF_HU - hu) / (2.0 * (_BONE_HALF_HU - level)), 1.0)
    share = np.clip(np.minimum(low, high), 0.0, 1.0)
    # Where a thick slice holds both, blood ends within what counts as bone.
    in_bone_mm = max(1.5, 0.8 * head.spacing_mm[0])
    # Films along the bone are too thin to be found, but belong to a crescent that was.
    deepest = float(np.percentile(head.depth_mm[box][blob], 90))
    along_mm = _GROW_ALONG_MM if deepest < _SUPERFICIAL_MM else _GROW_MM
    reach = head.space[box] & ((away <= _GROW_MM) | ((away <= along_mm) & (head.depth_mm[box] <= deepest)))
    inside = joined_to(blob & (share >= 0.5), (share >= 0.5) & reach)
    in_bone = (share >= 0.5) & (head.depth_mm[box] <= 0) & (distance_to(inside, head.spacing_mm) <= in_bone_mm)
    inside = joined_to(inside, in_bone)
    rim = ndimage.binary_dilation(inside)
    painted = np.where(inside, share, np.where(rim, np.minimum(share, 0.499), 0.0)) * FULL
    np.maximum(onto[box], painted.astype(np.uint8), out=onto[box])
