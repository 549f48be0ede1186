"""Whole organs: volume and mean."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import SimpleITK as sitk
from analytic_lesions import OBLIQUE_FLIPPED, ball, info_of, lungs

from AIImagingLogic.measure.organ import measure_organ


def test_volume_in_millilitres_and_density_of_a_known_ball() -> None:
    image = sitk.Cast(OBLIQUE_FLIPPED.image() + 55.0, sitk.sitkInt16)
    mask = lungs(image, ball((0.0, 0.0, 0.0), 15.0)).image
    values = {row.name: row for row in measure_organ(image, info_of(image), mask)}
    # Counting voxels of .8 mm3 in a ball of 14 ml.
    assert values["organ_volume"].value == pytest.approx(4.0 / 3.0 * np.pi * 1.5**3, rel=0.01)
    assert values["organ_volume"].unit == "mL"
    assert values["mean_density"].value == pytest.approx(55.0)


def test_an_intensity_without_unit_is_not_called_a_density() -> None:
    image = sitk.Cast(OBLIQUE_FLIPPED.image() + 300.0, sitk.sitkInt16)
    info = dataclasses.replace(info_of(image), modality="MR", intensity_unit="")
    names = {row.name for row in measure_organ(image, info, lungs(image, ball((0.0, 0.0, 0.0), 5.0)).image)}
    assert names == {"organ_volume", "mean_intensity", "intensity_sd"}


def test_an_empty_segment_has_a_volume_of_nothing_and_no_mean() -> None:
    image = sitk.Cast(OBLIQUE_FLIPPED.image(), sitk.sitkInt16)
    (volume,) = measure_organ(image, info_of(image), image * 0)
    assert volume.value == 0.0
