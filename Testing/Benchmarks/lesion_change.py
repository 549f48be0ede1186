"""Changed brain lesions of a real patient against an expert, and of visits made from the real one with known change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.evaluation.lesion_overlap import LesionOverlap, lesion_overlap
from AIImagingLogic.followup.lesion_change.brain_region import brain_region
from AIImagingLogic.images.geometry import index_to_world, transform_points
from AIImagingLogic.images.info import describe
from AIImagingLogic.images.phantoms.brain_lesions import LesionPair, make_lesion_pair
from AIImagingLogic.images.read import read_image
from AIImagingLogic.records.lesion_change import LesionChange
from AIImagingLogic.tasks.brain_lesion_change import brain_lesion_change
from Testing.Benchmarks.reporting import Figures, run_as_command, shared_data

PATIENT = "ms_p01"
LEAST_MM3 = 30.0
# An expert's lesion in which the difference stays below this many standard deviations of its noise is hardly one.
SHOWN_SD = 2.0
SEEDS = (11, 12, 13, 14)
UNCHANGED_SEED = 15
_KINDS = {"new": (1,), "enlarging": (2,), "shrinking": (3,)}
Tell = Callable[[str], None]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class RealPair:
    """The patient's visits, the expert's mask, and how the common space of the mask lies to both visits."""

    earlier: sitk.Image
    later: sitk.Image
    expert: sitk.Image
    brain: sitk.Image
    to_earlier: sitk.Transform
    to_later: sitk.Transform


def read_real_pair(folder: Path) -> RealPair:
    """Return the patient's pair from the folder of the real brains."""

    def path(name: str) -> str:
        return str(folder / f"{PATIENT}_{name}")

    visits = [read_image(Path(path(f"study{number}_FLAIR.nii.gz")))[0] for number in (1, 2)]
    transforms = [sitk.ReadTransform(path(f"study{number}_FLAIR_to_common_space.txt")) for number in (1, 2)]
    expert, brain = (sitk.ReadImage(path(f"{name}.nii.gz")) for name in ("gt_change", "brainmask"))
    return RealPair(visits[0], visits[1], expert, brain, transforms[0], transforms[1])


def changed(earlier: sitk.Image, later: sitk.Image) -> LesionChange:
    """Return the answer for two MR images."""
    return brain_lesion_change(earlier, describe(earlier, "MR"), later, describe(later, "MR"))


def transform_difference_mm(real: RealPair, result: LesionChange) -> tuple[float, float]:
    """Return mean and greatest distance (mm) between our registration and the given one, over the brain."""
    index = np.argwhere(sitk.GetArrayViewFromImage(real.brain) > 0)[::101, ::-1]
    points = index_to_world(real.brain, index)
    ours = transform_points(result.registration.transform, transform_points(real.to_later, points))
    apart = np.linalg.norm(ours - transform_points(real.to_earlier, points), axis=1)
    return float(apart.mean()), float(apart.max())


def in_common_space(real: RealPair, image: sitk.Image, interpolator: int = sitk.sitkNearestNeighbor) -> sitk.Image:
    """Return an image of the later visit on the grid of the expert's mask."""
    return sitk.Resample(image, real.expert, real.to_later, interpolator, 0.0)


def run(tell: Tell) -> tuple[Figures, Mapping[str, Any]]:
    """Return the figures of the real pair, then those of the made ones."""
    real = read_real_pair(shared_data() / "brain_mr")
    figures = real_figures(real, tell) | _made_figures(real, tell)
    return figures, {"patient": PATIENT, "least_mm3": LEAST_MM3, "made_pairs": len(SEEDS), "unchanged_pairs": 1}


def real_figures(real: RealPair, tell: Tell) -> Figures:
    """Return how the answer agrees with the expert."""
    result = changed(real.earlier, real.later)
    mean_mm, most_mm = transform_difference_mm(real, result)
    expert = sitk.GetArrayFromImage(real.expert) > 0
    found = sitk.GetArrayFromImage(in_common_space(real, result.segmentation.image)) > 0
    significance = sitk.GetArrayFromImage(in_common_space(real, result.significance, sitk.sitkLinear))
    voxel_mm3 = float(np.prod(real.expert.GetSpacing()))
    overlap = lesion_overlap(expert, found, voxel_mm3, LEAST_MM3)
    shown = _shown(expert, significance, voxel_mm3, overlap, tell)
    for finding in result.findings:
        tell(f"ours: {finding.descriptors['change']}, {finding.value('volume'):.0f} mm3")
    return {
        "sensitivity": overlap.sensitivity,
        "lesions": len(overlap.hit),
        "false_lesions": overlap.false_lesions,
        "dice": overlap.dice,
        "dice_without_largest": overlap.dice_without_largest,
        "transform_difference_mm": mean_mm,
        "transform_difference_most_mm": most_mm,
        "lesions_above_noise": len(shown),
        "sensitivity_above_noise": float(np.mean(shown)) if shown else float("nan"),
        "brain_dice": _brain_dice(real),
    }


