"""Second look: a lesion seen at one visit is looked for again at its place at the other, as a reader would.

A detector's operating point balances misses against false positives on an image seen alone. Knowing that a lesion lies
there at the other visit, a candidate that was too doubtful alone is enough; without this, every miss at one visit would
be called a new or a resolved lesion.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.followup.link import Link
from AIImagingLogic.models.protocols import Candidate
from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.timeline import LinkStatus, Visit
from AIImagingLogic.tasks.detect import outline_and_measure

_SEARCH_MM = 4.0
_LARGEST_VOLUME_RATIO = 4.0


@dataclass(frozen=True)
class Wanted:
    """A lesion seen at the other visit only, and where it would lie at this one (LPS mm)."""

    seen: Finding
    expected_mm: Vector


def wanted_later(links: Sequence[Link], earlier: Visit) -> tuple[Wanted, ...]:
    """Return the lesions of `earlier` that were not found at the later visit though its image shows their place."""
    return tuple(
        Wanted(finding, link.expected_later_mm)
        for link in links
        if link.status is LinkStatus.RESOLVED
        and link.expected_later_mm is not None
        and (finding := earlier.finding(link.earlier_uid)) is not None
    )


def wanted_earlier(links: Sequence[Link], later: Visit) -> tuple[Wanted, ...]:
    """Return the lesions of `later` that were not found at the earlier visit though its image shows their place."""
    return tuple(
        Wanted(finding, link.expected_earlier_mm)
        for link in links
        if link.status is LinkStatus.NEW
        and link.expected_earlier_mm is not None
        and (finding := later.finding(link.later_uid)) is not None
    )


def look_again(
    image: sitk.Image,
    visit: Visit,
    doubtful: Sequence[Candidate],
    wanted: Sequence[Wanted],
    progress: Progress,
) -> Visit:
    """Return `visit` with the doubtful candidates that are a wanted lesion added to its findings.

    A candidate is taken for a wanted lesion when it lies within 4 mm, or half the lesion's diameter if that is more, of
    the expected place, and its outline is between a quarter and four times the lesion's volume.
    """
    if visit.organs is None:
        return visit
    findings = list(visit.findings)
    for index, lesion in enumerate(wanted):
        progress.report(index / len(wanted), f"Second look, {visit.label}")
        reach = max(_SEARCH_MM, (lesion.seen.value("mean_diameter") or 0.0) / 2)
        near = sorted(
            (candidate for candidate in doubtful if _distance(candidate, lesion) <= reach),
            key=lambda candidate: _distance(candidate, lesion),
        )
        proposals = outline_and_measure(image, visit.info, visit.organs, near, progress, findings)
        alike = [proposal for proposal in proposals if _could_be(proposal, lesion.seen)]
        if alike:
            findings.append(alike[0])
    return dataclasses.replace(visit, findings=tuple(findings))


def _distance(candidate: Candidate, lesion: Wanted) -> float:
    return float(np.linalg.norm(np.subtract(candidate.position_mm, lesion.expected_mm)))


def _could_be(proposal: Finding, seen: Finding) -> bool:
    volume, known = proposal.value("volume"), seen.value("volume")
    if not volume or not known:
        return False
    return abs(math.log(volume / known)) <= math.log(_LARGEST_VOLUME_RATIO)
