"""The response to treatment in a report: its lines by visit, and the chart of the sum of diameters."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.followup.criteria.response import BASELINE, ResponseAssessment
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.timeline import Timeline
from AIImagingLogic.report.chosen_response import ChosenResponse
from AIImagingLogic.report.number_format import percent_change, rounded
from AIImagingLogic.report.svg_chart import INK, QUIET, SvgChart, ticks_between
from AIImagingLogic.report.texts import Texts
from AIImagingLogic.report.visit_interval import days_from_first

_SUM, _FROM_NADIR = "sum_mm", "change_from_nadir_percent"
RESPONSE_SIZES = (_SUM, "sum_mm2", "sul_peak")
"""Figures that criteria compare, one of them for each; the headings are texts of the same keys."""
_AT_LEAST = "\N{GREATER-THAN OR EQUAL TO}"


@dataclass(frozen=True)
class ResponseLine:
    """One visit in words; empty where not known. `size` is what the criteria compare: a sum, or an uptake."""

    visit: str
    size: str
    from_baseline: str
    from_nadir: str
    category: str
    row: str
    reason: str
    next_step: str
    missing: tuple[str, ...]


@dataclass(frozen=True)
class ResponseSection:
    """The response at every visit.

    Attributes
    ----------
    size : key of the text that says what is compared, such as ``sum_mm``
    with_nadir : whether the criteria compare with the smallest value too
    notes : what the choice of targets does not keep of the rule
    """

    rules: str
    source: str
    targets: str
    non_targets: str
    by_person: bool
    notes: tuple[str, ...]
    size: str
    with_nadir: bool
    lines: tuple[ResponseLine, ...]


def response_section(timeline: Timeline, response: ChosenResponse) -> ResponseSection:
    """Return the words of a response, visit by visit.

    Raises
    ------
    ValueError
        There are not as many assessments as visits.
    """
    if len(response.assessments) != len(timeline.visits):
        raise ValueError(f"{len(response.assessments)} assessments for {len(timeline.visits)} visits.")
    answers, first = response.assessments, response.assessments[0]
    size = next((name for name in RESPONSE_SIZES if any(name in one.figures for one in answers)), _SUM)
    lines = (_line(visit.label, one, size) for visit, one in zip(timeline.visits, answers))
    return ResponseSection(
        first.rules,
        first.source,
        ", ".join(map(str, response.choice.targets)),
        ", ".join(map(str, response.choice.non_targets)),
        response.choice.by_person,
        response.choice.notes,
        size,
        size == _SUM,
        tuple(lines),
    )


def sum_plot_svg(timeline: Timeline, response: ChosenResponse, language: str = "en") -> str:
    """Return the sum of diameters (mm) over time as an ``<svg>``, empty when fewer than two visits have one.

    Visits at which a target was not measured have no point, and the line is broken there.
    """
    texts = Texts(language)
    sums = [one.figures.get(_SUM) if _is_whole(one) else None for one in response.assessments]
    known = [value for value in sums if value is not None]
    if len(known) < 2:
        return ""
    days = days_from_first(timeline)
    places = [float(day) for day in days if day is not None]
    if len(places) < len(days) or len(set(places)) < len(places):
        places = [float(index) for index in range(len(sums))]
    chart = SvgChart(660, 270, 0.0, 1.25 * max(known), texts("plot_sum"), right=48)
    ticks = ticks_between(0.0, chart.high)
    chart.value_axis(ticks, [f"{tick:g}" for tick in ticks], texts("plot_sum_axis"))
    span = places[-1] or 1.0
    xs = [chart.left + 14 + place / span * (chart.right - chart.left - 28) for place in places]
    fall, rise = load_resource("report/response_plots.json")["limits_percent"]
    for percent, total in ((fall, sums[0] or 0.0), (rise, min(known))):
        if total > 0:
            chart.limit(total * (1 + percent / 100), percent_change(percent), outside=True)
    for index, (x, value) in enumerate(zip(xs, sums)):
        before = sums[index - 1] if index else None
        if before is not None and value is not None:
            chart.line([(xs[index - 1], chart.y(before)), (x, chart.y(value))], INK, 1.6, kind="course")
    used = -1e9
    for visit, x, value, one in zip(timeline.visits, xs, sums, response.assessments):
        if value is not None:
            label = f"{rounded(value, 1)} mm"
            chart.dot(x, chart.y(value), "#0b4f8a", f"{texts.said(visit.label)} {label}")
            chart.words(x, chart.y(value) - 9, "" if one.category == BASELINE else texts.said(one.category), "middle")
        chart.line([(x, chart.bottom), (x, chart.bottom + 4)])
        if x - used >= 76:
            used = x
            chart.words(x, chart.bottom + 17, texts.said(visit.label), "middle")
            if visit.info.acquired is not None:
                chart.words(x, chart.bottom + 31, f"{visit.info.acquired:%Y-%m-%d}", "middle", QUIET)
    return chart.text()


def change_from_baseline(one: ResponseAssessment) -> float | None:
    """Return the change against the baseline in percent that the criteria state, None when they state none."""
    names = load_resource("report/response_plots.json")["change_figures"]
    return next((one.figures[name] for name in names if name in one.figures), None)


def _is_whole(one: ResponseAssessment) -> bool:
    """Whether every target was measured: only then do the criteria state a change, but at the baseline."""
    return one.visit == 0 or "change_from_nadir_mm" in one.figures


def _line(visit: str, one: ResponseAssessment, size: str) -> ResponseLine:
    value, change = one.figures.get(size), change_from_baseline(one)
    # Of a sum some of whose targets were not measured the criteria state no change; an uptake is never in part.
    part = size == "sum_mm2" and one.visit > 0 and change is None
    part = part or (size == _SUM and not _is_whole(one))
    return ResponseLine(
        visit=visit.capitalize(),
        size="" if value is None else f"{_AT_LEAST if part else ''}{rounded(value, 1)}",
        from_baseline=percent_change(change),
        from_nadir=percent_change(one.figures.get(_FROM_NADIR)),
        category=one.category,
        row="" if one.category == BASELINE else one.row,
        reason=one.reason,
        next_step=one.next_step,
        missing=one.missing,
    )
