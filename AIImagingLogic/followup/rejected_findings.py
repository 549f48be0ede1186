"""Findings that a person said are no lesions: marked in their visits, and given back when that is undone."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from AIImagingLogic.followup.finding_reference import referred
from AIImagingLogic.followup.track import Sighting
from AIImagingLogic.records.correction import Correction, CorrectionKind
from AIImagingLogic.records.finding import ReviewStatus
from AIImagingLogic.records.timeline import Visit


def with_rejections(
    visits: tuple[Visit, ...], corrections: Sequence[Correction]
) -> tuple[tuple[Visit, ...], list[str]]:
    """Return the visits with the findings rejected that corrections name, and what is to be told of it."""
    reviews: dict[Sighting, ReviewStatus] = {}
    notes = []
    for correction in corrections:
        for reference in correction.findings if correction.kind is CorrectionKind.NOT_A_LESION else ():
            sighting = referred(visits, reference)
            if sighting is None:
                continue
            reviews[sighting] = ReviewStatus.REJECTED
            if sighting.uid != reference.uid:
                finding, label = visits[sighting.visit].finding(sighting.uid), visits[sighting.visit].label
                name = sighting.uid if finding is None else finding.name
                notes.append(
                    f"'{name}' of the {label} lies where a finding was marked as not a lesion: it is left out."
                )
    return _reviewed(visits, reviews), notes


def without_rejections(visits: tuple[Visit, ...], corrections: Sequence[Correction]) -> tuple[Visit, ...]:
    """Return the visits with the findings that corrections rejected as they were reviewed before."""
    reviews: dict[Sighting, ReviewStatus] = {}
    for correction in reversed(corrections):
        for reference in correction.findings if correction.kind is CorrectionKind.NOT_A_LESION else ():
            sighting = referred(visits, reference)
            if sighting is not None:
                reviews[sighting] = reference.review
    return _reviewed(visits, reviews)


def rejected_note(visits: Sequence[Visit]) -> tuple[str, ...]:
    """Return how many findings readers rejected, in a sentence; nothing when they rejected none."""
    count = sum(finding.review is ReviewStatus.REJECTED for visit in visits for finding in visit.findings)
    return (f"{count} finding(s) that a reader rejected are left out.",) if count else ()


def _reviewed(visits: tuple[Visit, ...], reviews: dict[Sighting, ReviewStatus]) -> tuple[Visit, ...]:
    if not reviews:
        return visits
    return tuple(
        dataclasses.replace(
            visit,
            findings=tuple(
                dataclasses.replace(finding, review=reviews.get(Sighting(index, finding.uid), finding.review))
                for finding in visit.findings
            ),
        )
        for index, visit in enumerate(visits)
    )
