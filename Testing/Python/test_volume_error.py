"""The interval of an outlined volume: what makes it wider, and that it is stated with the volume."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.measure.lesion import measure_lesion
from AIImagingLogic.measure.volume_error import volume_deviation
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.segmentation import Segment, Segmentation

FINE, THICK = (1.0, 0.7, 0.7), (2.5, 0.7, 0.7)
SOLID_HU = 880.0


def test_small_nodules_thick_slices_and_ground_glass_have_wider_intervals() -> None:
    usual = volume_deviation(200.0, FINE, False, SOLID_HU)
    assert volume_deviation(50.0, FINE, False, SOLID_HU) > usual
    assert volume_deviation(200.0, THICK, False, SOLID_HU) > usual
    assert volume_deviation(200.0, FINE, False, 260.0) > usual
    assert volume_deviation(200.0, FINE, True, SOLID_HU) > usual
    assert volume_deviation(2000.0, FINE, False, SOLID_HU) < usual


def test_the_error_follows_the_size_in_voxels_alone() -> None:
    """Eight times the volume on voxels twice as wide is the same picture."""
    small = volume_deviation(100.0, (1.0, 0.5, 0.5), False, SOLID_HU)
    assert volume_deviation(800.0, (2.0, 1.0, 1.0), False, SOLID_HU) == pytest.approx(small)


@pytest.mark.parametrize("volume", [1e-3, 1.0, 1e6])
def test_the_error_of_any_size_is_above_nothing_and_bounded(volume: float) -> None:
    assert 0 < volume_deviation(volume, (5.0, 1.0, 1.0), True, 100.0) <= 1.0


def test_a_measured_lesion_states_its_volume_with_an_interval_around_it() -> None:
    image, mask, organs = _ball(radius_mm=4.0)
    found = {entry.name: entry for entry in measure_lesion(image, mask, organs)[0]}
    volume = found["volume"]
    assert volume.interval_95 is not None
    low, high = volume.interval_95
    assert low < volume.value < high
    assert low * high == pytest.approx(volume.value**2)
    # The ball's rim is a straight ramp, not a scanner's blur: the volume is a few percent off.
    assert volume.value == pytest.approx(4 / 3 * np.pi * 4**3, rel=0.07)
    assert found["mean_density"].interval_95 is None


def _ball(radius_mm: float) -> tuple[sitk.Image, sitk.Image, Segmentation]:
    """Return a blurred soft ball in lung on an oblique anisotropic grid, its mask, and the lung."""
    turned = np.linalg.qr(np.array([[0.95, -0.2, 0.1], [0.2, 0.97, -0.1], [-0.1, 0.15, 0.98]]))[0]
    spacing, size = np.array([0.7, 0.7, 1.25]), np.array([44, 44, 26])
    index = np.stack(np.meshgrid(*(np.arange(n) for n in size[::-1]), indexing="ij"), axis=-1)[..., ::-1]
    distance = np.linalg.norm((index - (size - 1) / 2) * spacing, axis=-1)
    share = np.clip((radius_mm - distance) / 1.6 + 0.5, 0, 1)
    noise = np.random.default_rng(5).normal(0, 12, share.shape)
    image = sitk.GetImageFromArray((-860 + 890 * share + noise).astype(np.int16))
    image.SetSpacing(spacing.tolist())
    image.SetDirection(turned.ravel().tolist())
    mask = sitk.GetImageFromArray((distance < radius_mm).astype(np.uint8))
    lung = sitk.GetImageFromArray(np.ones(share.shape, np.uint8))
    mask.CopyInformation(image)
    lung.CopyInformation(image)
    kind = concept("lung-right")
    return image, mask, Segmentation(lung, (Segment(1, "Lung", kind, kind.colour),))
