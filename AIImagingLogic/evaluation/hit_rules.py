"""When a mark hits a lesion. Figures by different rules are not comparable: each is told with its rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.records.errors import WrongImageError

_Array = NDArray[np.float64]
_UNKNOWN_DIAMETER_MM = 10.0


@dataclass(frozen=True)
class HitRule:
    """A rule with its name.

    Attributes
    ----------
    name : short, for tables
    text : one sentence
    hits : takes positions (M, 3; LPS mm) and diameters (M,; mm, not a number where not known) of marks, and those of
        lesions (N, 3), (N,; negative: not known), and returns (M, N), whether each mark hits each lesion
    """

    name: str
    text: str
    hits: Callable[[_Array, _Array, _Array, _Array], NDArray[np.bool_]]


def hit_rule(name: str) -> HitRule:
    """Return a rule by its name: ``luna16``, ``iou``, ``iou:0.2`` or ``distance:5`` (mm).

    Raises
    ------
    WrongImageError
        There is no such rule.
    """
    kind, _, number = name.partition(":")
    try:
        value = float(number) if number else None
    except ValueError:
        value = -1.0
    if kind == "luna16" and not number:
        return LUNA16
    if kind == "iou" and (value is None or 0 < value <= 1):
        return overlap_rule(0.1 if value is None else value)
    if kind == "distance" and value is not None and value > 0:
        return distance_rule(value)
    raise WrongImageError(f"There is no hit rule '{name}'.", "Choose luna16, iou, iou:0.2 or distance:5 (mm).")


def distance_rule(limit_mm: float) -> HitRule:
    """Return the rule that a mark hits what is nearer than a distance, however large it is."""

    def hits(marks: _Array, _mark_mm: _Array, lesions: _Array, _lesion_mm: _Array) -> NDArray[np.bool_]:
        return _distances(marks, lesions) < limit_mm

    return HitRule(f"distance:{limit_mm:g}", f"A mark hits a lesion whose centre is nearer than {limit_mm:g} mm.", hits)


def overlap_rule(least: float) -> HitRule:
    """Return the rule of detection challenges with boxes: cubes of the diameters overlap by `least` of their union.

    References
    ----------
    Baumgartner M et al. nnDetection. MICCAI 2021 (least 0.1).
    """

    def hits(marks: _Array, mark_mm: _Array, lesions: _Array, lesion_mm: _Array) -> NDArray[np.bool_]:
        if np.isnan(mark_mm).any() or (lesion_mm < 0).any():
            raise WrongImageError(
                "The overlap of boxes needs the diameter of every mark and lesion.",
                "Give the diameters, or choose the rule luna16.",
            )
        halves = mark_mm[:, None, None] / 2, lesion_mm[None, :, None] / 2
        low = np.maximum(marks[:, None] - halves[0], lesions[None] - halves[1])
        high = np.minimum(marks[:, None] + halves[0], lesions[None] + halves[1])
        common = np.clip(high - low, 0, None).prod(2)
        union = mark_mm[:, None] ** 3 + lesion_mm[None] ** 3 - common
        overlap: NDArray[np.bool_] = (common > 0) & (common >= least * union)
        return overlap

    text = f"A mark hits a lesion when cubes of their diameters overlap by {least:g} of their union."
    return HitRule(f"iou:{least:g}", text, hits)


def _within_radius(marks: _Array, _mark_mm: _Array, lesions: _Array, lesion_mm: _Array) -> NDArray[np.bool_]:
    diameters = np.where(lesion_mm < 0, _UNKNOWN_DIAMETER_MM, lesion_mm)
    return _distances(marks, lesions) < diameters / 2


def _distances(marks: _Array, lesions: _Array) -> _Array:
    distances: _Array = np.linalg.norm(marks[:, None] - lesions[None], axis=2)
    return distances


LUNA16 = HitRule(
    "luna16",
    "A mark hits a lesion when it is nearer to its centre than its radius (5 mm where its diameter is not known).",
    _within_radius,
)
"""Setio AAA et al. Med Image Anal 2017;42:1-13."""
