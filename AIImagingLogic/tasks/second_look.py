"""Second look: a lesion seen at one visit is looked for again at its place at the other, as a reader would.

A detector's operating point balances misses against false positives on an image seen alone. Knowing that a lesion lies
there at the other visit, a candidate that was too doubtful alone is enough, and so is no candidate at all where the
outline made at the place is plainly the same thing. Without this, every miss at one visit would be called a new or a
resolved lesion.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.followup.link import Link
from AIImagingLogic.models.protocols import Candidate
from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.timeline import LinkStatus, Visit
from AIImagingLogic.tasks.detect import outline_and_measure
from AIImagingLogic.tasks.same_lesion import looks_the_same

NOT_PROPOSED = 0.0
"""Score of a finding at a place where the detector proposed nothing."""


@dataclass(frozen=True)
class Wanted:
    """A lesion seen at the other visit only, and where it would lie at this one (LPS mm)."""

    seen: Finding
    expected_mm: Vector


@dataclass(frozen=True)
class SecondLook:
    """A visit after the second look, and what to say of it: a sentence by the uid of the finding it is about."""

    visit: Visit
    said: Mapping[str, str]


def wanted_lesions(links: Sequence[Link], seen_at: Visit) -> tuple[Wanted, ...]:
    """Return the lesions of `seen_at` that were not found at the other visit though its image shows their place."""
    wanted = []
    for link in links:
        is_new = link.status is LinkStatus.NEW
        if not is_new and link.status is not LinkStatus.RESOLVED:
            continue
        finding = seen_at.finding(link.later_uid if is_new else link.earlier_uid)
        expected_mm = link.expected_earlier_mm if is_new else link.expected_later_mm
        if finding is not None and expected_mm is not None:
            wanted.append(Wanted(finding, expected_mm))
    return tuple(wanted)


def look_again(
    image: sitk.Image,
    visit: Visit,
    doubtful: Sequence[Candidate],
    wanted: Sequence[Wanted],
    progress: Progress,
) -> SecondLook:
    """Return `visit` with the wanted lesions that a second look found added to its findings.

    A doubtful candidate is taken for a wanted lesion when it lies within 4 mm, or half the lesion's diameter if that is
    more, of the expected place, and its outline is between a quarter and four times the lesion's volume. Where there
    is none, the expected place itself is outlined, and what is found is taken when it also `looks_the_same`.

    Parameters
    ----------
    image : of `visit`, HU
    doubtful : candidates of `visit` that were too doubtful to be findings
    wanted : lesions seen at the other visit only
    """
    if visit.organs is None:
        return SecondLook(visit, {})
    findings = list(visit.findings)
    said: dict[str, str] = {}
    for index, lesion in enumerate(wanted):
        progress.report(index / len(wanted), f"Second look, {visit.label}")
        reach = _reach_mm(lesion)
        near = sorted(
            (candidate for candidate in doubtful if _distance(candidate.position_mm, lesion) <= reach),
            key=lambda candidate: _distance(candidate.position_mm, lesion),
        )
        proposals = outline_and_measure(image, visit.info, visit.organs, near, progress, findings)
        alike = [proposal for proposal in proposals if _could_be(proposal, lesion.seen)]
        how = "a doubtful candidate there was taken for it"
        if not alike:
            place = Candidate(lesion.expected_mm, lesion.seen.value("mean_diameter") or 2.0 * reach, NOT_PROPOSED)
            proposals = outline_and_measure(image, visit.info, visit.organs, [place], progress, findings)
            alike = [
                proposal
                for proposal in proposals
                if _distance(proposal.box.center_mm, lesion) <= reach and looks_the_same(proposal, lesion.seen)
            ]
            how = "what is outlined there is alike in size, density and shape"
        if alike:
            findings.append(alike[0])
            said[alike[0].uid] = f"At the {visit.label} it was looked for at this place: {how}."
        else:
            said[lesion.seen.uid] = f"At the {visit.label} it was looked for at its place once more, without success."
    return SecondLook(dataclasses.replace(visit, findings=tuple(findings)), said)


def _reach_mm(lesion: Wanted) -> float:
    least: float = load_resource("rules/second_look.json")["search_mm"]
    return max(least, (lesion.seen.value("mean_diameter") or 0.0) / 2)


def _distance(position_mm: Vector, lesion: Wanted) -> float:
    return float(np.linalg.norm(np.subtract(position_mm, lesion.expected_mm)))


def _could_be(proposal: Finding, seen: Finding) -> bool:
    volume, known = proposal.value("volume"), seen.value("volume")
    if not volume or not known:
        return False
    largest: float = load_resource("rules/second_look.json")["candidate_volume_ratio"]
    return abs(math.log(volume / known)) <= math.log(largest)
