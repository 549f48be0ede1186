"""The report of many visits: every lesion at every visit, coded, on pages that print."""

from __future__ import annotations

import dataclasses
import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from followup_records import nodule, provenance, registration, visit
from hand_made_timeline import PATIENT_UID, hand_made_timeline
from many_visits_report import FIRST, many_visits
from test_report_languages import response_of

from AIImagingLogic.followup.timeline import make_timeline
from AIImagingLogic.records.resources import resource_path
from AIImagingLogic.report.html import render_report
from AIImagingLogic.report.response_section import sum_plot_svg


class _Tables(HTMLParser):
    """Collects the tables: headings, rows of cells with their attributes and texts; and articles."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[tuple[dict, str]]]] = []
        self.articles: list[dict] = []
        self._cell: list | None = None

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
            self.row_attributes = dict(attrs)
        elif tag in ("td", "th"):
            self._cell = [self.row_attributes | dict(attrs), ""]
        elif tag == "article":
            self.articles.append(dict(attrs))

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self._cell is not None:
            self.tables[-1][-1].append((self._cell[0], re.sub(r"\s+", " ", self._cell[1]).strip()))
            self._cell = None

    def handle_data(self, data):
        if self._cell is not None:
            self._cell[1] += data


def _read(html: str) -> _Tables:
    page = _Tables()
    page.feed(html)
    return page


def _by_visit(page: _Tables) -> dict[tuple[int, int], tuple[dict, str]]:
    """Return the cells of the tables 'Every lesion at every visit', by lesion and visit."""
    cells = {}
    for table in page.tables:
        for row in table[1:]:
            if len(row) > 1 and row[0][1].isdigit():
                cells |= {(int(row[0][1]), int(cell[0]["data-visit"])): cell for cell in row[1:]}
    return cells


def test_a_machine_reads_every_measurement_of_every_visit_back(tmp_path):
    timeline = many_visits()
    cells = _by_visit(_read(render_report(timeline, [], tmp_path)))
    assert set(cells) == {(lesion.number, index) for lesion in timeline.lesions for index in range(6)}
    for lesion in timeline.lesions:
        for index, at in enumerate(timeline.visits):
            attributes, text = cells[lesion.number, index]
            finding = at.finding(lesion.observations[index])
            if finding is None:
                assert "data-volume-mm3" not in attributes and text in ("not seen", "not evaluable", "resolved")
                continue
            assert attributes["data-finding-uid"] == finding.uid
            # Seven digits are written.
            assert float(attributes["data-volume-mm3"]) == pytest.approx(finding.value("volume"), rel=1e-6)
            assert float(attributes["data-mean-density-hu"]) == finding.value("mean_density")
            assert f"{finding.value('mean_diameter'):.1f} mm" in text


def test_codes_name_scheme_value_meaning_and_unit_of_every_attribute_in_use(tmp_path):
    timeline = many_visits()
    page = _read(render_report(timeline, [], tmp_path))
    coded = {}
    for table in page.tables:
        for row in table:
            if row and "data-term" in row[0][0]:
                coded.setdefault(row[0][0]["data-term"], []).append(row[0][0])
    volume = coded["data-volume-mm3"][0]
    assert (volume["data-code-scheme"], volume["data-code-value"], volume["data-code-unit"]) == (
        "SCT",
        "118565006",
        "mm3",
    )
    assert {entry["data-code-value"] for entry in coded["data-type"]} == {"27925004", "39607008"}
    assert {entry["data-code-value"] for entry in coded["data-laterality"]} == {"7771000", "24028007"}
    used = {name for attributes, _ in _by_visit(page).values() for name in attributes}
    measured = {name for name in used if re.search(r"-(mm3|mm|hu)$", name)}
    assert len(measured) >= 5 and measured <= set(coded)


def test_every_lesion_carries_its_number_status_type_and_tracking_uid(tmp_path):
    timeline = many_visits()
    articles = _read(render_report(timeline, [], tmp_path)).articles
    assert [int(entry["data-lesion"]) for entry in articles] == [lesion.number for lesion in timeline.lesions]
    assert [entry["data-tracking-uid"] for entry in articles] == [lesion.uid for lesion in timeline.lesions]
    assert {entry["data-type"] for entry in articles} == {"lung-nodule"}
    assert {"matched", "resolved", "not evaluable"} == {entry["data-status"] for entry in articles}


def test_steps_tell_what_is_not_plain_and_count_the_rest(tmp_path):
    html = render_report(many_visits(), [], tmp_path)
    missed = html[html.index('data-lesion="6"') : html.index('data-lesion="7"')]
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", missed))
    assert "follow-up 2: not seen." in text and "but again at the follow-up 3" in text
    assert "Linked unambiguously at 4 further visits." in text


def test_the_response_stands_with_its_rows_figures_and_chart(tmp_path):
    timeline = many_visits()
    response = response_of(timeline)
    page = _read(render_report(timeline, [], tmp_path, response=response))
    lines = [row for table in page.tables for row in table if row and "data-response" in row[-1][0]]
    assert [row[-1][0]["data-response"] for row in lines] == [one.category for one in response.assessments]
    assert [row[-1][0].get("data-row") for row in lines][1:] == [one.row for one in response.assessments][1:]
    assert [row[1][1] for row in lines] == [f"{one.figures['sum_mm']:.1f}" for one in response.assessments]
    svg = sum_plot_svg(timeline, response)
    assert svg.count('class="dot"') == 6 and svg.count('class="limit"') == 2


def test_a_sum_without_all_targets_is_a_lower_bound_and_no_point_of_the_chart(tmp_path):
    timeline = many_visits()
    response = response_of(timeline)
    partial = dict(response.assessments[3].figures)
    for name in [name for name in partial if name.startswith("change_")]:
        del partial[name]
    assessments = list(response.assessments)
    assessments[3] = dataclasses.replace(assessments[3], figures=partial)
    response = dataclasses.replace(response, assessments=tuple(assessments))
    assert sum_plot_svg(timeline, response).count('class="dot"') == 5
    assert f"≥{partial['sum_mm']:.1f}" in render_report(timeline, [], tmp_path, response=response)


def test_twenty_visits_stand_on_pages_of_few_columns_and_repeat_their_headings(tmp_path):
    labels = ["baseline", *(f"follow-up {number}" for number in range(1, 20))]
    visits = tuple(
        visit(label, nodule(f"1.2.{index}", (0, 0, 0), 6 + index / 4), acquired=FIRST + timedelta(days=90 * index))
        for index, label in enumerate(labels)
    )
    timeline = make_timeline(visits, (registration(),) * 19, provenance())
    html = render_report(timeline, [], tmp_path)
    page = _read(html)
    assert set(_by_visit(page)) == {(1, index) for index in range(20)}
    assert max(len(row) for table in page.tables for row in table) <= 8
    assert "20 visits" in html and html.count("<thead>") == html.count("<table")
    style = resource_path("report/follow_up.css").read_text("utf-8")
    printed = style[style.index("@media print") :]
    for rule in ("size: A4", "display: table-header-group", "break-inside: avoid", "color: #000", "background: #fff"):
        assert rule in printed


def test_no_attribute_holds_an_identifier_of_the_patient_or_the_series(tmp_path):
    html = render_report(hand_made_timeline(), [], tmp_path)
    assert PATIENT_UID not in html
