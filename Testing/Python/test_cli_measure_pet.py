"""`aiimaging measure` and `segment` on PET: SUV where the files say what it takes, else as stored and told."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from pet_sources import (
    BACKGROUND_SUV,
    HOTTEST_SUV,
    LESION_SUV,
    SPACING,
    SUV_A_BQML,
    bqml_image,
    lesion_labels,
    suv_values,
    write_pet_series,
)

from AIImagingLogic.cli import main
from AIImagingLogic.records.errors import WrongImageError

# Stored values are whole numbers of the slope: 1 in 30000 of the slice's largest.
STORED = 1e-4
REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "pet_ct"
VOXEL_ML = float(np.prod(SPACING)) / 1000


@pytest.fixture
def labels(tmp_path: Path) -> str:
    sitk.WriteImage(lesion_labels(), str(tmp_path / "lesion.nii.gz"))
    return str(tmp_path / "lesion.nii.gz")


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[dict[str, float], str, str]:
    """Return values by name, notes in one text, and what was said on standard error."""
    capsys.readouterr()
    assert main([*arguments, "--json", "-q"]) == 0
    printed = capsys.readouterr()
    data: dict[str, Any] = json.loads(printed.out)
    data = data.get("measured", data)
    (row,) = data["rows"]
    values = {entry["name"]: entry["value"] for entry in row["measurements"]}
    return values, " ".join(data["provenance"]["notes"]), printed.err


def test_a_dicom_pet_is_measured_in_suv(tmp_path: Path, labels: str, capsys: pytest.CaptureFixture[str]) -> None:
    values, _, _ = answer(capsys, "measure", str(write_pet_series(tmp_path / "pet")), labels)
    inside = _inside()
    assert values["suv_max"] == pytest.approx(HOTTEST_SUV, rel=STORED)
    assert values["suv_mean"] == pytest.approx(inside.mean(), rel=STORED)
    assert values["metabolic_volume"] == pytest.approx(len(inside) * VOXEL_ML)
    assert values["total_lesion_glycolysis"] == pytest.approx(inside.mean() * len(inside) * VOXEL_ML, rel=STORED)
    # By hand: a woman of 70 kg and 1.75 m has 45.20 kg of lean mass (Janmahasatian).
    assert values["sul_max"] == pytest.approx(HOTTEST_SUV * 45.20 / 70, rel=1e-3)


def test_without_a_weight_a_number_is_refused_and_may_be_stated(
    tmp_path: Path, labels: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(write_pet_series(tmp_path / "pet", PatientWeight=None))
    assert main(["measure", folder, labels, "-q"]) == WrongImageError.exit_code
    assert "Patient's Weight (0010,1030)" in capsys.readouterr().err
    values, notes, _ = answer(capsys, "measure", folder, labels, "--weight", "35")
    assert values["suv_max"] == pytest.approx(HOTTEST_SUV / 2, rel=STORED) and "weight_kg" in notes
    values, notes, _ = answer(capsys, "measure", folder, labels, "--stored-values")
    assert values["mean_intensity"] > 1000 and "not in SUV" in notes and "suv_max" not in values


def test_a_file_without_headers_is_measured_as_stored_and_says_what_suv_needs(
    tmp_path: Path, labels: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pet.nii.gz"
    sitk.WriteImage(bqml_image(), str(path))
    values, notes, _ = answer(capsys, "measure", str(path), labels)
    assert values["mean_intensity"] == pytest.approx(float(_inside().mean()) / SUV_A_BQML, rel=1e-5)
    assert "names no unit" in notes and "--suv-factor" in notes and "weight, dose, half life" in notes
    (tmp_path / "pet.json").write_text(json.dumps({"Modality": "PT", "Units": "BQML"}))
    assert "says PET: measured as stored" in answer(capsys, "measure", str(path), labels)[1]
    values, notes, _ = answer(capsys, "measure", str(path), labels, "--suv-factor", str(SUV_A_BQML))
    assert values["suv_max"] == pytest.approx(HOTTEST_SUV, rel=1e-5) and "the user states" in notes
    assert main(["measure", str(path), labels, "--suv-factor", "1", "--weight", "70", "-q"]) == 5


def test_a_ct_file_is_not_called_a_pet(tmp_path: Path, labels: str, capsys: pytest.CaptureFixture[str]) -> None:
    image = bqml_image() - 3000
    sitk.WriteImage(image, str(tmp_path / "ct.nii.gz"))
    notes = answer(capsys, "measure", str(tmp_path / "ct.nii.gz"), labels)[1]
    assert "names no unit" in notes and "PET" not in notes


@pytest.mark.shared_data
def test_a_real_file_whose_values_are_suv_measures_as_its_dicom_series_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    image, mask = REAL / "STS_001_PET_image.nii.gz", REAL / "STS_001_PET_mask.nii.gz"
    if not image.exists():
        pytest.skip("the real images are not there")
    values, _, _ = answer(capsys, "measure", str(image), str(mask), "--suv-factor", "1")
    # What `aiimaging measure` says of the DICOM series (test_cli_measure).
    assert values["suv_max"] == pytest.approx(7.9107, abs=1e-3)
    assert values["metabolic_volume"] == pytest.approx(5095 * 4.6875**2 * 3.27 / 1000, rel=1e-5)


@pytest.fixture(scope="module")
def hot_package(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A network that labels what is above half of the lesion's activity."""
    torch = pytest.importorskip("torch")
    net = torch.nn.Conv3d(1, 2, 1)
    half = (LESION_SUV + BACKGROUND_SUV) / 2 / SUV_A_BQML
    with torch.no_grad():
        net.weight.copy_(torch.tensor([0.0, 1.0]).reshape(2, 1, 1, 1, 1))
        net.bias.copy_(torch.tensor([0.0, -half]))
    folder = tmp_path_factory.mktemp("hot") / "net"
    folder.mkdir()
    torch.jit.save(torch.jit.trace(net.eval(), torch.zeros(1, 1, 8, 8, 8)), str(folder / "net.ts"))
    description = {
        "name": "Hot",
        "kind": "torchscript",
        "weights": "net.ts",
        "recipe": {"channels": 1, "output_channels": 2, "axes": "RAS", "intensity": [[]]},
        "labels": [{"value": 1, "name": "Hot"}],
    }
    (folder / "network.json").write_text(json.dumps(description))
    return str(folder)


