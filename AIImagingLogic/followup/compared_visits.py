"""A timeline as seen between two of its visits: what changed from the one to the other."""

from __future__ import annotations

import dataclasses

from AIImagingLogic.followup.changes import changes_between
from AIImagingLogic.records.timeline import Lesion, LinkStatus, Timeline


def between_visits(timeline: Timeline, earlier: int, later: int) -> Timeline:
    """Return the timeline with status, reason, changes and growth of each lesion between two visits.

    Parameters
    ----------
    earlier, later : indices of visits; of the first and the last the timeline itself is returned

    Raises
    ------
    ValueError
        They are not two visits in order of time.
    """
    last = len(timeline.visits) - 1
    if not 0 <= earlier < later <= last:
        raise ValueError(f"{earlier} and {later} are not two visits of {last + 1} in order of time.")
    if (earlier, later) == (0, last):
        return timeline
    lesions = tuple(_between(timeline, lesion, earlier, later) for lesion in timeline.lesions)
    return dataclasses.replace(timeline, lesions=lesions)


def _between(timeline: Timeline, lesion: Lesion, earlier: int, later: int) -> Lesion:
    visits = timeline.visits[earlier], timeline.visits[later]
    first, second = (
        visit.finding(lesion.observations[index]) for visit, index in zip(visits, (earlier, later), strict=True)
    )
    step = lesion.steps[later] if lesion.steps else None
    status = LinkStatus.NOT_SEEN if step is None or step.status is None else step.status
    reason = lesion.reason if step is None else step.reason
    known = dataclasses.replace(lesion, status=status, reason=reason, match_distance_mm=None, changes=(), growth=None)
    if first is None or second is None:
        return known
    dates = [visit.info.acquired for visit in visits]
    days = None if dates[0] is None or dates[1] is None else (dates[1] - dates[0]).total_seconds() / 86400
    changes, growth = changes_between(first, second, days)
    return dataclasses.replace(known, changes=changes, growth=growth)
