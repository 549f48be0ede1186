"""The command line over the job service: Ctrl-C, unforeseen errors, a worker that is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.cli import main
from AIImagingLogic.cli.worker_tasks import WorkerTasks, image_input
from AIImagingLogic.images.dicom_writing import write_ct_series
from AIImagingLogic.images.phantoms.chest_pair import make_chest_pair
from AIImagingLogic.images.phantoms.recipe import PairRecipe
from AIImagingLogic.records.errors import JobFailed, ModelError
from AIImagingLogic.records.progress import Progress

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def chest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A coarse chest phantom as a DICOM series."""
    folder = tmp_path_factory.mktemp("chest") / "series"
    pair = make_chest_pair(PairRecipe(seed=5).coarser(3.0, 5.0))
    write_ct_series(pair.baseline, folder, acquired=datetime(2025, 3, 3), description="Chest")
    return folder


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIIMAGING_LOG_FOLDER", str(tmp_path / "logs"))
    return tmp_path / "logs"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_ctrl_c_ends_the_run_with_one_line_and_leaves_nothing(chest: Path, tmp_path: Path, logs: Path) -> None:
    command = [sys.executable, "-m", "AIImagingLogic.cli", "detect", str(chest), "-o", str(tmp_path / "out")]
    # A group of its own, which gets the signal as a whole, as from a terminal; when these tests are a shell's job in
    # the background, they ignore the signal, and what they start would too.
    run = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    assert run.stderr is not None
    while not (line := run.stderr.readline()).startswith("[ 12%]"):
        assert line, "it ended before it began"
    family = descendants_of(run.pid)
    assert family
    os.killpg(run.pid, signal.SIGINT)
    output, errors = run.communicate(timeout=60)
    assert run.returncode == 130
    assert output == ""
    assert [line for line in errors.splitlines() if not line.startswith("[")] == [
        "Error: Cancelled. Nothing was written."
    ]
    assert [path for path in tmp_path.iterdir() if path != logs] == []
    assert [pid for pid in family if Path(f"/proc/{pid}/status").exists() and not is_zombie(pid)] == []


def test_an_unforeseen_error_is_one_line_and_its_traceback_is_shown_when_asked(
    chest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The worker finds this package first on its path; a task in it fails as nobody foresaw.
    broken = tmp_path / "broken" / "sitecustomize.py"
    broken.parent.mkdir()
    broken.write_text("import numpy; numpy.isfinite = None\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(broken.parent))
    arguments = ["detect", str(chest), "-o", str(tmp_path / "out")]
    assert main([*arguments, "-q"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: Unexpected TypeError: 'NoneType' object is not callable.")
    assert ".log'" in line
    assert main([*arguments, "-v"]) == 1
    assert "Traceback" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_progress_and_costs_of_a_task_are_those_of_the_command(chest: Path) -> None:
    image = sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(chest)))
    seen: list[float] = []
    progress = Progress(lambda fraction, message: seen.append(fraction))
    with WorkerTasks() as tasks:
        result = tasks.run(
            "segment:segment", {"image": image_input(image), "model_id": "ct-body"}, progress.part(0.2, 0.6)
        )
        assert result.image.GetSize() == image.GetSize()
        assert np.any(sitk.GetArrayViewFromImage(result.image))
        with pytest.raises(ModelError, match="nowhere"):
            tasks.run("segment:segment", {"image": image_input(image), "model_id": "nowhere"}, progress)
    assert min(seen) >= 0.0
    assert 0.6 in seen
    assert [cost.name for cost in progress.costs] == ["Body (CT)"]
    assert result.provenance.stages == tuple(progress.costs)
    with pytest.raises(JobFailed, match="closed"):
        tasks.run("segment:segment", {}, progress)


def descendants_of(parent: int) -> list[int]:
    children = [
        int(pid) for path in Path(f"/proc/{parent}/task").glob("*/children") for pid in path.read_text().split()
    ]
    return children + [pid for child in children for pid in descendants_of(child)]


def is_zombie(pid: int) -> bool:
    return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
