"""Train the multi-view stage: `python -m Testing.Training.multi_view FOLDER`.

Makes the scans (kept in FOLDER, half an hour on two cores), trains on half of the patients and pairs to see the other
half, fits with that how the two opinions are joined, trains on all, and writes weights and fusion.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from rich.console import Console

from AIImagingLogic.models.builtin.candidate_score import ScoreWeights
from AIImagingLogic.models.builtin.multi_view_network import MultiViewNetwork
from AIImagingLogic.models.builtin.multi_view_score import ANY_DETECTOR, FUSIONS, WEIGHTS
from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.resources import resource_path
from Testing.Benchmarks.reporting import shared_data
from Testing.Training.multi_view_fit import EPOCHS, fit_network
from Testing.Training.multi_view_fusion import TwoOpinions, fit_fusion, two_opinions
from Testing.Training.multi_view_ratio import false_positive_ratio
from Testing.Training.multi_view_samples import Samples, candidates_of, make_samples
from Testing.Training.multi_view_scans import ScanName, kept_scan, training_scans
from Testing.Training.nodule_score import write_weights
from Testing.Training.nodule_score_cases import Case
from Testing.Training.nodule_score_fit import fit_score

SEED = 16
PAIRS, VARIANTS = 2, 6
DETECTOR = "ct-lung-nodules"
OPERATING_SCORE = 0.8
HELD_OUT_DETECTOR = Path(__file__).parent.parent / "Benchmarks" / "multi_view_detector.json"
"""The detector's score, fitted to the same scans as the stage: it has not seen the held-out patient either."""
_LEAST_SCORE = 0.02
_SCORED_VARIANTS = 5
"""Variants of a real CT that the detector's score is fitted to: more say little more, and the fit is slow."""
_ABOUT = (
    "Weights of 1, of the log odds of the detector's score, and of those of the views, by detector. "
    "Written by python -m Testing.Training.multi_view; see multi_view_score.py and the model card."
)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m Testing.Training.multi_view", description=__doc__)
    parser.add_argument("folder", type=Path, help="for the scans that are made")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="of each recipe (default %(default)s)")
    parser.add_argument("--variants", type=int, default=VARIANTS, help="of each real CT (default %(default)s)")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--processes", type=int, default=2, help="that work at a time (default %(default)s)")
    arguments = parser.parse_args()
    tell = Console().print
    names = training_scans(arguments.pairs, arguments.variants)
    with ProcessPoolExecutor(arguments.processes, get_context("spawn"), initializer=_one_thread) as pool:
        train(names, arguments.folder, arguments.seed, arguments.epochs, pool, tell)


def train(
    names: Sequence[ScanName], cache: Path, seed: int, epochs: int, pool: Executor, tell: Callable[[str], None]
) -> None:
    """Fit everything to the scans, kept in `cache`, and write it."""
    folder = shared_data() / "chest_ct"
    cases = list(pool.map(partial(_case, folder=folder, cache=cache), names, chunksize=2))
    everything = fit_score(_scored(names, cases), OPERATING_SCORE)
    write_weights(everything, HELD_OUT_DETECTOR)
    counts = list(pool.map(partial(_keep_samples, weights=everything, seed=seed, cache=cache), enumerate(names), cases))
    tell(f"samples of background {sum(row[0] for row in counts)}, on lesions {sum(row[1] for row in counts)}")
    left_out = [*halves(names), frozenset[str]()]
    inside = [[name for name in names if name.group not in out] for out in left_out]
    networks = pool.map(partial(_network, cache=cache, seed=seed, epochs=epochs), inside)
    some = [[case for name, case in zip(names, cases) if name in own] for own in inside[:-1]]
    detectors = pool.map(fit_score, map(_scored, inside, some), [OPERATING_SCORE] * len(some))
    *halved, network = list(networks)
    seen: list[TwoOpinions] = []
    for out, detector, other in zip(left_out, list(detectors), halved):
        seen += [
            opinions(name, case, _image(name, cache), detector, other)
            for name, case in zip(names, cases)
            if name.group in out
        ]
    weights = fit_fusion(seen, OPERATING_SCORE)
    for title, real in (("phantoms", False), ("people", True)):
        own = [(scan.alone(), scan.joined(weights)) for scan in seen if scan.real == real]
        tell(f"{title}, left out: {false_positive_ratio(own, OPERATING_SCORE)}")
    write_stage(network, weights)
    tell(f"fusion {weights}")


def halves(names: Sequence[ScanName]) -> list[frozenset[str]]:
    """Return the groups of each half: every other patient, and every other pair of each recipe."""
    people = list(dict.fromkeys(name.group for name in names if name.real))
    pairs = list(dict.fromkeys(name.group for name in names if not name.real))
    # Pairs of the two recipes take turns.
    mixed = [pairs[first::4] + pairs[3 - first :: 4] for first in (0, 1)]
    return [frozenset(people[first::2] + mixed[first]) for first in (0, 1)]


def opinions(
    name: ScanName, case: Case, image: sitk.Image, detector: ScoreWeights, network: MultiViewNetwork
) -> TwoOpinions:
    """Return what a score and a network say of a scan's candidates."""
    candidates = candidates_of(case, detector, _LEAST_SCORE)
    return two_opinions(image, candidates, case.targets, network, name.group, name.real)


def write_stage(network: MultiViewNetwork, weights: Sequence[float]) -> None:
    """Write the network (safetensors, float16) and the fusion where they travel with the program."""
    from safetensors.numpy import save

    folder = resource_path("models/scores")
    with written_atomically(folder / Path(WEIGHTS).name) as temporary:
        temporary.write_bytes(save({name: value.astype(np.float16) for name, value in network.weights.items()}))
    fusions = {DETECTOR: [round(value, 5) for value in weights], ANY_DETECTOR: [0.0, 0.5, 0.5]}
    with written_atomically(folder / Path(FUSIONS).name) as temporary:
        content = {"about": _ABOUT, "operating_score": OPERATING_SCORE, "fusions": fusions}
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _scored(names: Sequence[ScanName], cases: Sequence[Case]) -> list[Case]:
    return [case for name, case in zip(names, cases) if not name.real or name.number < _SCORED_VARIANTS]


def _case(name: ScanName, folder: Path, cache: Path) -> Case:
    return kept_scan(name, folder, cache)[1]


def _keep_samples(
    numbered: tuple[int, ScanName], case: Case, weights: ScoreWeights, seed: int, cache: Path
) -> tuple[int, int]:
    """Write the samples of a scan to `cache`; return how many are of background, how many on lesions."""
    number, name = numbered
    samples = make_samples(_image(name, cache), case, weights, np.random.default_rng([seed, number]))
    with written_atomically(cache / f"{name}_samples.npz") as temporary, temporary.open("wb") as stream:
        np.savez(stream, views=samples.views, lesion=samples.lesion)
    return int((~samples.lesion).sum()), int(samples.lesion.sum())


def _network(names: Sequence[ScanName], cache: Path, seed: int, epochs: int) -> MultiViewNetwork:
    """Return the network fitted to the samples of scans."""
    import torch

    torch.set_num_threads(1)
    samples = []
    for name in names:
        content = np.load(cache / f"{name}_samples.npz")
        samples.append(Samples(content["views"], content["lesion"], name.group, name.real))
    return fit_network(samples, seed, lambda line: Console().print(len(names), "scans,", line), epochs)


def _image(name: ScanName, cache: Path) -> sitk.Image:
    return sitk.ReadImage(str(cache / f"{name}.nrrd"))


def _one_thread() -> None:
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)


if __name__ == "__main__":
    main()
