"""`aiimaging classify` on volumes and pictures of every kind, and what it says of wrong ones."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("rich")

from classification_packages import changed, colour_package, colours, grey_package, phantom  # noqa: E402

from AIImagingLogic.cli import main  # noqa: E402
from AIImagingLogic.images.picture_file import is_picture, read_picture  # noqa: E402


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    rows = {"axes": "ji", "intensity": [{"step": "ScaleRange", "low": 0, "high": 200}]}
    changed(grey_package(folder / "plain"), folder / "grey", recipe=rows)
    colour_package(folder / "colour")
    grey_package(folder / "volume", dimensions=3, size=20)
    return folder


def _grey_picture() -> sitk.Image:
    voxels = np.clip(phantom((32, 32), (8, 23), np.random.default_rng(5)) * 200, 0, 255)
    return sitk.GetImageFromArray(voxels.astype(np.uint8))


def test_volume_gives_a_folder_with_record_table_and_heat_map_on_the_grid(packages: Path, tmp_path: Path) -> None:
    image = sitk.GetImageFromArray(phantom((20, 20, 20), (5, 14, 6), np.random.default_rng(3)))
    image.SetSpacing((1.0, 2.0, 3.0))
    sitk.WriteImage(image, str(tmp_path / "volume.nii.gz"))
    out = tmp_path / "out"
    arguments = ["classify", str(tmp_path / "volume.nii.gz"), "-m", str(packages / "volume"), "-o", str(out), "-q"]
    assert main(arguments) == 0
    rows = list(csv.DictReader((out / "probabilities.csv").open(encoding="utf-8")))
    assert [row["class"] for row in rows] == ["Clear", "Blob"] and float(rows[1]["probability"]) > 0.9
    assert [row["above_threshold"] for row in rows] == ["false", "true"] and rows[0]["calibration"] == "not calibrated"
    heat = sitk.ReadImage(str(out / "result" / "heat_map.nrrd"))
    assert heat.GetSize() == image.GetSize() and heat.GetSpacing() == image.GetSpacing()
    record = json.loads((out / "result.json").read_text(encoding="utf-8"))
    assert record["record"] == "Classification" and record["explained"] == "blob"
    assert main(arguments) != 0
    assert main([*arguments, "--overwrite", "--explain", "clear"]) == 0
    assert json.loads((out / "result.json").read_text(encoding="utf-8"))["explained"] == "clear"


def test_pictures_are_read_and_told_and_json_is_printed(
    packages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sitk.WriteImage(_grey_picture(), str(tmp_path / "grey.png"))
    red = colours((32, 32), (24, 7), np.random.default_rng(6), True).astype(np.uint8).transpose(1, 2, 0)
    sitk.WriteImage(sitk.GetImageFromArray(red, isVector=True), str(tmp_path / "red.png"))
    for name, package, key in (("grey.png", "grey", "Blob"), ("red.png", "colour", "Red blob")):
        assert main(["classify", str(tmp_path / name), "-m", str(packages / package), "--json"]) == 0
        result = json.loads(capsys.readouterr().out)["result"]
        probabilities = dict(zip([entry["name"] for entry in result["classes"]], result["probabilities"]))
        assert probabilities[key] > 0.9
    assert main(["classify", str(tmp_path / "red.png"), "-m", str(packages / "grey")]) != 0
    assert "needs an image of grey values; this one has 3" in capsys.readouterr().err


def test_pictures_keep_values_colours_and_spacing(tmp_path: Path) -> None:
    grey = _grey_picture()
    grey.SetSpacing((0.2, 0.3))
    sitk.WriteImage(grey, str(tmp_path / "flat.nrrd"))
    image, info = read_picture(tmp_path / "flat.nrrd")
    assert image.GetSize() == (32, 32, 1) and image.GetSpacing()[:2] == pytest.approx((0.2, 0.3)) and info.notes == ()
    assert np.array_equal(sitk.GetArrayFromImage(image)[0], sitk.GetArrayFromImage(grey))
    clear = np.random.default_rng(1).integers(0, 255, (5, 6, 4), dtype=np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(clear, isVector=True), str(tmp_path / "clear.png"))
    image, info = read_picture(tmp_path / "clear.png")
    assert np.array_equal(sitk.GetArrayFromImage(image)[0], clear[..., :3])
    assert [note.split()[0] for note in info.notes] == ["The", "The"] and "transparency" in info.notes[1]
    sitk.WriteImage(sitk.Image(4, 4, 4, sitk.sitkInt16), str(tmp_path / "volume.nrrd"))
    assert not is_picture(tmp_path / "volume.nrrd") and not is_picture(tmp_path)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_radiograph_has_its_modality_and_bright_bone_whichever_way_it_is_stored(
    photometric: str, tmp_path: Path
) -> None:
    voxels = np.arange(40 * 30, dtype=np.uint16).reshape(40, 30)
    path = _radiograph(voxels, photometric, tmp_path / "radiograph.dcm")
    assert is_picture(path)
    image, info = read_picture(path)
    assert info.modality == "DX" and image.GetSize() == (30, 40, 1)
    assert image.GetSpacing()[:2] == pytest.approx((0.2, 0.2))
    expected = 4095 - voxels if photometric == "MONOCHROME1" else voxels
    assert np.array_equal(sitk.GetArrayFromImage(image)[0], expected)
    assert bool(info.notes) == (photometric == "MONOCHROME1")


def _radiograph(voxels: np.ndarray, photometric: str, path: Path) -> Path:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.StudyInstanceUID, data.SeriesInstanceUID, data.Modality = generate_uid(), generate_uid(), "DX"
    data.Rows, data.Columns = voxels.shape
    data.ImagerPixelSpacing = data.PixelSpacing = [0.2, 0.2]
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, photometric
    data.PixelData = voxels.tobytes()
    data.save_as(path)
    return path
