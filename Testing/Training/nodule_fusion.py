"""Fit how the network's and the learning-free opinion are joined: `python -m Testing.Training.nodule_fusion`.

On the scans that the multi-view stage learns from, which the network has not seen: generated ones, and nodules put into
the two real CTs of its training; never LIDC-IDRI-0314. Made scans are kept where AIIMAGING_BENCHMARK_SCANS says. Run it
after new weights of the network; it writes the weights of the logistic function and the operating score.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from scipy.special import logit

from AIImagingLogic.evaluation.detection import Mark, ScanMatch, Target, match_marks
from AIImagingLogic.evaluation.froc import froc_curve
from AIImagingLogic.models.builtin.ct_lung_nodules_net import FUSION, WEIGHTS
from AIImagingLogic.models.builtin.nodule_network.opinions import (
    Fusion,
    Opinions,
    opinions,
)
from AIImagingLogic.models.builtin.nodule_network.runner import NoduleRunner
from AIImagingLogic.models.protocols import Candidate
from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.resources import resource_path
from Testing.Benchmarks.detector_cases import scan_cases
from Testing.Training.multi_view_scans import training_scans
from Testing.Training.nodule_score_cases import lesions_of
from Testing.Training.nodule_score_fit import fit_logistic

PAIRS, VARIANTS = 2, 4
_LESION_WEIGHT, _PENALTY, _NO_PART = 4.0, 1.0, 1e12
_ALONE = (0.005, 0.02, 0.05, 0.1, 0.2, 0.4)
_LEAST_SCORE = 0.01
_MOST_FALSE_A_SCAN = 1.0
_ABOUT = "How ct-lung-nodules-net joins the logits of the learning-free score and of its network."


@dataclass(frozen=True)
class Judged:
    """One scan: what both say of it, and its lesions."""

    said: Opinions
    targets: tuple[Target, ...]


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m Testing.Training.nodule_fusion", description=__doc__)
    parser.add_argument("--weights", type=Path, help="of the network; default: those that travel with the program")
    parser.add_argument("--output", type=Path, help="file to write; default: the one that travels with the program")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="of generated scans (default %(default)s)")
    parser.add_argument("--variants", type=int, default=VARIANTS, help="of each real CT (default %(default)s)")
    arguments = parser.parse_args()
    runner = NoduleRunner(arguments.weights or resource_path(WEIGHTS))
    scans = []
    for case in scan_cases(training_scans(arguments.pairs, arguments.variants)):
        said = opinions(case.image, case.organs, runner, case.candidates, Progress())
        scans.append(Judged(said, case.targets))
        Console().print(case.name)
    fusion, operating_score = fit_fusion(scans)
    for name, curve in (
        ("learning-free", [_match(scan, scan.said.by_learning_free(_LEAST_SCORE)) for scan in scans]),
        ("network", [_match(scan, scan.said.by_network_alone(_LEAST_SCORE)) for scan in scans]),
        ("joined", _joined(scans, fusion)),
    ):
        Console().print(f"{name}: metric {froc_curve(curve).competition_metric:.3f} on the scans of the fit")
    content = {"about": _ABOUT, **asdict(fusion), "operating_score": operating_score}
    path = arguments.output or resource_path(FUSION)
    with written_atomically(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    Console().print(content)


def fit_fusion(scans: Sequence[Judged]) -> tuple[Fusion, float]:
    """Return the fusion that tells lesions best, and the least score with a false mark a scan at most."""
    best: tuple[float, Fusion] | None = None
    for alone in _ALONE:
        rows, labels, weights = (np.concatenate(part) for part in zip(*(_rows(scan, alone) for scan in scans)))
        # Products of the two have no part in it.
        found = fit_logistic(rows, labels, weights, np.array([0.0, _PENALTY, _PENALTY, *[_NO_PART] * 3]))
        bias, free, network = (round(float(value), 4) for value in found[:3])
        fusion = Fusion(bias, free, network, alone)
        metric = froc_curve(_joined(scans, fusion)).competition_metric
        if best is None or metric > best[0]:
            best = metric, fusion
    assert best is not None
    curve = froc_curve(_joined(scans, best[1]))
    allowed = curve.thresholds[1:][curve.false_positives_per_scan[1:] <= _MOST_FALSE_A_SCAN]
    return best[1], round(float(allowed.min(initial=1.0)), 3)


def _rows(scan: Judged, alone: float) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return both logits of each place, whether it is a lesion's middle, and its weight."""
    said = scan.said
    free = np.where(np.isnan(said.learning_free), alone, said.learning_free)
    logits = Fusion(0.0, 1.0, 0.0, alone).scores(free, said.by_network)
    columns = np.column_stack([logit(logits), np.clip(said.by_network, -8.0, 8.0)])
    lesions = lesions_of(said.positions_mm, scan.targets)
    weights = (lesions == -1).astype(float)
    for number in range(len(scan.targets)):
        on_it = lesions == number
        weights[on_it] = _LESION_WEIGHT / max(int(on_it.sum()), 1)
    judged = weights > 0
    return columns[judged], (lesions[judged] >= 0).astype(float), weights[judged]


def _joined(scans: Sequence[Judged], fusion: Fusion) -> list[ScanMatch]:
    return [_match(scan, scan.said.joined(fusion, _LEAST_SCORE)) for scan in scans]


def _match(scan: Judged, marks: Sequence[Candidate]) -> ScanMatch:
    return match_marks([Mark(mark.position_mm, mark.score) for mark in marks], scan.targets)


if __name__ == "__main__":
    main()