def test_segments_of_a_pet_are_measured_in_suv(
    tmp_path: Path, hot_package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pet, out, table = write_pet_series(tmp_path / "pet"), tmp_path / "hot.seg.nrrd", tmp_path / "hot.csv"
    common = "segment", str(pet), "-m", hot_package, "-o", str(out)
    values, _, _ = answer(capsys, *common, "--measure", str(table))
    assert values["suv_max"] == pytest.approx(HOTTEST_SUV, rel=STORED)
    assert values["metabolic_volume"] == pytest.approx(_inside().size * VOXEL_ML)
    with table.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert any(
        float(value) == pytest.approx(HOTTEST_SUV, rel=STORED) for name, value in row.items() if "suv_max" in name
    )
    assert "mean_intensity" in answer(capsys, *common, "--stored-values")[0]


def test_segments_of_a_pet_without_weight_are_measured_as_stored_and_that_is_told(
    tmp_path: Path, hot_package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pet = write_pet_series(tmp_path / "pet", PatientWeight=None)
    common = "segment", str(pet), "-m", hot_package, "-o", str(tmp_path / "hot.seg.nrrd")
    values, notes, said = answer(capsys, *common)
    assert values["mean_intensity"] > 1000
    assert "Measured as stored. No SUV: the PET files do not state Patient's Weight" in notes and notes[-80:] in said
    assert answer(capsys, *common, "--weight", "70")[0]["suv_max"] == pytest.approx(HOTTEST_SUV, rel=STORED)


def _inside() -> np.ndarray:
    inside: np.ndarray = suv_values()[sitk.GetArrayFromImage(lesion_labels()) == 1]
    return inside
