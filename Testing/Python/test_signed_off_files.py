"""The files of a signed-off table hold the response to treatment, and a cohort reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic_timeline import two_visits

from AIImagingLogic.cli.signed_off_files import write_signed_off
from AIImagingLogic.cohort.responses import read_responses
from AIImagingLogic.report.phrases import said_in_chinese

WHEN = "2024-03-02T10:00:00"


def test_the_response_of_a_signed_off_table_is_read_by_a_cohort(tmp_path: Path) -> None:
    timeline = two_visits()[0]
    write_signed_off(timeline, str(tmp_path / "p1"), "A reader", WHEN, None, "recist-1.1", [1, 3], [])
    (folder,) = (tmp_path / "p1").iterdir()
    assert "chosen by a person" in (folder / "report.html").read_text(encoding="utf-8")
    (patient,) = read_responses(tmp_path).patients
    assert patient.choice is not None and (patient.choice.targets, patient.choice.by_person) == ((1, 3), True)
    # 10 and 12 mm; then 14 mm and gone, with a new lesion.
    assert patient.changes_percent[1] == pytest.approx(-100 * 8 / 22) and patient.best == "PD"


def test_a_response_that_cannot_be_given_is_a_note_and_costs_no_file(tmp_path: Path) -> None:
    signed = write_signed_off(two_visits()[0], str(tmp_path), "", WHEN, None, "percist-1.0")
    (folder,) = tmp_path.iterdir()
    assert (folder / "result.json").exists() and not (folder / "response.json").exists()
    (note,) = [note for note in signed.notes if note.startswith("No response to treatment")]
    assert said_in_chinese(note) is not None


def test_without_rules_there_is_no_response(tmp_path: Path) -> None:
    write_signed_off(two_visits()[0], str(tmp_path), "", WHEN)
    (folder,) = tmp_path.iterdir()
    assert not (folder / "response.json").exists()
