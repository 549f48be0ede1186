"""Acute blood inside the skull on a non-contrast head CT."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.acute_blood import HeadMap, find_acute_blood, shares_slice_with_bone
from AIImagingLogic.models.builtin.brain_without_skull import refuse_brain_without_skull
from AIImagingLogic.models.builtin.coarse_grid import coarse_copy, paint_membership
from AIImagingLogic.models.builtin.distances import box_of
from AIImagingLogic.models.builtin.head_denoised import denoised
from AIImagingLogic.models.builtin.head_midline import find_midline
from AIImagingLogic.models.builtin.intracranial_space import IntracranialSpace, find_intracranial_space
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.errors import GeometryError, WrongImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.segmentation import Segment, Segmentation

BLOOD = 1
_GRID_SPACING_MM = 1.0
_MARGIN_MM = 6.0
_FROM_BONE_MM = 3.0
_FROM_CALCIUM_MM = 4.0
_CALCIUM_HU = 300


class CTHaemorrhage:
    """Outlines acute blood, learning-free: dense blobs inside the skull that are not dura, sinus, calcium or bone."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card

    def check(self, image: sitk.Image, info: ImageInfo) -> None:
        """Refuse brain that was cut out of its head: its values are Hounsfield units, though it has no air.

        Raises
        ------
        WrongImageError
            It is one.
        """
        refuse_brain_without_skull(image)

    def segment(self, image: sitk.Image, info: ImageInfo, progress: Progress) -> Segmentation:
        """Return acute blood inside the skull (1) on exactly the grid of `image`; no voxel is 1 where there is none.

        Parameters
        ----------
        image : non-contrast CT of a whole head in HU, any orientation, oblique axes, slices to 7.5 mm
        info : what is known of it
        progress : told of each step

        Raises
        ------
        GeometryError
            The slices are too thick, or thinner than the gaps between them.
        WrongImageError
            The image shows no skull, a part of a head, something else than brain in it, or contrast medium.
        """
        rule = load_resource("rules/haemorrhage.json")["head"]
        _refuse_gaps(image, info, float(rule["thickest_slice_mm"]), float(rule["spacing_over_thickness_maximum"]))
        progress.report(0.0, "Skull")
        coarse = coarse_copy(image, _GRID_SPACING_MM)
        found = find_intracranial_space(coarse)
        progress.report(0.4, "Brain, denoised")
        spacing_mm = coarse.GetSpacing()[::-1]
        box = _within(box_of(found.space, _MARGIN_MM, spacing_mm), found.space.shape)
        hu = sitk.GetArrayFromImage(coarse)[box]
        cut = IntracranialSpace(found.space[box], found.depth_mm[box], found.volume_ml)
        smooth = denoised(hu, cut.space, cut.depth_mm, spacing_mm)
        _refuse_contrast(hu, smooth, cut, spacing_mm)
        progress.report(0.7, "Blood")
        midline = find_midline(cut.space, spacing_mm)
        blood = find_acute_blood(HeadMap(hu, smooth, cut.space, cut.depth_mm, spacing_mm, midline))
        whole = np.zeros(found.space.shape, np.uint8)
        whole[box] = blood
        result = sitk.Image(image.GetSize(), sitk.sitkUInt8)
        result.CopyInformation(image)
        paint_membership(whole, coarse, result, BLOOD)
        coded = concept("intracranial-haemorrhage")
        return Segmentation(result, (Segment(BLOOD, coded.name, coded, coded.colour),))


def _refuse_gaps(image: sitk.Image, info: ImageInfo, thickest_mm: float, most: float) -> None:
    step_mm = max(image.GetSpacing())
    if step_mm > thickest_mm:
        raise GeometryError(
            f"The slices are {step_mm:.1f} mm apart; blood is outlined on slices up to {thickest_mm} mm.",
            "Choose a series with thinner slices.",
        )
    thickness = info.slice_thickness_mm
    if thickness and step_mm > most * thickness:
        raise GeometryError(
            f"The slices are {thickness:.1f} mm thick and {step_mm:.1f} mm apart: the gaps were not scanned.",
            "Choose a series without gaps.",
        )


def _refuse_contrast(
    hu: NDArray[np.int16], smooth: NDArray[np.float32], found: IntracranialSpace, spacing_mm: tuple[float, ...]
) -> None:
    """Refuse an image with more of the density of contrast medium, away from bone and calcium, than blood explains."""
    rule = load_resource("rules/haemorrhage.json")["head"]
    reach = [max(1, round(_FROM_CALCIUM_MM / step)) * 2 + 1 for step in spacing_mm]
    near_calcium = ndimage.maximum_filter((hu >= _CALCIUM_HU) & (found.depth_mm > 0), reach)
    bright = found.space & (found.depth_mm > _FROM_BONE_MM) & ~near_calcium & (smooth >= rule["contrast_from_hu"])
    bright &= ~shares_slice_with_bone(found.depth_mm, spacing_mm)
    bright_ml = float(bright.sum() * np.prod(spacing_mm)) / 1000.0
    if bright_ml > rule["contrast_ml_maximum"]:
        raise WrongImageError(
            f"The image seems to be made with contrast medium: {bright_ml:.0f} ml inside the skull have more than "
            f"{rule['contrast_from_hu']} HU, denser than acute blood.",
            "Choose the series without contrast medium.",
        )


def _within(box: tuple[slice, ...], shape: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(part.start, min(part.stop, n)) for part, n in zip(box, shape, strict=True))
