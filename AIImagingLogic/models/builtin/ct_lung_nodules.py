"""Lung nodules of a CT: blobs of the lungs, looked at along rays, scored, and one mark a lesion."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.candidate_score import score_weights
from AIImagingLogic.models.builtin.candidate_search import candidates_of_lungs
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.protocols import Candidate
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.segmentation import Segmentation

_LEAST_SEPARATION_MM = 3.0


class CTLungNodules:
    """Finds solid, part-solid and ground-glass nodules of 4 to 30 mm.

    Parameters
    ----------
    card : the model's card
    least_score : candidates below it are not returned; None for the operating point that the score was made for
    """

    def __init__(self, card: ModelCard, least_score: float | None = None) -> None:
        self.card = card
        self.least_score = score_weights().operating_score if least_score is None else least_score

    def detect(
        self, image: sitk.Image, info: ImageInfo, organs: Segmentation, progress: Progress
    ) -> tuple[Candidate, ...]:
        """Return the nodule candidates of `image`, best first.

        Parameters
        ----------
        image : chest CT in HU, any orientation
        info : what is known of it
        organs : lungs on the grid of `image`, juxtapleural nodules inside
        progress : told of each step
        """
        found = candidates_of_lungs(image, organs, progress)
        score = score_weights().scores(found.figures)
        likely = score >= self.least_score
        return one_mark_a_lesion(found.positions_mm[likely], found.radii_mm[likely], score[likely])


def one_mark_a_lesion(
    positions_mm: NDArray[np.float64], radii_mm: NDArray[np.float64], scores: NDArray[np.float64]
) -> tuple[Candidate, ...]:
    """Return candidates, best first, leaving out those that lie within a better one or hold its centre.

    Parameters
    ----------
    positions_mm : (N, 3) LPS
    radii_mm : (N,)
    scores : (N,) 0..1
    """
    kept: list[int] = []
    for number in np.argsort(-scores, kind="stable"):
        reach_mm = np.maximum(np.maximum(radii_mm[kept], radii_mm[number]), _LEAST_SEPARATION_MM)
        apart_mm = np.linalg.norm(positions_mm[kept] - positions_mm[number], axis=1)
        if np.all(apart_mm > reach_mm):
            kept.append(int(number))
    return tuple(
        Candidate(
            (float(positions_mm[n, 0]), float(positions_mm[n, 1]), float(positions_mm[n, 2])),
            float(2.0 * radii_mm[n]),
            float(scores[n]),
        )
        for n in kept
    )
