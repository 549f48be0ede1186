"""The card of every criterion in Chinese: no English is left but codes and names, and the figures are the same."""

from __future__ import annotations

import dataclasses
import re
from itertools import islice
from pathlib import Path

import openpyxl
import pytest
from criteria_answers import RULES, guideline_answers, response_answers, words_of
from many_visits_report import many_visits
from test_report_languages import KEPT, numbers, visible

from AIImagingLogic.followup.criteria.facts import LesionObservation
from AIImagingLogic.followup.criteria.response import ResponseAssessment
from AIImagingLogic.followup.criteria.target_choice import TargetChoice, edited_choice, propose_targets
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.timeline import Assessment, Timeline
from AIImagingLogic.report.chosen_response import ChosenResponse
from AIImagingLogic.report.html import render_report
from AIImagingLogic.report.phrases import said_in_chinese
from AIImagingLogic.report.workbook import write_workbook

GUIDELINES = 4
# Codes of answers, names of criteria and of an option: what a Chinese radiologist writes in Latin letters too.
KNOWN = (*load_resource("report/phrases_zh.json")["kept"], *KEPT, "measurable_at_baseline", "g", "ml")
NAMES = {part for name in KNOWN for part in re.split(r"[-/]", name)}


def left_in_english(text: str) -> list[str]:
    return sorted(set(re.findall(r"[A-Za-z_]+", text)) - NAMES)


def check(answer: ResponseAssessment | Assessment) -> None:
    for text in filter(None, words_of(answer)):
        chinese = said_in_chinese(text)
        assert chinese is not None, text
        assert left_in_english(chinese) == [], chinese
        assert sorted(re.findall(r"\d+(?:\.\d+)?", chinese)) == sorted(re.findall(r"\d+(?:\.\d+)?", text)), text


@pytest.mark.parametrize("rules", RULES)
def test_every_answer_of_response_criteria_is_said_in_chinese(rules: str) -> None:
    answers = [answer for patient in response_answers(rules) for answer in patient]
    given = {answer.row for answer in answers}
    rows = load_resource(f"rules/{RULES[rules]}.json")["rows"]["overall"]
    # The patients are many enough that nearly every row of the table is met.
    assert len(given & {row["id"] for row in rows}) >= 0.8 * len(rows)
    for answer in answers:
        check(answer)


def test_every_answer_of_the_guidelines_is_said_in_chinese() -> None:
    answers = list(guideline_answers())
    assert len({answer.rules for answer in answers}) == GUIDELINES
    for answer in answers:
        check(answer)


@pytest.mark.parametrize("name", [*RULES.values()])
def test_every_text_of_a_table_of_targets_and_every_note_on_a_choice_is_said_in_chinese(name: str) -> None:
    for row in load_resource(f"rules/{name}.json")["targets"]["rows"]:
        if "whose rows are used" not in row["text"]:
            assert said_in_chinese(row["text"]) is not None, row["text"]


def test_notes_on_a_persons_choice_are_said_in_chinese() -> None:
    lesions = [LesionObservation(number, "lung nodule", longest_mm=8.0 + number) for number in range(1, 8)]
    choice = edited_choice(propose_targets(lesions), lesions, range(1, 8), ())
    assert len(choice.notes) >= 3
    for note in (*choice.notes, *propose_targets([LesionObservation(1, longest_mm=20.0)]).notes):
        chinese = said_in_chinese(note)
        assert chinese is not None and left_in_english(chinese) == [], note


def of_patient(rules: str, visits: int) -> ChosenResponse:
    """The answers to the first patient with as many visits that differ most."""
    patients = [patient for patient in response_answers(rules) if len(patient) == visits]
    answers = max(patients, key=lambda patient: len({answer.row for answer in patient}))
    notes = ("6 targets; the rule takes at most 5.", "Targets and non-targets as a person chose them before.")
    return ChosenResponse(TargetChoice((1, 2), (3,), notes=notes, by_person=True), answers)


def with_guidelines(timeline: Timeline) -> Timeline:
    return dataclasses.replace(timeline, assessments=tuple(islice(guideline_answers(), 3 * GUIDELINES, 4 * GUIDELINES)))


@pytest.mark.parametrize("rules", RULES)
def test_no_english_is_left_in_the_chinese_report_of_any_criterion(rules: str, tmp_path: Path) -> None:
    timeline = with_guidelines(many_visits())
    response = of_patient(rules, len(timeline.visits))
    html = render_report(timeline, [], tmp_path, "zh", response)
    assert left_in_english(visible(html)) == []
    assert 'lang="en"' not in html
    assert "规则至多取 5 个" in html
    write_workbook(timeline, tmp_path / "report.xlsx", "zh", response)
    sheet = openpyxl.load_workbook(tmp_path / "report.xlsx")["评估"]
    sources = {one.source for one in (*timeline.assessments, response.assessments[0])}
    rows = {answer.row for answer in (*timeline.assessments, *response.assessments)}
    for cell in (str(cell.value) for line in sheet.iter_rows() for cell in line if cell.value is not None):
        assert cell in sources | rows or left_in_english(cell) == [], cell


@pytest.mark.parametrize(
    ("rules", "heading", "nadir"),
    [
        ("recist-1.1", "Sum of diameters (mm)", True),
        ("percist-1.0", "Highest SULpeak (g/ml)", False),
        ("lugano-ct", "Sum of products (mm²)", False),
    ],
)
def test_the_card_shows_what_its_criteria_compare(rules: str, heading: str, nadir: bool, tmp_path: Path) -> None:
    timeline = many_visits()
    response = of_patient(rules, len(timeline.visits))
    html = render_report(timeline, [], tmp_path, "en", response)
    table = html[html.index('<table class="plain response">') :]
    assert heading in table and ("From nadir" in table[: table.index("</thead>")]) is nadir
    names = ("sum_mm", "sum_mm2", "sul_peak")
    first = next(response.assessments[0].figures[name] for name in names if name in response.assessments[0].figures)
    cells = re.findall(r'<td class="number">([^<]*)</td>', table[: table.index("</table>")])
    assert len(cells) == (3 if nadir else 2) * len(timeline.visits)
    assert float(cells[0]) == pytest.approx(first, abs=0.051) and numbers(cells[0])
