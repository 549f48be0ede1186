"""False positives of the nodule detector with and without the multi-view stage, on scans that neither has seen.

Scans that are made are kept in the folder of AIIMAGING_BENCHMARK_SCANS where that is set: making them takes most of the
time.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.models.builtin.candidate_score import ScoreWeights, score_weights
from AIImagingLogic.models.builtin.multi_view_score import ANY_DETECTOR
from AIImagingLogic.models.catalogue import load_model
from AIImagingLogic.models.protocols import Candidate
from AIImagingLogic.records.progress import Progress
from Testing.Benchmarks.reporting import Figures, run_as_command, shared_data
from Testing.Benchmarks.threshold_detector import threshold_marks
from Testing.Training.multi_view import DETECTOR, HELD_OUT_DETECTOR, OPERATING_SCORE
from Testing.Training.multi_view_fusion import match_of
from Testing.Training.multi_view_ratio import Pairs, false_positive_ratio, ratio_interval
from Testing.Training.multi_view_samples import candidates_of
from Testing.Training.multi_view_scans import held_out_scans, kept_scan, make_scan
from Testing.Training.nodule_score_cases import find_lungs

PAIRS, VARIANTS = 2, 6
_LEAST_SCORE = 0.02
_ASSUMED_MM = 6.0
_TIMED, _TIMES = 100, 5
Tell = Callable[[str], None]


def run(tell: Tell) -> tuple[Figures, Mapping[str, Any]]:
    """Return the figures of both scores of the detector, on generated scans, on a held-out patient, and on all."""
    folder = shared_data() / "chest_ct"
    kept = os.environ.get("AIIMAGING_BENCHMARK_SCANS")
    make = partial(kept_scan, cache=Path(kept)) if kept else make_scan
    detectors = {"": _unseen_score(), "_shipped": score_weights()}
    stage = load_model("lung-nodule-views")
    names = held_out_scans(PAIRS, VARIANTS)
    pairs: dict[str, list[Any]] = {suffix: [] for suffix in detectors}
    threshold: list[Any] = []
    for number, name in enumerate(names, 1):
        image, case = make(name, folder)
        for suffix, weights in detectors.items():
            candidates = candidates_of(case, weights, _LEAST_SCORE)
            own = [candidate.score for candidate in candidates]
            anew = stage.scores(image, candidates, DETECTOR, Progress())
            pairs[suffix].append((match_of(candidates, own, case.targets), match_of(candidates, anew, case.targets)))
        if name.real:
            marks = _threshold_candidates(image)
            anew = stage.scores(image, marks, ANY_DETECTOR, Progress())
            own = [candidate.score for candidate in marks]
            threshold.append((match_of(marks, own, case.targets), match_of(marks, anew, case.targets)))
        tell(f"{number} of {len(names)}: {name}")
    figures: Figures = {}
    for suffix, all_pairs in pairs.items():
        real = [pair for name, pair in zip(names, all_pairs) if name.real]
        generated = [pair for name, pair in zip(names, all_pairs) if not name.real]
        figures |= _figures(all_pairs, suffix, tell)
        figures |= _figures(generated, f"_generated{suffix}", tell)
        figures |= _figures(real, f"_implanted{suffix}", tell)
    other = false_positive_ratio(threshold, OPERATING_SCORE)
    figures["false_positive_ratio_froc_implanted_threshold"] = other.froc
    figures["cpm_implanted_threshold"] = [other.metric_before, other.metric_after]
    figures["seconds_per_100_candidates"] = _seconds(folder)
    scans = {"generated": sum(not name.real for name in names), "implanted": sum(name.real for name in names)}
    return figures, {**scans, "patients": 1, "operating_score": OPERATING_SCORE}


def _figures(pairs: Pairs, suffix: str, tell: Tell) -> Figures:
    ratio = false_positive_ratio(pairs, OPERATING_SCORE)
    tell(f"{suffix or 'all'}: {ratio}")
    interval, froc_interval = ratio_interval(pairs, OPERATING_SCORE)
    return {
        f"false_positive_ratio{suffix}": ratio.operating,
        f"false_positive_ratio{suffix}_interval": interval,
        f"false_positive_ratio_froc{suffix}": ratio.froc,
        f"false_positive_ratio_froc{suffix}_interval": froc_interval,
        f"false_positives_per_scan{suffix}": [ratio.before, ratio.after],
        f"sensitivity{suffix}": ratio.sensitivity,
        f"cpm{suffix}": [ratio.metric_before, ratio.metric_after],
    }


def _threshold_candidates(image: sitk.Image) -> list[Candidate]:
    """Return the candidates of quite another detector: compact parts of the lungs above a threshold."""
    marks = threshold_marks(image, find_lungs(image).image)
    return [Candidate(mark.position_mm, _ASSUMED_MM, mark.score) for mark in marks]


def _unseen_score() -> ScoreWeights:
    """Return the detector's score fitted without the held-out patient."""
    return ScoreWeights.from_content(json.loads(HELD_OUT_DETECTOR.read_text(encoding="utf-8")))


def _seconds(folder: Path) -> float:
    """Return the median seconds for 100 candidates at random places of a CT."""
    image, case = make_scan(held_out_scans(0, 1)[0], folder)
    candidates = candidates_of(case, score_weights(), 0.0)[:_TIMED]
    stage = load_model("lung-nodule-views")
    taken: list[float] = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        stage.scores(image, candidates, DETECTOR, Progress())
        taken.append((time.perf_counter() - began) * _TIMED / len(candidates))
    return float(np.median(taken))


if __name__ == "__main__":
    run_as_command("multi_view", run)
