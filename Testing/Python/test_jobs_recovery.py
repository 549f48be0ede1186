"""Results that are kept as files when they cannot be shown."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.jobs.recovery import discard, keep, load_recovered, recovered
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.errors import OutputError, UnreadableImageError
from AIImagingLogic.records.segmentation import Segment, Segmentation


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIIMAGING_RECOVERY_FOLDER", str(tmp_path / "kept é"))
    return tmp_path / "kept é"


def segmentation() -> Segmentation:
    labels = (np.random.default_rng(0).uniform(size=(8, 9, 10)) > 0.5).astype(np.uint8)
    image = sitk.GetImageFromArray(labels)
    image.SetDirection((0, 1, 0, 1, 0, 0, 0, 0, -1))
    organ = concept("lung-left")
    return Segmentation(image, (Segment(1, "Left lung", organ, organ.colour),))


def test_a_kept_result_is_listed_loaded_and_discarded(folder: Path) -> None:
    assert recovered() == ()
    result = segmentation()
    path = keep(result, "Lungs of 'CT'", "The scene was closed during the run.")
    other = keep(result, "Lungs of 'CT 2'", "The volume was removed.")
    entries = recovered()
    assert {entry.path for entry in entries} == {path, other}
    (entry,) = [entry for entry in entries if entry.path == path]
    assert (entry.title, entry.reason, entry.problem) == ("Lungs of 'CT'", "The scene was closed during the run.", "")
    assert entry.record == "Segmentation"
    assert entry.when is not None
    loaded = load_recovered(path)
    assert isinstance(loaded, Segmentation)
    assert loaded.segments == result.segments
    assert loaded.image.GetDirection() == result.image.GetDirection()
    assert np.array_equal(sitk.GetArrayViewFromImage(loaded.image), sitk.GetArrayViewFromImage(result.image))
    discard(path)
    assert [entry.path for entry in recovered()] == [other]


@pytest.mark.parametrize("damage", ["no about", "bad about", "cut off", "empty"])
def test_a_broken_entry_is_listed_with_its_problem_and_can_be_discarded(folder: Path, damage: str) -> None:
    good = keep(segmentation(), "Good", "")
    bad = keep(segmentation(), "Bad", "")
    if damage == "no about":
        (bad / "about.json").unlink()
    elif damage == "bad about":
        (bad / "about.json").write_text('{"title":', encoding="utf-8")
    elif damage == "cut off":
        image = next(bad.rglob("*.nrrd"))
        image.write_bytes(image.read_bytes()[:-10])
    else:
        bad = folder / "an empty folder"
        bad.mkdir()
    problems = {entry.path: entry.problem for entry in recovered()}
    assert problems[good] == ""
    assert problems[bad] != ""
    with pytest.raises(UnreadableImageError):
        load_recovered(bad)
    discard(bad)
    assert bad not in {entry.path for entry in recovered()}


@pytest.mark.parametrize("written", ["image", "about"])
def test_a_full_disk_leaves_nothing_half_written(folder: Path, monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if written == "image":
        monkeypatch.setattr(sitk, "WriteImage", full)
    else:
        original = Path.write_text

        def write_text(path: Path, *arguments: Any, **options: Any) -> Any:
            return (full if path.name == "about.json" else original)(path, *arguments, **options)

        monkeypatch.setattr(Path, "write_text", write_text)
    with pytest.raises(OutputError, match="full"):
        keep(segmentation(), "Lungs", "")
    assert list(folder.iterdir()) == []


def test_only_kept_results_are_discarded(folder: Path, tmp_path: Path) -> None:
    keep(segmentation(), "Lungs", "")
    mine = tmp_path / "mine"
    mine.mkdir()
    for path in (mine, folder, folder / ".." / "mine"):
        with pytest.raises(OutputError):
            discard(path)
    assert mine.is_dir()


def test_listing_imports_nothing_heavy(folder: Path) -> None:
    keep(segmentation(), "Lungs", "")
    code = (
        "import sys; from AIImagingLogic.jobs.recovery import recovered;"
        "print(len(recovered()), 'SimpleITK' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "1 False"
