"""ABC/2 on bodies whose lengths are known."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.measure.abc2 import abc2, abc2_ml, haematoma_measurements
from AIImagingLogic.records.coding import concept


def ellipsoids(*bodies: tuple[tuple[float, ...], tuple[float, ...]], size: int = 60) -> sitk.Image:
    """Return a mask of bodies (centre, semi-axes; mm along x, y, z) on voxels of 1 x 0.8 x 2 mm."""
    z, y, x = np.indices((size // 2, size, size)) * np.array([2.0, 0.8, 1.0])[:, None, None, None]
    mask = np.zeros(z.shape, np.uint8)
    for (cx, cy, cz), (a, b, c) in bodies:
        mask |= (((x - cx) / a) ** 2 + ((y - cy) / b) ** 2 + ((z - cz) / c) ** 2 <= 1).astype(np.uint8)
    image = sitk.GetImageFromArray(mask)
    image.SetSpacing((1.0, 0.8, 2.0))
    return image


def test_lengths_of_an_ellipsoid_are_its_axes_and_the_weighted_slices() -> None:
    found = abc2(ellipsoids(((30, 24, 30), (20, 12, 15))))
    assert found is not None
    # A voxel is 1 mm.
    assert found.a_mm == pytest.approx(40, abs=1.2) and found.b_mm == pytest.approx(24, abs=1.2)
    # Slices at z = 0, 2, .. 14 mm off the middle have 1 - (z / 15)^2 of the largest area: more than .75 to z = 6
    # (7 slices whole), .25 or more to z = 12 (6 halves), below beyond.
    assert found.c_mm == 2.0 * (7 + 3)


def test_estimate_does_not_depend_on_how_the_axes_are_stored() -> None:
    mask = ellipsoids(((28, 22, 26), (18, 10, 14)))
    turned = sitk.PermuteAxes(mask, [2, 0, 1])[::-1, :, ::-1]
    assert abc2_ml(turned) == pytest.approx(abc2_ml(mask))


def test_two_haematomas_are_estimated_one_by_one() -> None:
    first, second = ((14.0, 14.0, 16.0), (10.0, 8.0, 10.0)), ((44.0, 36.0, 44.0), (8.0, 8.0, 10.0))
    both = abc2_ml(ellipsoids(first, second))
    assert both == pytest.approx(abc2_ml(ellipsoids(first)) + abc2_ml(ellipsoids(second)))


def test_only_haemorrhages_get_the_estimate_and_an_empty_one_is_zero() -> None:
    mask = ellipsoids(((30, 24, 30), (20, 12, 16)))
    (estimate,) = haematoma_measurements(concept("intracranial-haemorrhage"), mask)
    assert (estimate.name, estimate.unit) == ("abc2_volume", "mL") and estimate.value > 10
    assert haematoma_measurements(concept("lung-left"), mask) == ()
    assert haematoma_measurements(concept("intracranial-haemorrhage"), mask * 0)[0].value == 0.0
    assert abc2(mask * 0) is None
