"""Findings of many visits chained into lesions: neighbours first, then across visits at which one was missed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from AIImagingLogic.followup.assignment import assign
from AIImagingLogic.followup.link import Link
from AIImagingLogic.followup.linked_pairs import kept_findings, linked_pairs
from AIImagingLogic.followup.pair_link import pair_link
from AIImagingLogic.followup.registered_findings import matching_rules
from AIImagingLogic.followup.track import Sighting, Track
from AIImagingLogic.followup.visit_spaces import VisitSpaces
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.timeline import Visit


def proposed_tracks(visits: Sequence[Visit], spaces: VisitSpaces) -> tuple[Track, ...]:
    """Return the lesions that the findings of the visits make.

    First the findings of each two neighbours are linked (see `link_findings`). Then the ends of the chains are linked
    with the starts of later ones through composed registrations, all at once: a lesion that was missed at a visit, or
    whose place that visit did not show, and that is seen again is one lesion.

    Parameters
    ----------
    visits : in order of time
    spaces : of the visits; across a missing registration nothing is linked

    Returns
    -------
    tuple of Track
        Every finding that no reader rejected stands in exactly one.

    References
    ----------
    Jaqaman K et al. Robust single-particle tracking in live-cell time-lapse sequences. Nature Methods 2008 (linking
    of neighbours, then closing of gaps, each as one assignment).
    """
    chains = _Chains(visits)
    for visit in range(len(visits) - 1):
        if spaces.connected(visit, visit + 1):
            chains.link_neighbours(visit, spaces)
    chains.close_gaps(spaces)
    return chains.tracks()


class _Chains:
    """Links as they are made, by the sightings that they join."""

    def __init__(self, visits: Sequence[Visit]) -> None:
        self._findings = [{entry.uid: entry for entry in kept_findings(visit)} for visit in visits]
        self._next: dict[Sighting, tuple[Sighting, Link]] = {}
        self._has_before: set[Sighting] = set()
        self._split_from: dict[Sighting, tuple[Sighting, str]] = {}
        self._merged_into: dict[Sighting, tuple[Sighting, str]] = {}
        self._start: dict[Sighting, float] = {}
        self._end: dict[Sighting, float] = {}

    def link_neighbours(self, visit: int, spaces: VisitSpaces) -> None:
        earlier, later = (tuple(self._findings[index].values()) for index in (visit, visit + 1))
        pairs = linked_pairs(spaces.findings(visit, visit + 1, earlier, later))
        self._end.update({Sighting(visit, earlier[i].uid): value for i, value in pairs.alone_earlier.items()})
        self._start.update({Sighting(visit + 1, later[j].uid): value for j, value in pairs.alone_later.items()})
        for link in pairs.links:
            if link.earlier_uid is None:
                whole = Sighting(visit, str(link.whole_uid))
                self._split_from[Sighting(visit + 1, str(link.later_uid))] = (whole, link.reason)
            elif link.later_uid is None:
                whole = Sighting(visit + 1, str(link.whole_uid))
                self._merged_into[Sighting(visit, link.earlier_uid)] = (whole, link.reason)
            else:
                self._join(Sighting(visit, link.earlier_uid), Sighting(visit + 1, link.later_uid), link)

    def close_gaps(self, spaces: VisitSpaces) -> None:
        last = len(self._findings) - 1
        ends = [entry for entry in self._sightings() if entry.visit < last - 1 and self._is_end(entry)]
        starts = [entry for entry in self._sightings() if entry.visit > 1 and self._is_start(entry)]
        cost = np.full((len(ends), len(starts)), np.inf)
        links: dict[tuple[int, int], Link] = {}
        for a in sorted({entry.visit for entry in ends}):
            for b in sorted({entry.visit for entry in starts}):
                if b - a < 2 or not spaces.connected(a, b):
                    continue
                rows = [index for index, entry in enumerate(ends) if entry.visit == a]
                columns = [index for index, entry in enumerate(starts) if entry.visit == b]
                places = spaces.findings(a, b, self._of(ends, rows), self._of(starts, columns))
                penalty = _gap_cost(a, b, spaces)
                cost[np.ix_(rows, columns)] = places.pair_cost() + penalty
                for i, j in np.argwhere(cost[np.ix_(rows, columns)] < 2 * matching_rules()["unlinked_cost"]):
                    links[rows[i], columns[j]] = pair_link(places, int(i), int(j))
        for (row, column), confidence in assign(cost, matching_rules()["unlinked_cost"]).pairs.items():
            link = dataclasses.replace(links[row, column], confidence=confidence)
            self._join(ends[row], starts[column], link)

    def tracks(self) -> tuple[Track, ...]:
        return tuple(self._track(entry) for entry in self._sightings() if entry not in self._has_before)

    def _track(self, first: Sighting) -> Track:
        sightings, links = [first], []
        while sightings[-1] in self._next:
            later, link = self._next[sightings[-1]]
            sightings.append(later)
            links.append(link)
        split_from, split_reason = self._split_from.get(first, (None, ""))
        merged_into, merge_reason = self._merged_into.get(sightings[-1], (None, ""))
        return Track(
            tuple(sightings),
            tuple(links),
            split_from,
            split_reason,
            merged_into,
            merge_reason,
            self._start.get(first),
            self._end.get(sightings[-1]),
        )

    def _sightings(self) -> list[Sighting]:
        return [Sighting(visit, uid) for visit, findings in enumerate(self._findings) for uid in findings]

    def _is_end(self, entry: Sighting) -> bool:
        return entry not in self._next and entry not in self._merged_into

    def _is_start(self, entry: Sighting) -> bool:
        return entry not in self._has_before and entry not in self._split_from

    def _of(self, sightings: Sequence[Sighting], indices: Sequence[int]) -> tuple[Finding, ...]:
        return tuple(self._findings[sightings[index].visit][sightings[index].uid] for index in indices)

    def _join(self, earlier: Sighting, later: Sighting, link: Link) -> None:
        self._next[earlier] = (later, link)
        self._has_before.add(later)


def _gap_cost(start: int, end: int, spaces: VisitSpaces) -> float:
    """Return what it costs that visits between did not show a lesion.

    The likelihood of a place falls with the cube of the error of the registrations on the way: the further apart the
    visits, the more findings are as near by chance.
    """
    rules = matching_rules()
    one_step = max(spaces.error_mm(visit, visit + 1) for visit in range(start, end))
    looser = 3 * math.log(spaces.error_mm(start, end) / one_step)
    return float((end - start - 1) * rules["unseen_visit_cost"] + rules["gap_spread_weight"] * looser)
