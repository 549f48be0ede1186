"""Tell a brain that was cut out of its head, such as an atlas, from an image that is not in Hounsfield units."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.resources import load_resource


def refuse_brain_without_skull(image: sitk.Image) -> None:
    """Refuse an image of brain in Hounsfield units that has neither a skull nor air around it.

    An image with air, with bone, or with other values than those of brain is left to other checks.

    Raises
    ------
    WrongImageError
        Says how much bone there is, and what stands where air should be.
    """
    rule = load_resource("rules/haemorrhage.json")["head"]
    values = sitk.GetArrayViewFromImage(image)
    voxel_ml = float(np.prod(image.GetSpacing())) / 1000.0
    bone_ml = np.count_nonzero(values >= rule["bone_from_hu"]) * voxel_ml
    if bone_ml >= rule["least_bone_ml"] or float(values.min()) < rule["air_below_hu"]:
        return
    corner = float(values[0, 0, 0])
    shown = values[values != corner]
    low, high = rule["brain_hu"]
    if not shown.size or np.mean((shown >= low) & (shown <= high)) < rule["brain_share_minimum"]:
        return
    raise WrongImageError(
        f"The image shows brain without its skull ({bone_ml:.0f} ml of bone found), and {corner:.0f} HU around it "
        "where air is near -1000: cut out of its head, as in an atlas.",
        "Choose a non-contrast CT of the whole head as the scanner made it.",
    )
