"""How far apart the visits of a timeline are."""

from __future__ import annotations

from AIImagingLogic.records.timeline import Timeline

_SECONDS_A_DAY = 86400.0


def interval_days(timeline: Timeline) -> int | None:
    """Return the days from the first visit to the last, None when either is undated or there is one visit only."""
    days = days_from_first(timeline)[-1]
    return None if days is None or len(timeline.visits) == 1 else round(days)


def days_from_first(timeline: Timeline) -> tuple[float | None, ...]:
    """Return the days from the first visit to each visit, None where either is undated."""
    first = timeline.visits[0].info.acquired
    return tuple(
        None
        if first is None or visit.info.acquired is None
        else (visit.info.acquired - first).total_seconds() / _SECONDS_A_DAY
        for visit in timeline.visits
    )
