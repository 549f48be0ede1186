"""How the nodule score does on scans that were left out of its fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from AIImagingLogic.evaluation.detection import Mark, ScanMatch, match_marks
from AIImagingLogic.evaluation.froc import froc_curve
from AIImagingLogic.models.builtin.candidate_score import ScoreWeights
from AIImagingLogic.models.builtin.ct_lung_nodules import one_mark_a_lesion
from Testing.Training.nodule_score_cases import Case
from Testing.Training.nodule_score_fit import fit_score

PHANTOM_FOLDS = 3
SCORES = (0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.8)
_LEAST_SCORE = 0.02


@dataclass(frozen=True)
class LeftOut:
    """A case, its marks by a score that was fitted without its group, and how they match."""

    case: Case
    marks: tuple[Mark, ...]
    match: ScanMatch


def folds_of(cases: Sequence[Case]) -> list[frozenset[str]]:
    """Return the groups that are left out together: a third of the phantom pairs, or one patient."""
    phantoms = list(dict.fromkeys(case.group for case in cases if not case.real))
    patients = list(dict.fromkeys(case.group for case in cases if case.real))
    thirds = [frozenset(phantoms[first::PHANTOM_FOLDS]) for first in range(min(PHANTOM_FOLDS, len(phantoms)))]
    return thirds + [frozenset({patient}) for patient in patients]


def cross_validated(cases: Sequence[Case]) -> list[LeftOut]:
    """Return every case as a score sees it that was fitted without its fold."""
    result = []
    for fold in folds_of(cases):
        weights = fit_score([case for case in cases if case.group not in fold], 0.5)
        result += [marked(case, weights) for case in cases if case.group in fold]
    return result


def marked(case: Case, weights: ScoreWeights) -> LeftOut:
    """Return the marks that `weights` give on a case."""
    found = case.candidates
    scores = weights.scores(found.figures)
    kept = scores >= _LEAST_SCORE
    candidates = one_mark_a_lesion(found.positions_mm[kept], found.radii_mm[kept], scores[kept])
    marks = tuple(Mark(candidate.position_mm, candidate.score) for candidate in candidates)
    return LeftOut(case, marks, match_marks(marks, case.targets))


def froc_rows(scans: Sequence[LeftOut]) -> list[tuple[str, float, float]]:
    """Return (score or rate, sensitivity, false positives a scan) at each of `SCORES`, then at one false positive."""
    hits = [score for scan in scans for score in scan.match.hit_scores]
    false = np.array([score for scan in scans for score in scan.match.false_positive_scores])
    rows = []
    for limit in SCORES:
        found = sum(score is not None and score >= limit for score in hits)
        rows.append((f"score {limit:.2f}", found / max(len(hits), 1), float((false >= limit).sum()) / len(scans)))
    if hits:
        rows.append(("at 1 a scan", froc_curve([scan.match for scan in scans]).at(1.0), 1.0))
    return rows


def rank_of_first_target(scan: LeftOut) -> int | None:
    """Return the place of the best mark on the first lesion among all marks of the scan, 1 for the first."""
    best = scan.match.best_marks[0]
    return None if best is None else best + 1
