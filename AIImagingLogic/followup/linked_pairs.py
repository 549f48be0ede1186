"""The findings of two visits that are one lesion: matched pairs, parts of split ones, parts of merged ones."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.followup.assignment import assign
from AIImagingLogic.followup.link import Link
from AIImagingLogic.followup.pair_link import pair_link
from AIImagingLogic.followup.registered_findings import RegisteredFindings, matching_rules
from AIImagingLogic.followup.split_and_merged import merged_links, split_links
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.timeline import Visit


@dataclass(frozen=True)
class LinkedPairs:
    """Links between two visits, and how sure it is that the rest stands alone (index to confidence)."""

    links: tuple[Link, ...]
    alone_earlier: Mapping[int, float]
    alone_later: Mapping[int, float]


def kept_findings(visit: Visit) -> tuple[Finding, ...]:
    """Return the findings of a visit that no reader rejected."""
    return tuple(finding for finding in visit.findings if finding.review is not ReviewStatus.REJECTED)


def linked_pairs(
    places: RegisteredFindings, extra_cost: NDArray[np.float64] | float = 0.0, with_parts: bool = True
) -> LinkedPairs:
    """Return the links that cost least in all.

    Parameters
    ----------
    places : the findings of both visits
    extra_cost : added to each pair's cost, one figure or (earlier, later)
    with_parts : look for lesions that fell into parts or grew into one
    """
    cost = places.pair_cost() + extra_cost
    rules = matching_rules()
    made = assign(cost, rules["unlinked_cost"])
    pairs = list(made.pairs)
    divided: dict[tuple[int, int], list[Link]] = {}
    if with_parts:
        divided = split_links(places, pairs)
        divided |= merged_links(places, [pair for pair in pairs if pair not in divided])
    links = []
    for (i, j), confidence in made.pairs.items():
        if (i, j) in divided:
            # The parts are no rivals of each other: what counts is that they belong to the whole at all.
            together = 1 / (1 + math.exp(cost[i, j] - 2 * rules["unlinked_cost"]))
            links += [dataclasses.replace(link, confidence=together) for link in divided[i, j]]
        else:
            link = dataclasses.replace(pair_link(places, i, j), confidence=confidence)
            links.append(dataclasses.replace(link, rival=_rival(places, cost, i, j)))
    return LinkedPairs(tuple(links), made.alone_rows, made.alone_columns)


def used_by(links: Iterable[Link]) -> tuple[set[str], set[str]]:
    """Return the uids of the earlier and of the later findings that stand in links."""
    listed = list(links)
    return {link.earlier_uid for link in listed if link.earlier_uid}, {
        link.later_uid for link in listed if link.later_uid
    }


def _rival(places: RegisteredFindings, cost: NDArray[np.float64], i: int, j: int) -> str | None:
    """Return the uid of the next best partner of either, the later one's first; None when neither has another."""
    row, column = cost[i].copy(), cost[:, j].copy()
    row[j] = column[i] = np.inf
    best_later, best_earlier = row.min(initial=np.inf), column.min(initial=np.inf)
    if not np.isfinite(min(best_later, best_earlier)):
        return None
    if best_later <= best_earlier:
        return places.later[int(row.argmin())].uid
    return places.earlier[int(column.argmin())].uid
