"""Fit the nodule score: make the cases, print what cross-validation says, write the weights.

Takes about twenty minutes on two cores. On one machine the same command writes the same weights; elsewhere rounding may
choose other background candidates to stand for the rest, which moves weights by a few hundredths.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import SimpleITK as sitk
from rich.console import Console
from rich.table import Table

from AIImagingLogic.models.builtin.candidate_features import FEATURES
from AIImagingLogic.models.builtin.candidate_score import RESOURCE, ScoreWeights
from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.resources import resource_path
from Testing.Benchmarks.reporting import shared_data
from Testing.Training.nodule_score_cases import Case
from Testing.Training.nodule_score_fit import fit_score
from Testing.Training.nodule_score_phantoms import phantom_cases
from Testing.Training.nodule_score_real import KNOWN_NODULE_PATIENT, REAL_CTS, VARIANTS, real_case
from Testing.Training.nodule_score_validation import LeftOut, cross_validated, froc_rows, rank_of_first_target

OPERATING_SCORE = 0.8
"""Where cross-validation on phantoms shows few false marks a scan before the sensitivity begins to fall."""
_ABOUT = (
    "Weights of the score of ct-lung-nodules: logistic, of standardised features and their products. "
    "Written by python -m Testing.Training.nodule_score; see candidate_score.py and the model card."
)
_DECIMALS = 5


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m Testing.Training.nodule_score", description=__doc__)
    parser.add_argument("--output", type=Path, help="file to write; default: the one that travels with the program")
    parser.add_argument("--phantoms", type=int, default=15, help="number of phantom pairs (default %(default)s)")
    parser.add_argument("--harder", type=int, default=12, help="number of harder phantom pairs (default %(default)s)")
    parser.add_argument("--processes", type=int, default=2, help="cases made at a time (default %(default)s)")
    arguments = parser.parse_args()
    console = Console()
    cases = make_cases(arguments.phantoms, arguments.harder, shared_data() / "chest_ct", arguments.processes)
    for table in validation_tables(cross_validated(cases)):
        console.print(table)
    output = arguments.output or resource_path(RESOURCE)
    write_weights(fit_score(cases, OPERATING_SCORE), output)
    console.print(f"Wrote {output}")


def make_cases(phantoms: int, harder: int, folder: Path, processes: int) -> list[Case]:
    """Return the cases: `phantoms` tuning and `harder` harder pairs, and every variant of every real CT of `folder`."""
    makers = [partial(phantom_cases, seed) for seed in range(phantoms)]
    makers += [partial(phantom_cases, seed, harder=True) for seed in range(harder)]
    makers += [partial(_real_cases, folder, name) for name in REAL_CTS]
    with ProcessPoolExecutor(processes, get_context("spawn"), initializer=_one_thread) as pool:
        return [case for cases in pool.map(_call, makers) for case in cases]


def validation_tables(scans: Sequence[LeftOut]) -> list[Table]:
    """Return a table of sensitivity against false positives, and one of the known nodule of a real CT."""
    froc = Table("Left out of the fit", "Scans", "Lesions", "At", "Sensitivity", "False positives a scan")
    names = {scan.case.group if scan.case.real else "phantoms": None for scan in scans}
    for name in names:
        own = [scan for scan in scans if name == (scan.case.group if scan.case.real else "phantoms")]
        for implants, some in ((False, [s for s in own if _is_plain(s)]), (True, [s for s in own if not _is_plain(s)])):
            lesions = sum(len(scan.match.hit_scores) for scan in some)
            title = f"{name}, with implants" if implants and some and some[0].case.real else name
            for at, sensitivity, false_positives in froc_rows(some) if some else []:
                shown = f"{sensitivity:.3f}" if lesions else ""
                froc.add_row(title, str(len(some)), str(lesions), at, shown, f"{false_positives:.2f}")
    known = Table("Real nodule, its CT left out", "Rank", "Score", "Others above the operating score")
    for scan in scans:
        if scan.case.group == KNOWN_NODULE_PATIENT:
            rank = rank_of_first_target(scan)
            score = scan.match.hit_scores[0]
            others = sum(value >= OPERATING_SCORE for value in scan.match.false_positive_scores)
            known.add_row(scan.case.name, str(rank), "missed" if score is None else f"{score:.3f}", str(others))
    return [froc, known]


def write_weights(weights: ScoreWeights, path: Path) -> None:
    """Write `weights` as the JSON that the program reads: one line a field."""
    content = {
        "about": _ABOUT,
        "operating_score": weights.operating_score,
        "features": list(FEATURES),
        "mean": weights.mean.round(_DECIMALS).tolist(),
        "deviation": weights.deviation.round(_DECIMALS).tolist(),
        "weights": weights.weights.round(_DECIMALS).tolist(),
    }
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(value)}" for name, value in content.items())
    with written_atomically(path) as temporary:
        temporary.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def _is_plain(scan: LeftOut) -> bool:
    return scan.case.real and scan.case.name.endswith(VARIANTS[0].name)


def _real_cases(folder: Path, name: str) -> list[Case]:
    return [real_case(folder, name, variant) for variant in VARIANTS]


def _call(maker: partial[list[Case]]) -> list[Case]:
    return maker()


def _one_thread() -> None:
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)


if __name__ == "__main__":
    main()
