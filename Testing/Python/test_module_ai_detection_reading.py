"""The section 'Reading study' of AI Detection in the test host: what the reader sees, may press, and is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from reading_studies import planned_study

from AIImagingLogic.evaluation.reading_folder import load_order, load_study, log_file
from AIImagingLogic.evaluation.reading_progress import reading_progress
from AIImagingLogic.records.reading import CaseReading
from AIImagingLogic.records.reading_log import read_log
from Testing.Host import reason_missing

pytestmark = pytest.mark.skipif(reason_missing() is not None, reason=str(reason_missing()))

_MODULE = Path(__file__).resolve().parents[2] / "AIImaging" / "AIDetection"
_AI = "seriesuid,coordX,coordY,coordZ,probability\nC1,3,4,5,0.9\nC2,3,4,5,0.9\n"


class _Reader:
    """A reader in front of the panel."""

    def __init__(self, host: Any, folder: Path, mode: str) -> None:
        for name in ("C1", "C2"):
            image = sitk.GetImageFromArray(np.zeros((10, 12, 14), np.int16))
            sitk.WriteImage(image, str(folder / f"{name}.nrrd"))
        (folder / "ai.csv").write_text(_AI, encoding="utf-8")
        self.host, self.folder = host, folder
        self.study = planned_study(folder, 2, modes=[mode])
        self.panel = host.open_module(_MODULE)
        self.ui = self.panel.ui
        self.ui.readingCollapsibleButton.collapsed = False
        self.sit_down("R1")

    def sit_down(self, reader: str) -> None:
        self.panel.choose("readingStudyPathLineEdit", str(self.study))
        self.panel.choose("readingReaderLineEdit", reader)

    def click(self, *names: str) -> None:
        for name in names:
            self.panel.click(f"{name}Button")

    def put(self, *place_ras: float) -> None:
        """Click in a slice view, as in place mode."""
        self.click("addMark")
        assert self.host.scene.GetSingletonNode("Singleton", "vtkMRMLInteractionNode").GetCurrentInteractionMode() == 1
        self.panel.widget._reading.desk.nodes.marks.AddControlPoint(*place_ras)
        self.host.process_events()

    def score(self, score: int) -> None:
        self.panel.choose("scoreSpinBox", score)

    @property
    def says(self) -> str:
        return str(self.ui.readingStatusLabel.text)

    @property
    def enabled(self) -> set[str]:
        names = ("nextCase", "pause", "lock", "finish", "addMark", "deleteMark", "acceptMark", "refuseMark")
        return {name for name in names if self.panel.find(f"{name}Button").enabled}

    @property
    def ai_points(self) -> int:
        nodes = self.host.scene.GetNodes()
        found = [nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems())]
        return sum("AI" in (node.GetAttribute("AIImaging.Kind") or "") for node in found)

    def finished(self, reader: str = "R1") -> tuple[CaseReading, ...]:
        order = load_order(self.study, load_study(self.study), reader)
        return reading_progress(order, read_log(log_file(self.study, reader))).finished


@pytest.fixture
def seat(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    from Testing.Host import running

    with running() as host:
        yield _Reader(host, tmp_path, request.param)


@pytest.mark.parametrize("seat", ["unaided"], indirect=True)
def test_unaided_reading_hides_all_that_could_show_the_ai(seat: _Reader) -> None:
    assert seat.enabled == {"nextCase"} and "Choose the study" in seat.says
    seat.click("nextCase")
    assert "Case 1 of 2, unaided. Mark every lesion. Then finish." in seat.says
    assert seat.enabled == {"pause", "finish", "addMark"}
    assert not seat.ui.applyButton.visible and not seat.ui.findingsCollapsibleButton.visible
    seat.put(-1.0, -2.0, 3.0)
    assert seat.says.endswith("No score yet: M1.")
    seat.click("finish")
    assert "no score yet for M1" in seat.host.messages.texts("error")[0]
    seat.score(75)
    seat.click("finish")
    assert seat.says == "1 of 2 cases are read. Press Next case." and seat.ai_points == 0
    (reading,) = seat.finished()
    assert [(mark.position_mm, mark.score) for mark in reading.marks] == [((1.0, 2.0, 3.0), 75.0)]
    assert seat.ui.applyButton.visible and seat.host.scene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode") is None


@pytest.mark.parametrize("seat", ["second-reader"], indirect=True)
def test_second_reader_locks_then_judges_the_ai(seat: _Reader) -> None:
    seat.click("nextCase")
    assert seat.enabled == {"pause", "lock", "addMark"} and "second reader, alone" in seat.says
    seat.put(0.0, 0.0, 2.0)
    seat.score(40)
    assert seat.says.endswith("Then lock your reading; the AI marks come after it.") and seat.ai_points == 0
    seat.click("lock")
    assert seat.ai_points == 1 and seat.says.endswith("To decide: A1.")
    # The locked mark is the chosen one.
    assert "deleteMark" not in seat.enabled and not seat.ui.scoreSpinBox.enabled
    view = seat.ui.readingMarksTableView
    view.setCurrentIndex(view.model().index(1, 0))
    assert {"acceptMark", "refuseMark"} <= seat.enabled
    seat.click("refuseMark", "refuseMark", "acceptMark")
    assert seat.says.endswith("No score yet: A1.")
    seat.score(90)
    seat.click("finish")
    (reading,) = seat.finished()
    assert [mark.mark for mark in reading.marks] == ["M1", "A1"] and len(reading.alone_marks or ()) == 1
    kinds = [action.kind.value for action in reading.actions if action.mark == "A1"]
    assert kinds == ["refuse", "undecide", "accept", "rate"]


@pytest.mark.parametrize("seat", ["concurrent"], indirect=True)
def test_pause_and_scene_close_and_leaving_keep_the_case(seat: _Reader) -> None:
    seat.click("nextCase")
    assert seat.ai_points == 1 and "with AI" in seat.says
    seat.click("pause")
    assert seat.enabled == {"pause"} and seat.says.endswith("Paused: press Go on.")
    seat.click("pause")
    seat.host.close_scene()
    assert seat.says.endswith("Paused: press Go on.") and seat.ai_points == 0
    seat.click("pause")
    assert seat.ai_points == 1
    seat.panel.widget._reading.close()
    seat.panel.widget._reading.show()
    assert seat.ai_points == 0
    seat.click("nextCase")
    assert seat.ai_points == 1 and "Case 1 of 2" in seat.says


@pytest.mark.parametrize("seat", ["unaided"], indirect=True)
def test_a_wrong_reader_or_study_is_said_in_one_line_and_another_reader_has_his_own_file(seat: _Reader) -> None:
    seat.sit_down("R9")
    seat.click("nextCase")
    assert seat.host.messages.texts("error") == ["The study 'trial' has no reader 'R9'. Its readers are R1, R2."]
    seat.sit_down("R2")
    seat.click("nextCase", "finish")
    seat.sit_down("R1")
    seat.click("nextCase", "finish", "nextCase", "finish")
    assert seat.says == "All 2 cases are read. Thank you." and seat.enabled == set()
    assert len(seat.finished("R1")) == 2 and len(seat.finished("R2")) == 1
