"""Small reader studies for tests, with a clock that the test moves."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from AIImagingLogic.evaluation.reading_folder import write_study_folder
from AIImagingLogic.evaluation.reading_manifest import read_manifest
from AIImagingLogic.evaluation.reading_recorder import ReadingRecorder

ALL_MODES = ("unaided", "second-reader", "concurrent")


class Clock:
    """Seconds and time of day that go on when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.day = datetime(2030, 1, 1, 9, 0, tzinfo=UTC)

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        """The time of day."""
        return self.day

    def on(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds
        self.day += timedelta(seconds=seconds)


def planned_study(folder: Path, count: int = 4, **stated: Any) -> Path:
    """Plan a study of as many cases in a folder; return its study.json. Images and findings are not there."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {
        "study": "trial",
        "seed": 7,
        "readers": ["R1", "R2"],
        "modes": ALL_MODES,
        "cases": [
            {"case": f"C{number}", "image": f"C{number}.nrrd", "findings": "ai.csv"} for number in range(1, count + 1)
        ],
        **stated,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    write_study_folder(read_manifest(folder / "manifest.json"), folder, folder / "study")
    return folder / "study" / "study.json"


def recorder(study_file: Path, reader: str = "R1", clock: Clock | None = None) -> ReadingRecorder:
    """Start the program as a reader."""
    clock = clock or Clock()
    return ReadingRecorder(study_file, reader, "test", clock.now, clock)
