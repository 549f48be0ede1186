"""The space inside the skull on a head CT, and why an image does not show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.distances import Mask, Spacing, depth_in, distance_to
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.resources import load_resource

_CHOOSE = "Choose a non-contrast CT of the whole head in Hounsfield units."

_TO_THE_WALL_MM = 2.5


@dataclass(frozen=True)
class IntracranialSpace:
    """The cranial cavity on a coarse grid.

    Attributes
    ----------
    space : (k, j, i) bool, closed at the foramen magnum and the other openings; calcifications are inside
    depth_mm : (k, j, i) distance to skull or air
    volume_ml : of `space`
    """

    space: Mask
    depth_mm: NDArray[np.float32]
    volume_ml: float


def find_intracranial_space(coarse: sitk.Image) -> IntracranialSpace:
    """Return the space inside the skull.

    Parameters
    ----------
    coarse : head CT in HU, about 1 mm in the plane, axes nearest to LPS

    Returns
    -------
    IntracranialSpace
        On the grid of `coarse`.

    Raises
    ------
    WrongImageError
        There is no skull, or what it encloses is no brain, or it is cut by the border of the image.

    Notes
    -----
    A ball that does not pass the foramen magnum is moved about in all that is neither bone nor air: where it comes
    from the middle of the head is the cavity. A smaller ball then reaches the recesses of the skull base, not far.
    """
    rule = load_resource("rules/haemorrhage.json")["head"]
    spacing_mm = coarse.GetSpacing()[::-1]
    voxel_ml = float(np.prod(spacing_mm)) / 1000.0
    # What lies outside of the image is not known: like air, it ends the head.
    hu = np.pad(sitk.GetArrayFromImage(coarse), 1, constant_values=-1024)
    bone = _large_parts(hu >= rule["bone_from_hu"], 0.05)
    bone_ml = float(bone.sum()) * voxel_ml
    if bone_ml < rule["least_bone_ml"]:
        raise WrongImageError(
            f"The image shows no skull ({bone_ml:.0f} ml of bone found): brain out of its skull, or no head.", _CHOOSE
        )
    air = hu < rule["air_below_hu"]
    depth_mm = depth_in(~bone & ~air, spacing_mm)
    space = _cavity(depth_mm, spacing_mm, rule) & _amid_bone(bone, int(rule["sides_of_bone_minimum"]))
    volume_ml = float(space.sum()) * voxel_ml
    _refuse_another_part(hu, space, bone, volume_ml, spacing_mm, rule)
    core = (slice(1, -1),) * 3
    return IntracranialSpace(space[core], depth_mm[core], volume_ml)


def _cavity(depth_mm: NDArray[np.float32], spacing_mm: Spacing, rule: dict[str, Any]) -> Mask:
    wide, narrow = float(rule["foramen_half_width_mm"]), float(rule["recess_half_width_mm"])
    labels, count = ndimage.label(depth_mm > wide)
    if count == 0:
        return np.zeros(depth_mm.shape, dtype=bool)
    largest = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    hall = distance_to(largest, spacing_mm) <= wide
    passage = (depth_mm > narrow) & ~hall
    grown = _grown_within(hall, passage, float(rule["recess_reach_mm"]), spacing_mm)
    cavity = (hall | (distance_to(grown & (depth_mm > narrow), spacing_mm) <= narrow)) & (depth_mm > 0)
    # A ball of whole voxels does not touch a curved wall everywhere.
    wall: Mask = (distance_to(cavity, spacing_mm) <= _TO_THE_WALL_MM) & (depth_mm > 0)
    return wall


def _amid_bone(bone: Mask, least_sides: int) -> Mask:
    """Return where bone lies ahead in at least so many of the six directions: not below the foramen magnum."""
    sides = np.zeros(bone.shape, np.uint8)
    for axis in range(3):
        for step in (slice(None), slice(None, None, -1)):
            turned = tuple(step if n == axis else slice(None) for n in range(3))
            sides[turned] += np.logical_or.accumulate(bone[turned], axis=axis)
    amid: Mask = sides >= least_sides
    return amid


def _grown_within(start: Mask, passage: Mask, reach_mm: float, spacing_mm: Spacing) -> Mask:
    """Return `start` and what of `passage` is reached from it in `reach_mm` without leaving it: not through bone."""
    grown = start.copy()
    step_mm = min(spacing_mm)
    travelled = [0.0] * 3
    for _ in range(round(reach_mm / step_mm)):
        for axis in range(3):
            travelled[axis] += step_mm
            if travelled[axis] >= spacing_mm[axis]:
                travelled[axis] -= spacing_mm[axis]
                structure = np.zeros((3, 3, 3), dtype=bool)
                structure[tuple(slice(None) if n == axis else 1 for n in range(3))] = True
                grown |= ndimage.binary_dilation(grown, structure) & passage
    return grown


def _refuse_another_part(
    hu: NDArray[np.int16], space: Mask, bone: Mask, volume_ml: float, spacing_mm: Spacing, rule: dict[str, Any]
) -> None:
    least, most = rule["cavity_ml"]
    if volume_ml == 0.0:
        raise WrongImageError("The image shows bone, but no cranial cavity.", _CHOOSE)
    bony, open_cm2 = _surroundings(space, bone, hu < rule["air_below_hu"], spacing_mm)
    if open_cm2 > rule["open_area_maximum_cm2"]:
        raise WrongImageError(
            f"The image shows a part of a head only: over {open_cm2:.0f} cm2 the brain ends at the border of the image "
            "or at air, not at the skull.",
            _CHOOSE,
        )
    if bony < rule["enclosed_share_minimum"]:
        raise WrongImageError(
            f"The image shows no brain inside a skull: bone borders {100 * bony:.0f} % of the largest soft part.",
            _CHOOSE,
        )
    if not least <= volume_ml <= most:
        raise WrongImageError(
            f"The cranial cavity has {volume_ml:.0f} ml; a whole one has {least} to {most} ml.", _CHOOSE
        )
    level = float(np.median(hu[space]))
    if not rule["brain_hu"][0] <= level <= rule["brain_hu"][1]:
        raise WrongImageError(
            f"What the skull encloses has {level:.0f} HU; brain has {rule['brain_hu'][0]} to {rule['brain_hu'][1]}: "
            "a phantom, or no Hounsfield units.",
            _CHOOSE,
        )


def _surroundings(space: Mask, bone: Mask, air: Mask, spacing_mm: Spacing) -> tuple[float, float]:
    """Return the share of the space's border that is bone, and the area (cm2) at which it meets air."""
    bony = open_mm2 = other = 0.0
    for axis in range(3):
        area = float(np.prod(spacing_mm)) / spacing_mm[axis]
        for step in (1, -1):
            beside = np.roll(space, step, axis) & ~space
            bony += area * np.count_nonzero(beside & bone)
            open_mm2 += area * np.count_nonzero(beside & air)
            other += area * np.count_nonzero(beside & ~bone & ~air)
    return bony / max(bony + open_mm2 + other, 1e-6), open_mm2 / 100.0


def _large_parts(mask: Mask, least_share: float) -> Mask:
    """Return the parts of `mask` that have at least this share of the largest: skull and spine, no calcifications."""
    labels, count = ndimage.label(mask)
    if count == 0:
        return mask
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    kept: Mask = (sizes >= least_share * sizes.max())[labels] & mask
    return kept
