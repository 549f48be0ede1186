"""The cells of lesions x visits for a report: coded attributes that a machine reads, and what became of the lesion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.timeline import Lesion, LinkStatus, Timeline
from AIImagingLogic.report.number_format import rounded, unit_slug

# So many visits stand side by side on a page of A4.
_VISITS_A_TABLE = 5


@dataclass(frozen=True)
class VisitCell:
    """One lesion at one visit.

    Attributes
    ----------
    attributes : HTML attributes ``data-...``: visit from 0, UID, type, and every measurement with its unit in the name
    mark : what became of the lesion at the visit, empty where it was simply seen again
    look : whether a person should look at the link
    """

    attributes: Mapping[str, str] = field(default_factory=dict)
    mark: str = ""
    look: bool = False


@dataclass(frozen=True)
class StepWords:
    """What became of a lesion at one visit, for a list of all visits."""

    visit: str
    status: str
    reason: str
    confidence: str
    by_hand: bool
    look: bool


@dataclass(frozen=True)
class LesionSteps:
    """The steps of a lesion: those to tell one by one, and how many plain links there are beside them.

    `lowest` is the lowest confidence of the plain links, empty where none is known.
    """

    told: tuple[StepWords, ...]
    plain: int
    lowest: str


def visit_cells(timeline: Timeline) -> dict[int, tuple[VisitCell, ...]]:
    """Return the cells of each lesion, by its number, one a visit."""
    count = len(timeline.visits)
    return {lesion.number: tuple(_cell(timeline, lesion, at) for at in range(count)) for lesion in timeline.lesions}


def visit_blocks(count: int) -> tuple[range, ...]:
    """Return the visits of each table, so that a table fits a page."""
    tables = -(-count // _VISITS_A_TABLE)
    width = -(-count // tables)
    return tuple(range(start, min(start + width, count)) for start in range(0, count, width))


def shown_visits(timeline: Timeline) -> dict[int, tuple[int, ...]]:
    """Return the visits that the table of changes shows of each lesion: all of two, else the first and last seen."""
    count = len(timeline.visits)
    if count <= 2:
        return {lesion.number: tuple(range(count)) for lesion in timeline.lesions}
    shown: dict[int, tuple[int, ...]] = {}
    for lesion in timeline.lesions:
        seen = [index for index, uid in enumerate(lesion.observations) if uid is not None] or [0]
        shown[lesion.number] = (seen[0], seen[-1])
    return shown


def step_words(timeline: Timeline) -> dict[int, LesionSteps]:
    """Return what became of each lesion, by its number: plain links are counted, all else is told."""
    return {lesion.number: _steps(timeline, lesion) for lesion in timeline.lesions}


def attribute_name(name: str, unit: str) -> str:
    """Return the attribute of a measurement: ``volume`` in mm3 as ``data-volume-mm3``."""
    return f"data-{name}-{unit_slug(unit)}".rstrip("-").replace("_", "-").lower()


def lesion_attributes(timeline: Timeline) -> dict[int, dict[str, str]]:
    """Return the HTML attributes of each lesion, by its number: number, tracking UID, status, type, site."""
    return {lesion.number: _of_lesion(timeline, lesion) for lesion in timeline.lesions}


def _cell(timeline: Timeline, lesion: Lesion, index: int) -> VisitCell:
    finding = timeline.visits[index].finding(lesion.observations[index])
    step = lesion.steps[index] if lesion.steps else None
    mark = ""
    if step is not None and step.status not in (None, LinkStatus.MATCHED):
        mark = step.status.value if step.status else ""
    elif finding is None:
        mark = "not seen" if step is None or step.evaluable else "not evaluable"
    attributes = {"data-visit": str(index)} | ({} if finding is None else _of_finding(finding))
    return VisitCell(attributes, mark, step is not None and step.ambiguous and not step.by_hand)


def _of_finding(finding: Finding) -> dict[str, str]:
    attributes = {"data-finding-uid": finding.uid, "data-type": finding.concept.key}
    for entry in finding.measurements:
        name = attribute_name(entry.name, entry.unit)
        attributes[name] = f"{entry.value:.7g}"
        if entry.interval_95 is not None:
            low, high = entry.interval_95
            attributes |= {f"{name}-low95": f"{low:.7g}", f"{name}-high95": f"{high:.7g}"}
    return attributes


def _of_lesion(timeline: Timeline, lesion: Lesion) -> dict[str, str]:
    last = _last_seen(timeline, lesion)
    attributes = {"data-lesion": str(lesion.number), "data-status": lesion.status.value}
    if lesion.uid:
        attributes["data-tracking-uid"] = lesion.uid
    if last is not None:
        attributes["data-type"] = last.concept.key
        if side := last.descriptors.get("side"):
            attributes["data-laterality"] = side
    return attributes


def _last_seen(timeline: Timeline, lesion: Lesion) -> Finding | None:
    pairs: Sequence[tuple[int, str | None]] = list(enumerate(lesion.observations))
    found = (timeline.visits[index].finding(uid) for index, uid in reversed(pairs))
    return next((finding for finding in found if finding is not None), None)


def _steps(timeline: Timeline, lesion: Lesion) -> LesionSteps:
    told, plain = [], []
    for visit, step in zip(timeline.visits, lesion.steps):
        look = step.ambiguous and not step.by_hand
        if step.status is LinkStatus.MATCHED and not look and not step.by_hand:
            plain.append(step.confidence)
        elif step.status is not None:
            confidence = "" if step.confidence is None else rounded(step.confidence, 2)
            told.append(StepWords(visit.label, step.status.value, step.reason, confidence, step.by_hand, look))
    known = [confidence for confidence in plain if confidence is not None]
    return LesionSteps(tuple(told), len(plain), rounded(min(known), 2) if known else "")
