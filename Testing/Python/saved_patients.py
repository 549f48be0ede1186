"""Patients' folders with saved results whose responses are known, for tests of cohorts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from AIImagingLogic.followup.criteria.assess import assess_response
from AIImagingLogic.followup.criteria.facts import LesionObservation, VisitFacts
from AIImagingLogic.followup.criteria.target_choice import TargetChoice
from AIImagingLogic.records.json_form import save_record
from AIImagingLogic.report.chosen_response import ChosenResponse

FIRST_DAY = datetime(2025, 1, 10)
DAYS_APART = 56


def response(
    sizes_mm: Sequence[float], new_at: int | None = None, dated: bool = True, rules: str = "recist-1.1"
) -> ChosenResponse:
    """One target with these longest diameters; a new lesion from visit `new_at` on."""
    visits = []
    for index, size in enumerate(sizes_mm):
        new = (LesionObservation(9, "liver", longest_mm=11.0),) if new_at is not None and index >= new_at else ()
        date = FIRST_DAY + timedelta(days=DAYS_APART * index) if dated else None
        visits.append(VisitFacts(date, (LesionObservation(1, "lung", longest_mm=size),), new_lesions=new))
    return ChosenResponse(TargetChoice((1,), (), by_person=True), assess_response(visits, rules))


def save(folder: Path, patient: str, saved: ChosenResponse) -> None:
    """Write a response as the commands do."""
    (folder / patient).mkdir(parents=True)
    save_record(saved, folder / patient / "response.json")


def save_text(folder: Path, patient: str, name: str, text: str) -> None:
    """Write any text as a patient's result."""
    (folder / patient).mkdir(parents=True, exist_ok=True)
    (folder / patient / name).write_text(text, encoding="utf-8")


def printed(saved: ChosenResponse) -> str:
    """What `aiimaging criteria --json` prints."""
    visits = [one.to_json() for one in saved.assessments]
    return json.dumps({"rules": saved.assessments[0].rules, "best": None, "visits": visits})
