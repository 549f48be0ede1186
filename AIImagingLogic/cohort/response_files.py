"""The files of a cohort's responses: tables, waterfall and spider plot."""

from __future__ import annotations

from pathlib import Path

from AIImagingLogic.cohort.patient_response import CohortResponses, PatientResponse
from AIImagingLogic.cohort.response_tables import changes_before_progression, write_patients_csv, write_visits_csv
from AIImagingLogic.followup.criteria.criteria_table import criteria_table
from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.json_form import save_record
from AIImagingLogic.report.response_plots import BestChange, ChangeOverTime, best_change, spider_svg, waterfall_svg


def write_responses(cohort: CohortResponses, folder: Path, language: str = "en") -> tuple[str, ...]:
    """Write responses.csv, patients.csv, waterfall.svg, spider.svg and result.json into `folder`.

    Parameters
    ----------
    folder : is there
    language : of the plots: ``en`` or ``zh``

    Returns
    -------
    tuple of str
        A sentence for each plot that could not be drawn.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    missing = []
    bars, courses = best_changes(cohort), changes_over_time(cohort)
    if bars:
        _write(folder / "waterfall.svg", waterfall_svg(bars, language, cohort.rules))
    else:
        missing.append("No waterfall.svg: no patient has a change that was measured.")
    if courses:
        _write(folder / "spider.svg", spider_svg(courses, language, cohort.rules))
    else:
        missing.append("No spider.svg: no patient has a change that was measured at a dated visit.")
    write_visits_csv(cohort, folder / "responses.csv")
    write_patients_csv(cohort, folder / "patients.csv")
    save_record(cohort, folder / "result.json")
    return tuple(missing)


def best_changes(cohort: CohortResponses) -> tuple[BestChange, ...]:
    """Return the bars of the waterfall plot: the smallest change up to progression of each patient who has one."""
    worst = criteria_table(cohort.rules).order[-1]
    bars = (best_change(one.patient, changes_before_progression(one, worst), one.best) for one in cohort.patients)
    return tuple(bar for bar in bars if bar is not None)


def changes_over_time(cohort: CohortResponses) -> tuple[ChangeOverTime, ...]:
    """Return the lines of the spider plot, of patients with a change at a dated visit; coloured by best response."""
    return tuple(line for one in cohort.patients if (line := _course(one)) is not None)


def _course(patient: PatientResponse) -> ChangeOverTime | None:
    days: list[float] = []
    percents: list[float] = []
    for day, percent in zip(patient.days, patient.changes_percent):
        if day is not None and percent is not None and day > (days[-1] if days else 0.0):
            days.append(day)
            percents.append(percent)
    return ChangeOverTime(patient.patient, tuple(days), tuple(percents), patient.best) if days else None


def _write(path: Path, text: str) -> None:
    with written_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
