"""The follow-up on 20 phantom pairs that nothing was tuned on, against their truth; a plain baseline beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from multiprocessing import get_context
from typing import Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.evaluation.detection import ScanMatch, match_marks
from AIImagingLogic.evaluation.froc import froc_curve, froc_intervals
from AIImagingLogic.images.info import describe
from AIImagingLogic.images.phantoms.chest_pair import ChestPair, exam_recipe, make_chest_pair
from AIImagingLogic.images.phantoms.recipe import PairRecipe
from AIImagingLogic.records.timeline import Timeline
from AIImagingLogic.tasks.follow_up import follow_up
from Testing.Benchmarks.pair_scoring import LesionScore, PairScore, score_pair, targets_at
from Testing.Benchmarks.reporting import Figures, run_as_command
from Testing.Benchmarks.threshold_detector import threshold_marks

PAIRS = 20
_PROCESSES = 2
_BASELINE_DATE = datetime(2025, 1, 15, 9, 0)


def run(tell: Callable[[str], None]) -> tuple[Figures, Mapping[str, Any]]:
    """Run the exam."""
    figures = examine((exam_recipe(seed) for seed in range(PAIRS)), tell)
    return figures, {"pairs": PAIRS, "phantom": "chest pair, exam_recipe(0..19)"}


def examine(recipes: Iterable[PairRecipe], tell: Callable[[str], None]) -> Figures:
    """Return the figures over pairs of `recipes`, each made, followed up and scored in one of two processes."""
    scores: list[PairScore] = []
    plain: list[ScanMatch] = []
    with ProcessPoolExecutor(_PROCESSES, get_context("spawn"), _use_one_core) as pool:
        for number, (score, baseline, line) in enumerate(pool.map(_examined, recipes)):
            scores.append(score)
            plain += baseline
            tell(f"pair {number:2d}  {line}")
            if not score.category_right:
                tell(f"         given: {score.assessment.reason}")
                tell(f"         true:  {score.true_assessment.reason}")
    return _figures(scores, plain, tell)


def _use_one_core() -> None:
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)


def _examined(recipe: PairRecipe) -> tuple[PairScore, list[ScanMatch], str]:
    """Return the score of a pair, the matches of the plain baseline and a line of detail."""
    pair = make_chest_pair(recipe)
    score = score_pair(_followed(pair), pair.lesions, recipe.interval_days)
    visits = ((pair.baseline, pair.baseline_lungs), (pair.followup, pair.followup_lungs))
    plain = [
        match_marks(threshold_marks(image, lungs), targets_at(pair.lesions, visit))
        for visit, (image, lungs) in enumerate(visits)
    ]
    return score, plain, _line(pair, score)


def _followed(pair: ChestPair) -> Timeline:
    later = _BASELINE_DATE + timedelta(days=pair.recipe.interval_days)
    first = describe(pair.baseline, modality="CT", intensity_unit="HU", acquired=_BASELINE_DATE)
    second = describe(pair.followup, modality="CT", intensity_unit="HU", acquired=later)
    return follow_up(pair.baseline, first, pair.followup, second)


def _figures(scores: Sequence[PairScore], plain: Sequence[ScanMatch], tell: Callable[[str], None]) -> Figures:
    scans = [match for score in scores for match in score.matches]
    patients = [number for number, score in enumerate(scores) for _ in score.matches]
    lesions = [lesion for score in scores for lesion in score.lesions]
    found = [hit for lesion in lesions for hit in lesion.found if hit is not None]
    links = [lesion.link_right for lesion in lesions]
    judged = [link for link in links if link is not None]
    errors = [error for lesion in lesions for error in lesion.volume_errors]
    false_positives = sum(len(scan.false_positives) for scan in scans) / len(scans)
    for title, kind_of in (
        ("attenuation", lambda lesion: lesion.truth.attenuation),
        ("contact", lambda lesion: lesion.truth.contact),
        ("course", lambda lesion: lesion.truth.course),
        ("size", _size_class),
    ):
        _tell_by_kind(title, kind_of, lesions, tell)
    return {
        "sensitivity": float(np.mean(found)),
        "false_positives_per_scan": false_positives,
        "links_right": float(np.mean(judged)) if judged else 0.0,
        "links_right_of_all": float(np.mean([link is True for link in links])),
        "volume_error_median": float(np.median(errors)) if errors else 1.0,
        "volume_error_p95": float(np.quantile(errors, 0.95)) if errors else 1.0,
        "lung_rads_right": float(np.mean([score.category_right for score in scores])),
        "baseline_sensitivity": froc_curve(plain).at(false_positives),
        "baseline_sensitivity_at_one": froc_curve(plain).at(1.0),
        "sensitivity_interval_95": list(froc_intervals(scans, patients, [false_positives]).sensitivity[0]),
        "competition_metric": froc_curve(scans).competition_metric,
        "lesions": len(lesions),
        "attached_share": float(np.mean([lesion.truth.contact != "none" for lesion in lesions])),
        "subsolid_share": float(
            np.mean([lesion.truth.attenuation in ("part-solid", "ground-glass") for lesion in lesions])
        ),
    }


def _line(pair: ChestPair, score: PairScore) -> str:
    found = [hit for lesion in score.lesions for hit in lesion.found if hit is not None]
    false_positives = [len(match.false_positives) for match in score.matches]
    errors = [error for lesion in score.lesions for error in lesion.volume_errors]
    links = [lesion.link_right for lesion in score.lesions if lesion.link_right is not None]
    slices = f"{pair.recipe.baseline.slice_mm:g}/{pair.recipe.followup.slice_mm:g} mm"
    missed = ", ".join(
        f"{lesion.truth.attenuation} {lesion.truth.contact} {_largest_mm(lesion):.1f} mm"
        for lesion in score.lesions
        if False in lesion.found
    )
    return (
        f"{slices:11s} found {sum(found)}/{len(found)}  false {false_positives}"
        f"  links {sum(links)}/{len(links)}  volume error {np.median(errors) if errors else float('nan'):.3f}"
        f"  Lung-RADS {score.assessment.category} (true {score.true_assessment.category})"
        + (f"  missed: {missed}" if missed else "")
    )


def _tell_by_kind(
    title: str,
    kind_of: Callable[[LesionScore], str],
    lesions: Sequence[LesionScore],
    tell: Callable[[str], None],
) -> None:
    groups: dict[str, list[LesionScore]] = defaultdict(list)
    for lesion in lesions:
        groups[kind_of(lesion)].append(lesion)
    for kind, members in sorted(groups.items()):
        found = [hit for lesion in members for hit in lesion.found if hit is not None]
        errors = [error for lesion in members for error in lesion.volume_errors] or [float("nan")]
        links = [lesion.link_right for lesion in members if lesion.link_right is not None]
        tell(
            f"{title:12s}{kind:14s} found {sum(found):3d}/{len(found):3d}  links {sum(links):3d}/{len(links):3d}"
            f"  volume error median {np.median(errors):.3f}  p95 {np.quantile(errors, 0.95):.3f}"
        )


def _size_class(lesion: LesionScore) -> str:
    size = _largest_mm(lesion)
    return next(name for limit, name in ((6, "4 to 6 mm"), (8, "6 to 8 mm"), (99, "8 mm and over")) if size < limit)


def _largest_mm(lesion: LesionScore) -> float:
    sizes = [size.mean_diameter_mm for size in (lesion.truth.baseline, lesion.truth.followup) if size is not None]
    return max(sizes)


if __name__ == "__main__":
    run_as_command("demo_truth", run)
