"""Bright blobs of 4 to 30 mm in a lung: local maxima of differences of Gaussians over scales."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.candidate_contrast import GRID_MM, LungContrast, blurred

_SIGMAS_MM = (1.0, 1.41, 2.0, 2.83, 4.0, 5.66, 8.0, 11.3)
_SHRINKS: tuple[int, ...] = (1, 1, 1, 2, 2, 4, 4, 4)
"""How much coarser than `GRID_MM` each Gaussian's grid is: at most half its sigma."""
_RADIUS_PER_SIGMA = 2.06
"""A ball of this radius answers a difference of Gaussians of sigma and 1.41 sigma most: sqrt(3) x 1.19."""
_LEAST_ANSWER_HU = 18.0
_LEAST_CURVATURE_RATIO = 0.12
ALL_SCALES = slice(0, len(_SIGMAS_MM) - 1)
_NEIGHBOURS = np.array([offset for offset in itertools.product((-1, 0, 1), repeat=3) if any(offset)])
_CEILING_HU = 450.0
"""Contrast above this says nothing more of a nodule, but would let vessels outshine faint nodules."""


@dataclass(frozen=True)
class Blobs:
    """Blobs of a lung, N of them.

    Attributes
    ----------
    indices : (N, 3) float, k, j, i on the grid of the contrast
    radii_mm : (N,) of the scale that found them
    answers_hu : (N,) difference of Gaussians
    curvature_ratios : (N,) weakest to strongest of the three curvatures: 1 for a ball, 0 for a tube or sheet
    second_ratios : (N,) middle to strongest: 1 for a ball or tube, 0 for a sheet
    """

    indices: NDArray[np.float64]
    radii_mm: NDArray[np.float64]
    answers_hu: NDArray[np.float64]
    curvature_ratios: NDArray[np.float64]
    second_ratios: NDArray[np.float64]


def find_blobs(contrast: LungContrast, scales: slice = ALL_SCALES) -> Blobs:
    """Return the blobs of a lung at some scales; one lesion may be found at several.

    Parameters
    ----------
    contrast : the lung
    scales : which of the pairs of Gaussians, 1.0 and 1.41 mm to 8 and 11.3 mm

    References
    ----------
    Lindeberg T. Feature detection with automatic scale selection. Int J Comput Vis 1998;30:79-116.
    Li Q, Sone S, Doi K. Selective enhancement filters for nodules, vessels, and airway walls in two- and
    three-dimensional CT scans. Med Phys 2003;30:2040-51.
    """
    parts = []
    capped = np.minimum(contrast.hu, np.float32(_CEILING_HU))
    grids = {1: (capped, contrast.inside)}
    for shrink in sorted(set(_SHRINKS[scales]) - {1}):
        shares = _shrunk(contrast.inside.astype(np.float32), shrink)
        grids[shrink] = _shrunk(capped, shrink), shares > 0.3
    narrow: NDArray[np.float32] | None = None
    for number in range(len(_SIGMAS_MM) - 1)[scales]:
        shrink = _SHRINKS[number]
        source, where = grids[shrink]
        if narrow is None:
            narrow = _gaussian(source, _SIGMAS_MM[number], shrink)
        wide = _gaussian(source, _SIGMAS_MM[number + 1], shrink)
        parts.append(_maxima(narrow, wide, where, shrink, _RADIUS_PER_SIGMA * _SIGMAS_MM[number]))
        narrow = wide if _SHRINKS[number + 1] == shrink else None
    return Blobs(*(np.concatenate([getattr(part, name) for part in parts]) for name in Blobs.__dataclass_fields__))


def _shrunk(values: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return the means of blocks of `factor` voxels along each axis."""
    result: NDArray[np.float32] = sitk.GetArrayFromImage(sitk.BinShrink(sitk.GetImageFromArray(values), [factor] * 3))
    return result


def _gaussian(values: NDArray[np.float32], sigma_mm: float, shrink: int) -> NDArray[np.float32]:
    # Averaging whole voxels has blurred already, by a twelfth of the voxel's square.
    own = (shrink**2 - 1) / 12.0 * GRID_MM**2
    return blurred(values, float(np.sqrt(sigma_mm**2 - own)), GRID_MM * shrink)


def _maxima(
    narrow: NDArray[np.float32], wide: NDArray[np.float32], inside: NDArray[np.bool_], shrink: int, radius_mm: float
) -> Blobs:
    answer = narrow - wide
    peaks = np.argwhere(inside & (answer > _LEAST_ANSWER_HU))
    peaks = peaks[np.all((peaks > 0) & (peaks < np.array(answer.shape) - 1), axis=1)]
    for offset in _NEIGHBOURS:
        peaks = peaks[answer[tuple(peaks.T)] >= answer[tuple((peaks + offset).T)]]
    values = answer[tuple(peaks.T)].astype(np.float64)
    curvatures = -np.linalg.eigvalsh(_hessians(narrow, peaks))
    strongest = np.maximum(curvatures[:, 0], 1e-3)
    weakest, middle = curvatures[:, 2] / strongest, curvatures[:, 1] / strongest
    kept = weakest > _LEAST_CURVATURE_RATIO
    indices = (peaks[kept] + 0.5) * shrink - 0.5
    radii_mm = np.full(int(kept.sum()), radius_mm)
    return Blobs(indices, radii_mm, values[kept], weakest[kept], middle[kept])


def _hessians(values: NDArray[np.float32], at: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return second differences (N, 3, 3) of `values` at voxels (N, 3)."""
    result = np.empty((len(at), 3, 3))
    steps = np.eye(3, dtype=np.intp)

    def value(offset: NDArray[np.intp]) -> NDArray[np.float32]:
        picked: NDArray[np.float32] = values[tuple((at + offset).T)]
        return picked

    center = value(np.zeros(3, dtype=np.intp))
    for a in range(3):
        result[:, a, a] = value(steps[a]) - 2.0 * center + value(-steps[a])
        for b in range(a):
            mixed = value(steps[a] + steps[b]) + value(-steps[a] - steps[b])
            mixed -= value(steps[a] - steps[b]) + value(steps[b] - steps[a])
            result[:, a, b] = result[:, b, a] = mixed / 4.0
    return result
