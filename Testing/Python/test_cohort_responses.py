"""Responses of many patients: read from every form in which they are saved, without dates; bad ones told, not lost."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from many_visits_report import many_visits
from saved_patients import DAYS_APART, FIRST_DAY, printed, response, save, save_text

from AIImagingLogic.cohort.patient_response import CohortResponses
from AIImagingLogic.cohort.responses import read_responses
from AIImagingLogic.cohort.saved_response import PROPOSED, SavedResponseError
from AIImagingLogic.records.json_form import save_record


def test_every_saved_form_gives_the_same_figures(tmp_path: Path) -> None:
    shrinks = response([50, 40, 30])
    save(tmp_path, "a", shrinks)
    save_text(tmp_path, "b", "criteria.json", printed(shrinks))
    save(tmp_path / "c", "AI follow-up signed off", shrinks)
    cohort = read_responses(tmp_path)
    assert cohort.skipped == () and cohort.name == "RECIST 1.1"
    assert [one.patient for one in cohort.patients] == ["a", "b", "c"]
    for patient in cohort.patients:
        assert patient.days == (0, DAYS_APART, 2 * DAYS_APART)
        assert patient.changes_percent == (None, pytest.approx(-20), pytest.approx(-40))
        assert patient.best == "PR"
        assert [one.category for one in patient.assessments] == ["baseline", "SD", "PR"]
    assert [None if one.choice is None else one.choice.targets for one in cohort.patients] == [(1,), None, (1,)]


def test_a_follow_up_is_assessed_with_proposed_targets_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    save_record(many_visits(), tmp_path / "p" / "result.json")
    patient = read_responses(tmp_path).patients[0]
    assert len(patient.assessments) == len(many_visits().visits)
    assert patient.choice is not None and patient.choice.targets
    assert PROPOSED in patient.notes


def test_no_date_and_no_folder_name_is_left_in_an_anonymous_cohort(tmp_path: Path) -> None:
    save(tmp_path, "Doe_Jane", response([50, 30]))
    save(tmp_path, "Roe_Richard", response([50, 70]))
    save_text(tmp_path, "Poe_Paula", "response.json", "{")
    cohort = read_responses(tmp_path, anonymous=True)
    assert [one.patient for one in cohort.patients] == ["P01", "P03"]
    assert [one.patient for one in cohort.skipped] == ["P02"]
    text = json.dumps(cohort.to_json())
    assert not any(word in text for word in ("Doe", "Roe", "Poe", str(FIRST_DAY.year), str(tmp_path)))
    assert CohortResponses.from_json(json.loads(text)) == cohort


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("response.json", "", "damaged"),
        ("response.json", '{"record": "ChosenResponse"}', "lacks 'choice'"),
        ("response.json", "[1, 2]", "damaged"),
        ("response.json", '{"record": "Registration"}', "a Registration"),
        ("result.json", '{"record": "Timeline", "visits": 3}', "damaged"),
        ("result.json", "[" * 100_000, "damaged|cannot be read"),
        ("criteria.json", '{"visits": []}', "0 visit"),
        ("criteria.json", printed(response([50])), "1 visit"),
        ("criteria.json", printed(response([50, 30], rules="irecist")), "iRECIST, not by RECIST 1.1"),
        ("criteria.json", printed(response([50, 30])).replace('percent": -40.0', 'percent": "inf"'), "not possible"),
        ("criteria.json", printed(response([50, 30])).replace("2025-03-07", "2024-03-07"), "go back"),
        ("notes.txt", "better", "none of response.json"),
    ],
)
def test_a_bad_result_is_skipped_with_its_reason_and_the_others_are_read(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    save(tmp_path, "good", response([50, 30]))
    save_text(tmp_path, "bad", name, text)
    cohort = read_responses(tmp_path)
    assert [one.patient for one in cohort.patients] == ["good"]
    assert [one.patient for one in cohort.skipped] == ["bad"]
    assert re.search(words, cohort.skipped[0].reason)


def test_two_results_in_one_folder_are_not_chosen_between(tmp_path: Path) -> None:
    save(tmp_path / "p", "first", response([50, 30]))
    save(tmp_path / "p", "second", response([50, 70]))
    assert "2 results" in read_responses(tmp_path).skipped[0].reason


def test_a_response_counts_before_the_follow_up_it_was_made_of(tmp_path: Path) -> None:
    (tmp_path / "p" / "follow-up").mkdir(parents=True)
    save_record(many_visits(), tmp_path / "p" / "follow-up" / "result.json")
    save(tmp_path / "p", "response", response([50, 30]))
    (patient,) = read_responses(tmp_path).patients
    assert len(patient.assessments) == 2 and patient.notes == ()


def test_undated_visits_keep_their_change(tmp_path: Path) -> None:
    save(tmp_path, "p", response([50, 30], dated=False))
    patient = read_responses(tmp_path).patients[0]
    assert patient.days == (None, None) and patient.changes_percent[1] == pytest.approx(-40)
    assert any("undated" in note for note in patient.notes)


def test_a_folder_without_patients_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SavedResponseError, match="holds no folder"):
        read_responses(tmp_path)
    with pytest.raises(SavedResponseError, match="no folder that can be read"):
        read_responses(tmp_path / "nowhere")
