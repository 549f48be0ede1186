"""What the multi-view network learns from a scan: views of its lesions and of what looks like lesions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.candidate_score import ScoreWeights
from AIImagingLogic.models.builtin.ct_lung_nodules import one_mark_a_lesion
from AIImagingLogic.models.builtin.multi_view_network import network_values
from AIImagingLogic.models.builtin.multi_view_patches import plane_axes
from AIImagingLogic.models.builtin.multi_view_score import views_of
from AIImagingLogic.models.protocols import Candidate
from Testing.Training.nodule_score_cases import NO_LESION, Case, lesions_of

FRAMES = 4
"""Each sample is kept as it is seen when used, and turned at random, a little off and a little larger or smaller."""
_LEAST_SCORE, _MOST_BACKGROUND = 0.001, 120
_NEAR_A_LESION = 4
_OFF_SHARE, _OFF_MM = 0.12, 0.5
_SCALES = (0.9, 1.12)
_CHUNK = 32


@dataclass(frozen=True)
class Samples:
    """Views of a scan.

    Attributes
    ----------
    views : (N, FRAMES, V, C, SIDE, SIDE) uint8, what the network is fed with times 255
    lesion : (N,) True on a lesion
    group : of the scan
    real : whether a person was scanned
    """

    views: NDArray[np.uint8]
    lesion: NDArray[np.bool_]
    group: str
    real: bool


def candidates_of(case: Case, weights: ScoreWeights, least_score: float = _LEAST_SCORE) -> tuple[Candidate, ...]:
    """Return the marks of a scan by a score, one a lesion, best first."""
    scores = weights.scores(case.candidates.figures)
    kept = scores >= least_score
    return one_mark_a_lesion(case.candidates.positions_mm[kept], case.candidates.radii_mm[kept], scores[kept])


def make_samples(image: sitk.Image, case: Case, weights: ScoreWeights, random: np.random.Generator) -> Samples:
    """Return the samples of a scan: each lesion from several points near its centre, and the likeliest background.

    Candidates at the border of a lesion, or on one that is too small to count, teach neither.

    Parameters
    ----------
    image : HU
    case : of the scan
    weights : of the score that says which background looks like a lesion
    random : for the points, turns and scales
    """
    marks = np.array([mark.position_mm for mark in candidates_of(case, weights)]).reshape(-1, 3)
    which = lesions_of(marks, case.targets)
    background = marks[which == NO_LESION][:_MOST_BACKGROUND]
    near = [marks[which >= 0]]
    for target in case.targets:
        if not target.excluded:
            off = random.normal(size=(_NEAR_A_LESION, 3)) * (_OFF_SHARE * target.diameter_mm / 2 + 0.3)
            near.append(np.asarray(target.position_mm) + off)
    lesions = np.concatenate(near)
    points = np.concatenate([lesions, background])
    views = _framed(image, points, random)
    return Samples(views, np.arange(len(points)) < len(lesions), case.group, case.real)


def _framed(image: sitk.Image, points: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.uint8]:
    axes = np.broadcast_to(plane_axes(), (len(points), *plane_axes().shape))
    frames = [_seen(image, points, axes)]
    for _ in range(FRAMES - 1):
        turns, _ = np.linalg.qr(random.normal(size=(len(points), 3, 3)))
        scales = random.uniform(*_SCALES, len(points))
        turned = np.einsum("vaj,nij->nvai", plane_axes(), turns) * scales[:, None, None, None]
        frames.append(_seen(image, points + random.normal(size=points.shape) * _OFF_MM, turned))
    return np.stack(frames, axis=1)


def _seen(image: sitk.Image, points: NDArray[np.float64], axes: NDArray[np.float64]) -> NDArray[np.uint8]:
    parts = []
    for first in range(0, max(len(points), 1), _CHUNK):
        some = slice(first, first + _CHUNK)
        parts.append(np.rint(network_values(views_of(image, points[some], axes[some])) * 255).astype(np.uint8))
    return np.concatenate(parts)
