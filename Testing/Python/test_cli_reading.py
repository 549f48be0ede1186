"""`aiimaging reading`: a study planned, read, checked and merged; figures worked by hand; FROC of a reader."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_sources import ct_image, ct_series
from reading_studies import Clock, recorder

from AIImagingLogic.cli import main
from AIImagingLogic.evaluation.reading_ai_marks import read_ai_marks
from AIImagingLogic.evaluation.reading_folder import findings_path
from AIImagingLogic.evaluation.reading_results import ReadingResults, merged_readings
from AIImagingLogic.records.json_form import load_record
from AIImagingLogic.records.reading import ActionKind, ReadingMode

_LESIONS = "seriesuid,coordX,coordY,coordZ,diameter_mm\nC1,2,2,2,4\nC2,5,5,5,4\nC2,8,2,8,4\n"
_AI = "seriesuid,coordX,coordY,coordZ,probability\nC1,2,2,2,0.9\nC1,9,9,9,0.3\nC2,5,5,5,0.8\n"
_PLACES = {"C1": (2.5, 2.0, 2.0), "C2": (8.0, 2.0, 8.5), "C3": (1.0, 1.0, 1.0)}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    for name in ("C1", "C2", "C3"):
        image = sitk.GetImageFromArray(np.zeros((12, 12, 12), np.int16))
        sitk.WriteImage(image, str(tmp_path / f"{name}.nrrd"))
    (tmp_path / "ai.csv").write_text(_AI, encoding="utf-8")
    (tmp_path / "lesions.csv").write_text(_LESIONS, encoding="utf-8")
    rows = "".join(f"{name},{name}.nrrd,ai.csv\n" for name in ("C1", "C2", "C3"))
    (tmp_path / "cases.csv").write_text("case,image,findings\n" + rows, encoding="utf-8")
    assert _plan(tmp_path, "R1,R2") == 0
    return tmp_path / "study"


def _plan(folder: Path, readers: str, seed: str = "5") -> int:
    stated = ["--seed", seed, "--readers", readers, "--modes", "second-reader,concurrent"]
    return main(["reading", "plan", str(folder / "cases.csv"), "-o", str(folder / "study"), *stated])


def _read(study: Path, reader: str, count: int = 6) -> None:
    """Read in the simplest way: one mark a case at a known place, every AI mark accepted but A2."""
    clock = Clock()
    made = recorder(study / "study.json", reader, clock)
    for _number in range(count):
        state = made.open()
        clock.on(10 if state.mode is ReadingMode.SECOND_READER else 4)
        made.record(ActionKind.ADD, mark="M1", position_mm=_PLACES[state.case], score=60.0)
        if state.mode is ReadingMode.SECOND_READER:
            made.record(ActionKind.LOCK)
        marks = read_ai_marks(findings_path(made.study_file, made.study.case(state.case)), state.case)
        made.record(ActionKind.SHOW, marks=marks)
        clock.on(2)
        for mark in marks:
            said: dict[str, Any] = {"score": 100.0} if mark.mark == "A1" else {}
            made.record(ActionKind.ACCEPT if said else ActionKind.REFUSE, mark=mark.mark, **said)
        made.record(ActionKind.FINISH)
    made.close()


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_results_hold_each_way_of_reading_with_its_figures(study: Path, tmp_path: Path) -> None:
    _read(study, "R1")
    _read(study, "R2", 2)
    out = tmp_path / "out"
    lesions = str(tmp_path / "lesions.csv")
    assert main(["reading", "results", str(study), "-o", str(out), "--lesions", lesions, "--resamples", "200"]) == 0
    figures = {(row["reader"], row["arm"]): row for row in _rows(out / "figures.csv")}
    alone, aided = figures["R1", "second-reader-alone"], figures["R1", "second-reader"]
    # Alone: C1's lesion and one of the two of C2; with the AI the third too. C3's mark is on nothing, both times.
    assert float(alone["sensitivity"]) == pytest.approx(2 / 3, abs=1e-6) and float(aided["sensitivity"]) == 1.0
    assert float(alone["false_marks_per_case"]) == float(aided["false_marks_per_case"]) == pytest.approx(1 / 3)
    assert (float(alone["median_seconds"]), float(aided["median_seconds"])) == (10.0, 12.0)
    assert float(figures["R1", "concurrent"]["median_seconds"]) == 6.0
    assert float(aided["sensitivity_gain"]) == pytest.approx(1 / 3) and alone["sensitivity_gain"] == ""
    assert float(aided["sensitivity_low_95"]) == float(aided["sensitivity_high_95"]) == 1.0
    assert float(alone["sensitivity_low_95"]) == 0.5 and float(alone["sensitivity_high_95"]) == 1.0
    result = json.loads((out / "result.json").read_text(encoding="utf-8"))
    assert result["schema_version"] == 1 and len(result["readings"]) == 8
    assert "R2: 4 of 6 readings are not finished." in result["notes"]
    assert load_record(ReadingResults, out / "result.json") == merged_readings(study / "study.json")[1]
    readings = _rows(out / "readings.csv")
    assert readings[0]["opened"].endswith("+00:00") and {row["reader"] for row in readings} == {"R1", "R2"}


def test_evaluate_detection_scores_a_reader_from_what_was_written(study: Path, tmp_path: Path) -> None:
    _read(study, "R1")
    out = tmp_path / "out"
    assert main(["reading", "results", str(study), "-o", str(out), "--lesions", str(tmp_path / "lesions.csv")]) == 0
    arm = out / "R1_second-reader"
    assert (arm / "froc.png").stat().st_size > 0
    command = [str(arm / "marks.csv"), str(arm / "lesions.csv"), "--scans", str(arm / "scans.csv")]
    assert main(["evaluate", "detection", *command, "--resamples", "20", "-o", str(tmp_path / "froc")]) == 0
    study_result = json.loads((tmp_path / "froc" / "result.json").read_text(encoding="utf-8"))
    # At score 1 both of the AI's are right: two of three; at 0.6 all three and a false one.
    assert study_result["curve"] == [[1.0, 0.0, pytest.approx(2 / 3)], [0.6, pytest.approx(1 / 3), 1.0]]


def test_check_tells_every_fault(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reading", "check", str(study)]) == 0
    (tmp_path / "C2.nrrd").write_bytes(b"")
    with (tmp_path / "ai.csv").open("a", encoding="utf-8") as file:
        file.write("C3,500,5,5,0.8\n")
    assert main(["reading", "check", str(study)]) == 12
    said = capsys.readouterr().err
    assert "C2:" in said and "C3: the AI mark A1 lies outside the image" in said and "2 faults" in said


def test_check_finds_a_code_that_says_who_the_patient_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ct_series(ct_image(), tmp_path / "dicom")
    (tmp_path / "cases.csv").write_text("case,image\nCT-somebody,dicom\nC2,dicom\n", encoding="utf-8")
    stated = ["--seed", "5", "--readers", "R1", "--modes", "unaided"]
    assert main(["reading", "plan", str(tmp_path / "cases.csv"), "-o", str(tmp_path / "study"), *stated]) == 0
    assert main(["reading", "check", str(tmp_path / "study")]) == 12
    said = capsys.readouterr().err
    assert "CT-somebody: the code holds the patient's number" in said and "C2:" not in said


def test_a_study_under_way_takes_readers_at_the_end_and_nothing_else(study: Path, tmp_path: Path) -> None:
    _read(study, "R1", 1)
    assert _plan(tmp_path, "R1,R2,R3") == 0
    _read(study, "R3", 1)
    assert _plan(tmp_path, "R1,R2,R3", seed="6") == 8
    assert _plan(tmp_path, "R2,R1,R3") == 8


def test_lesions_of_a_case_that_is_none_are_refused(study: Path, tmp_path: Path) -> None:
    _read(study, "R1", 1)
    path = tmp_path / "lesions.csv"
    path.write_text(_LESIONS.replace("C2", "X2"), encoding="utf-8")
    assert main(["reading", "results", str(study), "-o", str(tmp_path / "out"), "--lesions", str(path)]) == 5
    assert not (tmp_path / "out").exists()


def test_results_before_anybody_has_read_say_so(study: Path, tmp_path: Path) -> None:
    assert main(["reading", "results", str(study), "-o", str(tmp_path / "out")]) == 3
