"""The rows of the change table: one lesion at both visits, in the words that a report or a terminal shows."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.measurement import measurement_entry
from AIImagingLogic.records.timeline import Change, Lesion, LinkStatus, Timeline
from AIImagingLogic.report.number_format import (
    doubling_interval,
    doubling_time,
    measured_interval,
    percent_change,
    percent_interval,
    quantity,
    rounded,
    signed,
    unit_label,
)

_LONGEST_GRADE = 6


@dataclass(frozen=True)
class LesionAtVisit:
    """What is shown of a lesion at one visit; every text is empty where it is not known or the lesion was not seen.

    Attributes
    ----------
    axes : long x short axis
    solid_part : mean diameter of the solid part of a part-solid lesion
    absent : why there is nothing to show; empty where the lesion was seen
    """

    mean_diameter: str = ""
    axes: str = ""
    solid_part: str = ""
    volume: str = ""
    volume_interval: str = ""
    density: str = ""
    absent: str = ""


@dataclass(frozen=True)
class LesionRow:
    """One row of the change table; `categories` are the lesion's categories by the name of the guideline."""

    number: int
    colour: str
    kind: str
    place: str
    visits: tuple[LesionAtVisit, ...]
    volume_change: str
    volume_change_interval: str
    within_error: bool
    diameter_change: str
    solid_change: str
    doubling: str
    doubling_interval: str
    status: str
    growth: str
    reason: str
    growth_reason: str
    categories: dict[str, str]


def lesion_rows(timeline: Timeline) -> tuple[LesionRow, ...]:
    """Return the rows of a timeline, in the order of its lesions."""
    return tuple(_row(lesion, timeline) for lesion in timeline.lesions)


def graded_rules(timeline: Timeline) -> tuple[str, ...]:
    """Return the names of the guidelines that give each lesion a short grade, which fits a column of its own."""
    return tuple(
        assessment.rules
        for assessment in timeline.assessments
        if assessment.by_lesion and max(map(len, assessment.by_lesion.values())) <= _LONGEST_GRADE
    )


def place_of(finding: Finding) -> str:
    """Return where a lung finding lies, such as ``Right lung, upper third, at the pleura``; empty when not known."""
    words = finding.descriptors
    parts = []
    if words.get("side"):
        parts.append(f"{words['side']} lung")
    if words.get("third"):
        parts.append(f"{words['third']} third")
    contact = words.get("contact", "none")
    if contact != "none":
        parts.append(f"at the {contact}")
    text = ", ".join(parts)
    return text[:1].upper() + text[1:]


def kind_of(lesion: Lesion, timeline: Timeline) -> str:
    """Return the lesion's attenuation; both, when it differs between the visits."""
    seen = [
        finding.descriptors.get("attenuation", "")
        for visit, uid in zip(timeline.visits, lesion.observations, strict=True)
        if (finding := visit.finding(uid)) is not None
    ]
    return " → ".join(dict.fromkeys(word for word in seen if word))


def _row(lesion: Lesion, timeline: Timeline) -> LesionRow:
    findings = [visit.finding(uid) for visit, uid in zip(timeline.visits, lesion.observations, strict=True)]
    last = next((finding for finding in reversed(findings) if finding is not None), None)
    volume, diameter = lesion.change("volume"), lesion.change("mean_diameter")
    solid = lesion.change("solid_mean_diameter")
    growth = lesion.growth
    return LesionRow(
        number=lesion.number,
        colour="#{:02x}{:02x}{:02x}".format(*lesion.colour),
        kind=kind_of(lesion, timeline),
        place="" if last is None else place_of(last),
        visits=tuple(_at_visit(finding, lesion, index) for index, finding in enumerate(findings)),
        volume_change=""
        if volume is None
        else f"{_absolute(volume)} ({percent_change(volume.percent)})".replace(" ()", ""),
        volume_change_interval="" if volume is None else percent_interval(volume.interval_95_percent),
        within_error=volume is not None and volume.beyond_error is False,
        diameter_change="" if diameter is None else _absolute(diameter),
        solid_change="" if solid is None else _absolute(solid),
        doubling="" if growth is None else doubling_time(growth.doubling_time_days),
        doubling_interval="" if growth is None else doubling_interval(growth.doubling_time_interval_95),
        status=lesion.status.value,
        growth="" if growth is None else growth.label,
        reason=lesion.reason,
        growth_reason="" if growth is None else growth.reason,
        categories={
            assessment.rules: assessment.by_lesion.get(str(lesion.number), "")
            for assessment in timeline.assessments
            if assessment.by_lesion
        },
    )


def _at_visit(finding: Finding | None, lesion: Lesion, index: int) -> LesionAtVisit:
    if finding is None:
        return LesionAtVisit(absent=_absent(lesion, index))
    long, short = finding.value("long_axis"), finding.value("short_axis")
    volume = finding.measurement("volume")
    return LesionAtVisit(
        mean_diameter=_quantity(finding, "mean_diameter"),
        axes="" if long is None or short is None else f"{rounded(long, 1)} × {rounded(short, 1)} mm",
        solid_part=_quantity(finding, "solid_mean_diameter"),
        volume=_quantity(finding, "volume"),
        volume_interval=measured_interval(volume),
        density=_quantity(finding, "mean_density"),
    )


def _quantity(finding: Finding, name: str) -> str:
    made = finding.measurement(name)
    return "" if made is None else quantity(name, made.value, made.unit)


def _absent(lesion: Lesion, index: int) -> str:
    if lesion.steps:
        if not lesion.steps[index].evaluable:
            return "not evaluable"
    elif lesion.status is LinkStatus.NOT_EVALUABLE:
        return "not evaluable"
    expected = lesion.expected_mm[index]
    if expected is None:
        return "not seen"
    return "not seen where expected"


def _absolute(change: Change) -> str:
    """Return the difference of the two values as they are shown, so that a reader who subtracts them finds the same."""
    digits = measurement_entry(change.name)["digits"]
    difference = round(change.after, digits) - round(change.before, digits)
    return f"{signed(difference, digits)} {unit_label(change.unit)}".strip()


def _absolute_and_percent(change: Change) -> str:
    return _absolute(change) if change.percent is None else f"{_absolute(change)} ({percent_change(change.percent)})"