def _shown(
    expert: Mask, significance: NDArray[np.float32], voxel_mm3: float, overlap: LesionOverlap, tell: Tell
) -> list[bool]:
    """Return hit or not of the expert's lesions in which the difference is bright all over, and stands out of noise."""
    labels, _ = ndimage.label(expert, np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel())[1:]
    order = [number for number in np.argsort(-sizes, kind="stable") + 1 if sizes[number - 1] * voxel_mm3 >= LEAST_MM3]
    shown = []
    for number, hit, volume in zip(order, overlap.hit, overlap.volumes_mm3, strict=True):
        mean = float(significance[labels == number].mean())
        tell(f"expert: {volume:.0f} mm3, mean difference {mean:+.1f} SD of the noise, {'hit' if hit else 'missed'}")
        if abs(mean) >= SHOWN_SD:
            shown.append(hit)
    return shown


def _brain_dice(real: RealPair) -> float:
    ours = sitk.GetArrayFromImage(in_common_space(real, brain_region(real.later))) > 0
    given = sitk.GetArrayFromImage(real.brain) > 0
    return 2.0 * float((ours & given).sum()) / float(ours.sum() + given.sum())


def _made_figures(real: RealPair, tell: Tell) -> Figures:
    brain = brain_region(real.earlier)
    overlaps, right, motion_mm = [], [], []
    for seed in SEEDS:
        pair = make_lesion_pair(real.earlier, brain, real.later, seed)
        result = changed(pair.earlier, pair.later)
        overlap, kinds = _against_truth(pair, result)
        overlaps.append(overlap)
        right += kinds
        motion_mm.append(_motion_mm(pair, result, brain))
        tell(
            f"made {seed}: hit {sum(overlap.hit)} of {len(overlap.hit)}, false {overlap.false_lesions}, "
            f"Dice {overlap.dice:.2f}, kinds right {sum(kinds)} of {len(kinds)}, motion {motion_mm[-1]:.2f} mm"
        )
    unchanged = make_lesion_pair(real.earlier, brain, real.later, UNCHANGED_SEED, changed=False)
    hits = [hit for overlap in overlaps for hit in overlap.hit]
    return {
        "made_sensitivity": float(np.mean(hits)),
        "made_lesions": len(hits),
        "made_false_lesions_per_pair": float(np.mean([overlap.false_lesions for overlap in overlaps])),
        "made_dice": float(np.mean([overlap.dice for overlap in overlaps])),
        "made_kinds_right": float(np.mean(right)),
        "made_motion_error_mm": float(np.max(motion_mm)),
        "unchanged_false_lesions": len(changed(unchanged.earlier, unchanged.later).findings),
    }


def _against_truth(pair: LesionPair, result: LesionChange) -> tuple[LesionOverlap, list[bool]]:
    truth = sitk.GetArrayFromImage(pair.change)
    labels = sitk.GetArrayFromImage(result.segmentation.image)
    overlap = lesion_overlap(truth > 0, labels > 0, float(np.prod(pair.later.GetSpacing())), LEAST_MM3)
    kinds = []
    for number, lesion in enumerate(pair.lesions, 1):
        counts = np.bincount(labels[truth == number], minlength=4)[1:]
        if counts.any():
            kinds.append(int(np.argmax(counts)) + 1 in _KINDS[lesion.kind])
    return overlap, kinds


def _motion_mm(pair: LesionPair, result: LesionChange, brain: sitk.Image) -> float:
    index = np.argwhere(sitk.GetArrayViewFromImage(brain) > 0)[::997, ::-1]
    points = transform_points(pair.to_earlier.GetInverse(), index_to_world(brain, index))
    found = transform_points(result.registration.transform, points)
    return float(np.linalg.norm(found - transform_points(pair.to_earlier, points), axis=1).mean())


if __name__ == "__main__":
    run_as_command("lesion_change", run)
