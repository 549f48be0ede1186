"""A scan to learn the nodule score from: its candidates, and which lesion each of them lies on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.evaluation.detection import Target
from AIImagingLogic.images.info import describe
from AIImagingLogic.models.builtin.candidate_search import LungCandidates, candidates_of_lungs
from AIImagingLogic.models.catalogue import load_model
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.segmentation import Segmentation

NO_LESION, NOT_JUDGED = -1, -2
_NEAR_SHARE, _NEAR_MM = 0.2, 0.6
_BESIDE_MM, _BESIDE_EXCLUDED_MM = 1.0, 2.0


@dataclass(frozen=True)
class Case:
    """One scan.

    Attributes
    ----------
    group : what must be left out together: a phantom pair or a patient
    name : of the scan
    real : True for the CT of a person, implanted nodules or not
    targets : its lesions
    candidates : N of them
    lesions : (N,) index of the target that the candidate is in the middle of, `NO_LESION`, or `NOT_JUDGED` where it
        is neither in the middle of a lesion nor well outside of it
    """

    group: str
    name: str
    real: bool
    targets: tuple[Target, ...]
    candidates: LungCandidates
    lesions: NDArray[np.intp]


def find_lungs(image: sitk.Image) -> Segmentation:
    """Return the lungs of a CT as the program finds them."""
    result: Segmentation = load_model("ct-lungs").segment(image, describe(image, modality="CT"), Progress())
    return result


def make_case(group: str, name: str, real: bool, image: sitk.Image, targets: Sequence[Target]) -> Case:
    """Return the case of a CT (HU) whose lesions are known."""
    organs = find_lungs(image)
    candidates = candidates_of_lungs(image, organs, Progress())
    return Case(group, name, real, tuple(targets), candidates, lesions_of(candidates.positions_mm, targets))


def lesions_of(positions_mm: NDArray[np.float64], targets: Sequence[Target]) -> NDArray[np.intp]:
    """Return which target each candidate (N, 3) LPS mm lies in the middle of; see `Case.lesions`."""
    lesions = np.full(len(positions_mm), NO_LESION, dtype=np.intp)
    apart_mm = [np.linalg.norm(positions_mm - np.asarray(target.position_mm), axis=1) for target in targets]
    for target, apart in zip(targets, apart_mm):
        beside_mm = _BESIDE_EXCLUDED_MM if target.excluded else _BESIDE_MM
        lesions[apart < target.diameter_mm / 2 + beside_mm] = NOT_JUDGED
    for number, (target, apart) in enumerate(zip(targets, apart_mm)):
        if not target.excluded:
            lesions[apart <= _NEAR_SHARE * target.diameter_mm + _NEAR_MM] = number
    return lesions
