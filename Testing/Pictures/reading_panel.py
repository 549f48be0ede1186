"""The panel of AI Detection in a reader study, as a second reader after the lock, and the slice views at a mark.

Reads what `make demo` made.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from Testing.Host import running
from Testing.Pictures.panels import ROOT
from Testing.Pictures.scene_views import photograph_slices, stand_at

_VIEWS = ("Red", "Green", "Yellow")
_FIELD_OF_VIEW_MM = 120.0
_SEED = 1
_SCORES = (95, 80, 60)
# A person does not hit the very middle.
_BESIDE_MM = 2.5


def photograph(folder: Path, other_states: bool = False) -> None:
    """Write the panel and the slice views; with `other_states` also the panel before the lock and in a pause."""
    with tempfile.TemporaryDirectory() as work, running() as host:
        study, lesions = _study(Path(work))
        panel = host.open_module(ROOT / "AIImaging" / "AIDetection")
        panel.ui.readingCollapsibleButton.collapsed = False
        panel.choose("readingStudyPathLineEdit", str(study))
        panel.choose("readingReaderLineEdit", "R1")
        panel.click("nextCaseButton")
        for lesion, score in zip(lesions, _SCORES):
            _mark(host, panel, lesion, score)
        if other_states:
            panel.photograph(folder / "panel_reading_alone.png")
            panel.click("pauseButton")
            panel.photograph(folder / "panel_reading_paused.png")
            panel.click("pauseButton")
        panel.click("lockButton")
        _judge(panel)
        # Its folder is another each time.
        panel.ui.readingStudyPathLineEdit.blockSignals(True)
        panel.ui.readingStudyPathLineEdit.currentPath = "phantom/study/study.json"
        panel.photograph(folder / "panel_reading.png")
        desk = panel.widget._reading.desk
        left, posterior, superior = lesions[0]
        stand_at(host.scene, _VIEWS, (-left, -posterior, superior), _FIELD_OF_VIEW_MM)
        photograph_slices(host.scene, [("", desk.nodes.volume, _VIEWS)], folder / "reading_slices.png")


def _study(folder: Path) -> tuple[Path, list[Any]]:
    """Plan a study of the demo's first visit with what was found there; return it and the true nodules, mm LPS."""
    from AIImagingLogic.cli import main
    from AIImagingLogic.records.json_form import load_record, save_record
    from AIImagingLogic.records.timeline import Timeline

    save_record(load_record(Timeline, ROOT / "demo-output" / "result.json").visits[0], folder / "ai.json")
    manifest = {
        "study": "phantom",
        "seed": _SEED,
        "readers": ["R1"],
        # A single case is first read in the first mode.
        "modes": ["second-reader", "unaided", "concurrent"],
        "question": "Mark every nodule.",
        "cases": [{"case": "C01", "image": str(ROOT / "demo-data" / "baseline"), "findings": "ai.json"}],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    if main(["reading", "plan", str(folder / "manifest.json"), "-o", str(folder / "study"), "-q"]):
        raise RuntimeError("The study could not be planned.")
    truth = json.loads((ROOT / "demo-data" / "truth.json").read_text(encoding="utf-8"))["lesions"]
    found = [lesion["baseline"]["center_mm"] for lesion in truth if lesion["baseline"] and not lesion["distractor"]]
    return folder / "study" / "study.json", found


def _mark(host: Any, panel: Any, place_mm: Any, score: int) -> None:
    panel.click("addMarkButton")
    left, posterior, superior = place_mm
    panel.widget._reading.desk.nodes.marks.AddControlPointWorld(_BESIDE_MM - left, -posterior, superior)
    host.process_events()
    panel.choose("scoreSpinBox", score)


def _judge(panel: Any) -> None:
    """Accept the first AI mark, refuse the second, leave the others."""
    view = panel.ui.readingMarksTableView
    for row, button in ((len(_SCORES), "accept"), (len(_SCORES) + 1, "refuse")):
        view.setCurrentIndex(view.model().index(row, 0))
        panel.click(f"{button}MarkButton")
        if button == "accept":
            panel.choose("scoreSpinBox", 85)
