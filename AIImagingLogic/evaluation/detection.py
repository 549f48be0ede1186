"""Which marks find which lesions, scan by scan; by LUNA16's rule unless another is chosen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from AIImagingLogic.evaluation.hit_rules import LUNA16, HitRule


@dataclass(frozen=True)
class Mark:
    """What a detector points at: (3,) LPS mm, and its score. Some hit rules also ask for its diameter."""

    position_mm: tuple[float, float, float]
    score: float
    diameter_mm: float | None = None


@dataclass(frozen=True)
class Target:
    """A lesion to be found, or one that is excluded: marks on it count neither way. Negative diameter: not known."""

    position_mm: tuple[float, float, float]
    diameter_mm: float
    excluded: bool = False


@dataclass(frozen=True)
class ScanMatch:
    """The marks of one scan against its lesions.

    Attributes
    ----------
    best_marks : for each target, the index of the best mark on it, None where it was missed or is excluded
    hit_scores : for each target that counts, the best score on it, None where it was missed
    false_positives : indices of the marks on nothing
    false_positive_scores : their scores
    """

    best_marks: tuple[int | None, ...]
    hit_scores: tuple[float | None, ...]
    false_positives: tuple[int, ...]
    false_positive_scores: tuple[float, ...]


def match_marks(marks: Sequence[Mark], targets: Sequence[Target], rule: HitRule = LUNA16) -> ScanMatch:
    """Match the marks of one scan with its lesions.

    Of several marks on a lesion the best counts and the others are dropped, as are marks on excluded targets; every
    other mark is a false positive. A mark may hit several lesions.

    Parameters
    ----------
    marks, targets : of one scan
    rule : says when a mark hits a lesion

    Raises
    ------
    WrongImageError
        The rule asks for diameters that are not known.

    References
    ----------
    Setio AAA et al. Med Image Anal 2017;42:1-13 (LUNA16).
    """
    scores = np.array([mark.score for mark in marks], float)
    hits = rule.hits(
        np.array([mark.position_mm for mark in marks], float).reshape(-1, 3),
        np.array([math.nan if mark.diameter_mm is None else mark.diameter_mm for mark in marks], float),
        np.array([target.position_mm for target in targets], float).reshape(-1, 3),
        np.array([target.diameter_mm for target in targets], float),
    )
    best_marks = tuple(
        int(np.argmax(np.where(on_it, scores, -np.inf))) if on_it.any() and not target.excluded else None
        for on_it, target in zip(hits.T, targets)
    )
    counted = [best for best, target in zip(best_marks, targets) if not target.excluded]
    false_positives = tuple(np.flatnonzero(~hits.any(axis=1)).tolist())
    return ScanMatch(
        best_marks=best_marks,
        hit_scores=tuple(None if best is None else float(scores[best]) for best in counted),
        false_positives=false_positives,
        false_positive_scores=tuple(float(scores[index]) for index in false_positives),
    )
