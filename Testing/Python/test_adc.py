"""ADC maps in one unit, and what is measured on them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset

from AIImagingLogic.images.adc import ADC_UNIT, _units, adc_image, read_adc
from AIImagingLogic.images.info import describe
from AIImagingLogic.measure.diffusion import adc_histogram, measure_diffusion
from AIImagingLogic.records.errors import GeometryError, WrongImageError


def tissue(scale: float) -> sitk.Image:
    """Return values about 1200 (1e-6 mm2/s) times a scale, background 0."""
    values = np.random.default_rng(4).normal(1200, 300, (6, 8, 9)).clip(1) * scale
    values[:, :3] = 0
    return sitk.GetImageFromArray(values)


@pytest.mark.parametrize(("stored", "scale"), [(1.0, 1.0), (1e-3, 1000.0), (1e-6, 1e6)])
def test_a_unit_that_no_file_states_follows_from_the_values_and_is_told(stored: float, scale: float) -> None:
    image = tissue(stored)
    adc = adc_image(image, describe(image, "MR"))
    assert adc.scale == scale
    assert adc.info.intensity_unit == ADC_UNIT
    assert "no unit is stated" in adc.info.notes[-1]
    np.testing.assert_allclose(sitk.GetArrayFromImage(adc.image), sitk.GetArrayFromImage(tissue(1.0)), rtol=1e-5)


def test_values_that_fit_no_unit_are_refused_unless_the_user_states_one() -> None:
    image = tissue(0.1)
    with pytest.raises(WrongImageError, match="no unit"):
        adc_image(image, describe(image, "MR"))
    assert adc_image(image, describe(image, "MR"), scale=10.0).scale == 10.0


def test_a_stated_unit_that_the_values_contradict_is_refused() -> None:
    image = tissue(1.0)
    with pytest.raises(WrongImageError, match="mm2/s"):
        adc_image(image, describe(image, "MR"), (1e6, "mm2/s"))


def mapping(slope: float, unit: str) -> Dataset:
    code = Dataset()
    code.CodeValue = unit
    result = Dataset()
    result.RealWorldValueSlope, result.RealWorldValueIntercept = slope, 0.0
    result.MeasurementUnitsCodeSequence = [code]
    return result


def test_a_real_world_mapping_counts_only_where_it_maps_as_the_rescale_does() -> None:
    header = Dataset()
    header.RescaleSlope, header.RescaleIntercept = "0.5", "0"
    header.RealWorldValueMappingSequence = [mapping(0.5e-6, "mm2/s"), mapping(0.5, "um2/s")]
    assert [unit for unit in _units(header) if unit] == ["um2/s"]


@pytest.fixture(scope="module")
def real_adc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive = Path(__file__).resolve().parents[3] / "shared" / "data" / "body_mr" / "prostatex0000_adc_dicom.zip"
    if not archive.exists():
        pytest.skip("the real ADC map is not there")
    target = tmp_path_factory.mktemp("adc")
    with zipfile.ZipFile(archive) as files:
        files.extractall(target)
    return target


def test_a_real_map_of_the_prostate_is_in_millionths_of_square_millimetres(real_adc: Path) -> None:
    adc = read_adc(real_adc)
    assert adc.scale == 1.0
    size = adc.image.GetSize()
    mask = sitk.Image(size, sitk.sitkUInt8)
    mask.CopyInformation(adc.image)
    middle = [n // 2 for n in size]
    mask[middle[0] - 5 : middle[0] + 5, middle[1] - 5 : middle[1] + 5, middle[2] - 1 : middle[2] + 2] = 1
    found = {entry.name: entry for entry in measure_diffusion(adc.image, mask)}
    # The prostate's ADC, from tumour to fluid in a gland.
    assert 700 < found["adc_mean"].value < 2200
    assert found["adc_mean"].unit == "um2/s"
    histogram = adc_histogram(adc.image, mask)
    assert sum(histogram.counts) == round(300 * found["share_measured"].value / 100)


def test_what_is_no_adc_map_is_refused(real_adc: Path, tmp_path: Path) -> None:
    archive = Path(__file__).resolve().parents[3] / "shared" / "data" / "body_mr" / "prostatex0000_t2_tra_dicom.zip"
    with zipfile.ZipFile(archive) as files:
        files.extractall(tmp_path)
    with pytest.raises(WrongImageError, match="ADC"):
        read_adc(tmp_path)


def test_statistics_are_those_of_the_voxels_with_a_diffusion() -> None:
    values = np.zeros((1, 2, 6))
    values[0, 0] = [500, 700, 900, 1100, 1300, 0]
    adc = sitk.GetImageFromArray(values)
    mask = sitk.GetImageFromArray((np.arange(12).reshape(1, 2, 6) < 6).astype(np.uint8))
    found = {entry.name: entry.value for entry in measure_diffusion(adc, mask)}
    assert found["adc_mean"] == pytest.approx(900)
    assert found["adc_sd"] == pytest.approx(np.sqrt(80000))
    assert (found["adc_percentile_10"], found["adc_median"], found["adc_percentile_90"]) == (580, 900, 1220)
    assert (found["adc_min"], found["adc_max"]) == (500, 1300)
    assert found["share_measured"] == pytest.approx(500 / 6)
    histogram = adc_histogram(adc, mask, 400.0)
    assert histogram.edges == (400.0, 800.0, 1200.0, 1600.0)
    assert histogram.counts == (2, 2, 1)
    with pytest.raises(GeometryError, match="no voxel"):
        measure_diffusion(adc, sitk.GetImageFromArray(np.zeros((1, 2, 6), np.uint8)))
