"""Bad input to the command line: one clear line, the right exit code, nothing written."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.cli import main
from AIImagingLogic.images.dicom_writing import write_ct_series
from AIImagingLogic.images.phantoms.chest_pair import make_chest_pair
from AIImagingLogic.images.phantoms.recipe import PairRecipe

Chest = tuple[Path, Path]


@pytest.fixture(scope="module")
def chest(tmp_path_factory: pytest.TempPathFactory) -> Chest:
    """Two visits of a coarse chest phantom, as DICOM series of March and September."""
    folder = tmp_path_factory.mktemp("chest")
    pair = make_chest_pair(PairRecipe(seed=5).coarser(3.0, 5.0))
    write_ct_series(pair.baseline, folder / "baseline", acquired=datetime(2025, 3, 3), description="Chest")
    write_ct_series(pair.followup, folder / "follow-up", acquired=datetime(2025, 9, 1), description="Chest")
    return folder / "baseline", folder / "follow-up"


def text_file(folder: Path, chest: Chest) -> Path:
    path = folder / "notes.nii.gz"
    path.write_text("not an image")
    return path


def empty_folder(folder: Path, chest: Chest) -> Path:
    path = folder / "empty"
    path.mkdir()
    return path


def no_such_path(folder: Path, chest: Chest) -> Path:
    return folder / "nowhere"


def missing_slices(folder: Path, chest: Chest) -> Path:
    path = folder / "gaps"
    shutil.copytree(chest[0], path)
    for index in (7, 8, 20):
        sorted(path.iterdir())[index].unlink()
    return path


def one_slice(folder: Path, chest: Chest) -> Path:
    path = folder / "single"
    path.mkdir()
    shutil.copy(sorted(chest[0].iterdir())[10], path)
    return path


def not_a_number(folder: Path, chest: Chest) -> Path:
    image = read_series(chest[0])
    values = sitk.GetArrayFromImage(image).astype(np.float32)
    values[10, 20:30, 20:30] = np.nan
    return written(values, image, folder / "holes.nrrd")


def mr(folder: Path, chest: Chest) -> Path:
    image = read_series(chest[0])
    values = (sitk.GetArrayFromImage(image).astype(np.float32) + 1024) * 0.3
    return written(values, image, folder / "mr.nrrd")


def cut_off(folder: Path, chest: Chest) -> Path:
    path = folder / "cut.nrrd"
    sitk.WriteImage(read_series(chest[0]), str(path), useCompression=False)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def no_lungs(folder: Path, chest: Chest) -> Path:
    image = read_series(chest[0])
    values = np.maximum(sitk.GetArrayFromImage(image), 20)
    values[:, :10] = -1000
    return written(values, image, folder / "solid.nrrd")


def read_series(folder: Path) -> sitk.Image:
    return sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))


def written(values: np.ndarray, like: sitk.Image, path: Path) -> Path:
    image = sitk.GetImageFromArray(values)
    image.CopyInformation(like)
    sitk.WriteImage(image, str(path))
    return path


BAD_IMAGES: list[tuple[Callable[[Path, Chest], Path], int, str]] = [
    (text_file, 3, "notes.nii.gz"),
    (empty_folder, 3, "empty"),
    (no_such_path, 3, "nowhere"),
    (missing_slices, 4, "missing"),
    (one_slice, 4, "slice"),
    (not_a_number, 5, "number"),
    (mr, 5, "Hounsfield"),
    (cut_off, 3, "cut.nrrd"),
    (no_lungs, 5, "lung"),
]


@pytest.mark.parametrize(("make", "code", "words"), BAD_IMAGES, ids=[case[0].__name__ for case in BAD_IMAGES])
@pytest.mark.parametrize("command", ["detect", "followup"])
def test_a_bad_image_is_refused_with_one_line_and_nothing_is_written(
    command: str,
    make: Callable[[Path, Chest], Path],
    code: int,
    words: str,
    chest: Chest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bad = make(tmp_path, chest)
    before = sorted(tmp_path.rglob("*"))
    inputs = [str(bad)] if command == "detect" else [str(chest[0]), str(bad)]
    assert main([command, *inputs, "-o", str(tmp_path / "out"), "-q"]) == code
    refused(capsys, words)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_same_image_twice_is_refused(chest: Chest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = shutil.copytree(chest[0], tmp_path / "copy")
    assert main(["followup", str(chest[0]), str(copy), "-o", str(tmp_path / "out"), "-q"]) == 5
    refused(capsys, "same image")


def test_a_follow_up_dated_before_its_baseline_is_refused(
    chest: Chest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["followup", str(chest[1]), str(chest[0]), "-o", str(tmp_path / "out"), "-q"]) == 5
    refused(capsys, "2025-03-03) is dated before the baseline (2025-09-01)")


def test_registering_images_that_show_different_parts_is_refused(
    chest: Chest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = read_series(chest[0])
    top = sitk.RegionOfInterest(image, (*image.GetSize()[:2], 12), (0, 0, image.GetSize()[2] - 12))
    bottom = sitk.RegionOfInterest(image, (*image.GetSize()[:2], 12), (0, 0, 0))
    sitk.WriteImage(top, str(tmp_path / "top.nrrd"))
    sitk.WriteImage(bottom, str(tmp_path / "bottom.nrrd"))
    arguments = [str(tmp_path / "top.nrrd"), str(tmp_path / "bottom.nrrd"), "-o", str(tmp_path / "out"), "-q"]
    assert main(["register", *arguments]) == 6
    refused(capsys, "overlap")
    assert not (tmp_path / "out").exists()


def test_an_unknown_series_is_refused_and_the_known_ones_are_named(
    chest: Chest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["detect", str(chest[0]), "--series", "1.2.3", "-o", str(tmp_path / "out"), "-q"]) == 3
    refused(capsys, "1.2.3")


@pytest.mark.parametrize("taken", ["file", "other folder"])
def test_an_output_that_is_something_else_is_never_replaced(
    taken: str, chest: Chest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    mine = out if taken == "file" else out / "thesis.txt"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("mine")
    assert main(["detect", str(chest[0]), "-o", str(out), "--overwrite", "-q"]) == 8
    refused(capsys, "out")
    assert mine.read_text() == "mine"


def test_an_output_folder_that_cannot_be_made_is_refused(
    chest: Chest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["segment", str(chest[0]), "-o", str(tmp_path / "file" / "lungs.seg.nrrd"), "-q"]) == 8
    refused(capsys, "file")


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file size are a Unix thing")
def test_a_full_disk_leaves_nothing_behind(chest: Chest, tmp_path: Path) -> None:
    # A limit on the size of written files stands in for a full disk: the writer fails half-way in the same manner.
    code = (
        "import resource, signal, sys; from AIImagingLogic.cli import main;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)); sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["detect", str(chest[0]), "-o", str(tmp_path / "out"), "-q"]
    run = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert run.returncode == 8, run.stderr
    assert run.stderr.startswith("Error: ")
    assert run.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def refused(capsys: pytest.CaptureFixture[str], words: str) -> None:
    """Check that there is one line, on standard error, with these words in it."""
    output = capsys.readouterr()
    assert output.out == ""
    lines = output.err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Error: ")
    assert words in lines[0]
    assert "Traceback" not in output.err
