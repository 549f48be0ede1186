"""A follow-up of a phantom pair against its truth: hits, links, volumes, category."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from AIImagingLogic.evaluation.detection import Mark, ScanMatch, Target, match_marks
from AIImagingLogic.followup.lung_rads import assess_lung_rads
from AIImagingLogic.followup.nodule_facts import NEW, NoduleFacts, compared
from AIImagingLogic.images.phantoms.truth import LesionAtVisit, LesionTruth
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.timeline import Assessment, Lesion, LinkStatus, Timeline

COUNTS_FROM_MM = 4.0


@dataclass(frozen=True)
class LesionScore:
    """What became of one true lesion in the pipeline.

    Attributes
    ----------
    found : at each visit; None where it does not exist or is smaller than what counts
    volume_errors : relative error of the volume wherever it was found
    link_right : None when it was missed somewhere, or is too small to count at one of the visits
    """

    truth: LesionTruth
    found: tuple[bool | None, bool | None]
    volume_errors: tuple[float, ...]
    link_right: bool | None


@dataclass(frozen=True)
class PairScore:
    """One pair: matches at both visits, lesions, and what Lung-RADS says of the findings and of the truth."""

    matches: tuple[ScanMatch, ScanMatch]
    lesions: tuple[LesionScore, ...]
    assessment: Assessment
    true_assessment: Assessment

    @property
    def category_right(self) -> bool:
        """Whether the pipeline gives the true category."""
        return self.assessment.category == self.true_assessment.category


def score_pair(timeline: Timeline, truth: tuple[LesionTruth, ...], interval_days: float) -> PairScore:
    """Return how `timeline` did on the lesions of `truth`."""
    matches, hits = [], []
    for number, visit in enumerate(timeline.visits):
        match = match_marks(marks_of(visit.findings), targets_at(truth, number))
        matches.append(match)
        hits.append([None if best is None else visit.findings[best] for best in match.best_marks])
    present = [[_at(lesion, number) is not None for lesion in truth] for number in range(2)]
    by_lesion: list[list[Finding | None]] = []
    for number in range(2):
        waiting = iter(hits[number])
        by_lesion.append([next(waiting) if there else None for there in present[number]])
    lesions = tuple(
        _lesion_score(lesion, (by_lesion[0][index], by_lesion[1][index]), timeline)
        for index, lesion in enumerate(truth)
        if not lesion.distractor
    )
    assessment = next(item for item in timeline.assessments if item.rules.startswith("Lung-RADS"))
    return PairScore((matches[0], matches[1]), lesions, assessment, true_assessment(truth, interval_days))


def marks_of(findings: tuple[Finding, ...]) -> list[Mark]:
    """Return the findings of a visit as marks."""
    return [Mark(finding.box.center_mm, finding.score) for finding in findings]


def targets_at(truth: tuple[LesionTruth, ...], visit: int) -> list[Target]:
    """Return the lesions that exist at a visit (0 or 1), in order; those under 4 mm are excluded."""
    sizes = [_at(lesion, visit) for lesion in truth]
    return [
        Target(size.center_mm, size.mean_diameter_mm, size.mean_diameter_mm < COUNTS_FROM_MM)
        for size in sizes
        if size is not None
    ]


def true_assessment(truth: tuple[LesionTruth, ...], interval_days: float) -> Assessment:
    """Return what Lung-RADS says of the true sizes and courses."""
    facts: Mapping[int, NoduleFacts] = {
        lesion.number: _true_facts(lesion, lesion.followup, interval_days)
        for lesion in truth
        if lesion.followup is not None and not lesion.distractor
    }
    return assess_lung_rads(facts)


def _true_facts(lesion: LesionTruth, now: LesionAtVisit, interval_days: float) -> NoduleFacts:
    present = _facts(lesion, now)
    if lesion.baseline is None:
        return _facts(lesion, now, NEW)
    return compared(present, _facts(lesion, lesion.baseline), interval_days)


def _facts(lesion: LesionTruth, size: LesionAtVisit, status: str = "baseline") -> NoduleFacts:
    return NoduleFacts(
        attenuation=lesion.attenuation,
        mean_diameter_mm=size.mean_diameter_mm,
        status=status,
        solid_mean_diameter_mm=size.solid_mean_diameter_mm if lesion.attenuation == "part-solid" else None,
        features=frozenset({"juxtapleural"}) if lesion.contact == "pleura" else frozenset(),
        volume_mm3=size.volume_mm3,
    )


def _at(lesion: LesionTruth, visit: int) -> LesionAtVisit | None:
    return lesion.followup if visit else lesion.baseline


def _lesion_score(lesion: LesionTruth, hits: tuple[Finding | None, Finding | None], timeline: Timeline) -> LesionScore:
    found: list[bool | None] = []
    errors = []
    judged = True
    for visit, hit in enumerate(hits):
        size = _at(lesion, visit)
        counts = size is not None and size.mean_diameter_mm >= COUNTS_FROM_MM
        found.append(hit is not None if counts else None)
        # A link is judged where the lesion was found wherever it is, and is nowhere too small to count.
        judged &= size is None or (counts and hit is not None)
        volume = None if hit is None else hit.value("volume")
        if size is not None and volume is not None and counts:
            errors.append(abs(volume / size.volume_mm3 - 1))
    return LesionScore(lesion, (found[0], found[1]), tuple(errors), _link_right(hits, timeline) if judged else None)


def _link_right(hits: tuple[Finding | None, Finding | None], timeline: Timeline) -> bool:
    """Whether the findings on a true lesion are one lesion of the timeline, with the status that fits."""
    uids = tuple(None if hit is None else hit.uid for hit in hits)
    wanted = {(True, True): LinkStatus.MATCHED, (False, True): LinkStatus.NEW, (True, False): LinkStatus.RESOLVED}
    status = wanted[(uids[0] is not None, uids[1] is not None)]
    return any(_observes(lesion, uids) and lesion.status is status for lesion in timeline.lesions)


def _observes(lesion: Lesion, uids: tuple[str | None, ...]) -> bool:
    return lesion.observations == uids
