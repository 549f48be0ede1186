"""What a report says of each visit's image: when, how, and what to mind. Never who."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.records.timeline import Timeline, Visit
from AIImagingLogic.report.visit_interval import days_from_first

_SHORT_HASH = 12


@dataclass(frozen=True)
class VisitFacts:
    """One visit in words; empty where not known."""

    label: str
    date: str
    since_first: str
    modality: str
    kernel: str
    slice_thickness: str
    spacing: str
    size: str
    findings: int
    content_hash: str
    notes: tuple[str, ...]


def visit_facts(timeline: Timeline) -> tuple[VisitFacts, ...]:
    """Return the facts of every visit, in order of time."""
    return tuple(_facts(visit, days) for visit, days in zip(timeline.visits, days_from_first(timeline), strict=True))


def _facts(visit: Visit, days: float | None) -> VisitFacts:
    info = visit.info
    return VisitFacts(
        label=visit.label.capitalize(),
        date="" if info.acquired is None else f"{info.acquired:%Y-%m-%d}",
        since_first=f"{days:.0f} days after the baseline" if days else "",
        modality=info.modality,
        kernel=info.kernel,
        slice_thickness="" if info.slice_thickness_mm is None else f"{info.slice_thickness_mm:.2f} mm",
        spacing=" × ".join(f"{step:.2f}" for step in info.spacing_mm) + " mm",
        size=" × ".join(str(count) for count in info.size),
        findings=len(visit.findings),
        content_hash=info.content_hash[:_SHORT_HASH],
        notes=info.notes,
    )
