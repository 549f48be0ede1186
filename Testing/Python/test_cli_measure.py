"""`aiimaging measure` on what the files say they show: SUV, ADC, stored values; label images without names."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from AIImagingLogic.cli import main
from AIImagingLogic.images.quantity import read_quantity
from AIImagingLogic.records.errors import WrongImageError

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
PET = DATA / "pet_ct" / "STS_001_wholebody_fdgpet_dicom_rtstruct.zip"
LESION = DATA / "pet_ct" / "STS_001_PET_mask.nii.gz"
ADC = DATA / "body_mr" / "prostatex0000_adc_dicom.zip"


def unpacked(archive: Path, folder: Path) -> Path:
    if not archive.exists():
        pytest.skip("the real images are not there")
    with zipfile.ZipFile(archive) as files:
        files.extractall(folder)
    return folder


def without(folder: Path, keyword: str) -> None:
    """Take an attribute out of every file of the PET series; of other series nothing."""
    for path in folder.rglob("*.dcm"):
        data = pydicom.dcmread(path)
        if data.Modality == "PT":
            delattr(data, keyword)
            data.save_as(path)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, tuple[float, str]]:
    capsys.readouterr()
    assert main(["measure", *arguments, "--json", "-q"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    return {entry["name"]: (entry["value"], entry["unit"]) for entry in row["measurements"]}


@pytest.fixture(scope="module")
def pet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(PET, tmp_path_factory.mktemp("pet"))


def test_a_real_pet_is_measured_in_suv_and_sul(pet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = printed(capsys, str(pet), str(LESION))
    # Read by `read_suv`, which agrees with what the IBSI published of the crop within 0.001.
    assert found["suv_max"] == (pytest.approx(7.9107, abs=1e-3), "g/ml{SUVbw}")
    assert found["sul_peak"] == (pytest.approx(4.457, abs=2e-3), "g/ml{SUVlbm(Janma)}")
    assert found["metabolic_volume"][0] == pytest.approx(5095 * 4.6875**2 * 3.27 / 1000, rel=1e-6)
    assert "mean_intensity" not in found


def test_a_missing_weight_is_named_and_may_be_stated_or_done_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = unpacked(PET, tmp_path)
    without(folder, "PatientWeight")
    assert main(["measure", str(folder), str(LESION), "-q"]) == 5
    assert "Patient's Weight (0010,1030)" in capsys.readouterr().err
    stated = printed(capsys, str(folder), str(LESION), "--weight", "71")
    assert stated["suv_max"][0] == pytest.approx(7.9107, abs=1e-3)
    stored = printed(capsys, str(folder), str(LESION), "--stored-values")
    # Bq/ml: no SUV is claimed.
    assert stored["mean_intensity"][0] > 1000
    assert "suv_max" not in stored


def test_a_real_adc_map_is_measured_in_its_unit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = unpacked(ADC, tmp_path / "adc")
    grid = read_quantity(folder).image
    labels = sitk.Image(grid.GetSize(), sitk.sitkUInt8)
    labels.CopyInformation(grid)
    i, j, k = (count // 2 for count in grid.GetSize())
    labels[i - 5 : i + 5, j - 5 : j + 5, k - 1 : k + 2] = 3
    sitk.WriteImage(labels, str(tmp_path / "gland.nrrd"))
    found = printed(capsys, str(folder), str(tmp_path / "gland.nrrd"))
    values = sitk.GetArrayFromImage(grid)[k - 1 : k + 2, j - 5 : j + 5, i - 5 : i + 5]
    assert found["adc_mean"] == (pytest.approx(float(values.mean()), rel=1e-6), "um2/s")
    assert found["share_measured"][0] == 100


def test_a_volume_file_is_an_adc_map_when_the_user_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = np.full((6, 7, 8), 1.25, np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / "map.nii.gz"))
    labels = np.zeros(values.shape, np.uint8)
    labels[2:4, 2:5, 3:7] = 1
    sitk.WriteImage(sitk.GetImageFromArray(labels), str(tmp_path / "labels.nii.gz"))
    paths = str(tmp_path / "map.nii.gz"), str(tmp_path / "labels.nii.gz")
    assert printed(capsys, *paths, "--adc-scale", "1000")["adc_mean"] == (pytest.approx(1250.0), "um2/s")
    assert printed(capsys, *paths)["mean_intensity"][0] == pytest.approx(1.25)
    with pytest.raises(WrongImageError, match="not a DICOM PET"):
        read_quantity(tmp_path / "map.nii.gz", completed=lambda facts: facts)


def test_each_value_of_a_label_image_is_a_segment_and_grey_values_are_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = np.arange(6 * 7 * 8, dtype=np.int16).reshape(6, 7, 8)
    sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / "image.nrrd"))
    labels = np.zeros(values.shape, np.uint16)
    labels[0, 0, :5], labels[3, 2, 1] = 2, 700
    sitk.WriteImage(sitk.GetImageFromArray(labels), str(tmp_path / "labels.nrrd"))
    assert main(["measure", str(tmp_path / "image.nrrd"), str(tmp_path / "labels.nrrd"), "--json", "-q"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["segment"]["name"], row["measurements"][1]["value"]) for row in rows] == [
        ("Label 2", 2.0),
        ("Label 700", float(values[3, 2, 1])),
    ]
    sitk.WriteImage(sitk.GetImageFromArray(values / np.float32(7)), str(tmp_path / "grey.nrrd"))
    assert main(["measure", str(tmp_path / "image.nrrd"), str(tmp_path / "grey.nrrd"), "-q"]) == 5
    assert "no labels" in capsys.readouterr().err
