"""Train the multi-view stage: `python -m Testing.Training.multi_view FOLDER`.

Makes the scans (kept in FOLDER, half an hour on two cores), trains on half of the patients and pairs to see the other
half, fits with that how the two opinions are joined, trains on all, and writes weights and fusion.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
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
PAIRS, VARIANTS = 10, 24
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
    parser.add_argument("--processes", type=int, default=2, help="scans made at a time, threads of the fit")
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(arguments.processes)
    tell = Console().print
    names = training_scans(arguments.pairs, arguments.variants)
    folder = shared_data() / "chest_ct"
    with ProcessPoolExecutor(arguments.processes, get_context("spawn"), initializer=_one_thread) as pool:
        cases = list(pool.map(partial(_case, folder=folder, cache=arguments.folder), names, chunksize=2))
    fit = partial(fit_network, seed=arguments.seed, tell=tell, epochs=arguments.epochs)
    train(names, cases, partial(_image, cache=arguments.folder), fit, tell, arguments.seed)


def train(
    names: Sequence[ScanName],
    cases: Sequence[Case],
    image_of: Callable[[ScanName], sitk.Image],
    fit: Callable[[Sequence[Samples]], MultiViewNetwork],
    tell: Callable[[str], None],
    seed: int,
) -> None:
    """Fit everything to the scans and write it."""
    everything = fit_score(_scored(names, cases), OPERATING_SCORE)
    write_weights(everything, HELD_OUT_DETECTOR)
    samples = [
        make_samples(image_of(name), case, everything, np.random.default_rng([seed, number]))
        for number, (name, case) in enumerate(zip(names, cases))
    ]
    tell(
        f"samples: {sum(len(part.lesion) for part in samples)}, on lesions {sum(part.lesion.sum() for part in samples)}"
    )
    seen: list[TwoOpinions] = []
    for left_out in halves(names):
        inside = [name.group not in left_out for name in names]
        detector = fit_score(_scored(*_those(inside, names, cases)), OPERATING_SCORE)
        network = fit(_those(inside, samples)[0])
        for name, case in zip(*_those([not one for one in inside], names, cases)):
            seen.append(opinions(name, case, image_of(name), detector, network))
    weights = fit_fusion(seen, OPERATING_SCORE)
    for title, some in (("phantoms", False), ("people", True)):
        own = [(scan.alone(), scan.joined(weights)) for scan in seen if scan.real == some]
        tell(f"{title}, left out: {false_positive_ratio(own, OPERATING_SCORE)}")
    write_stage(fit(samples), weights)
    tell(f"fusion {weights}")


def halves(names: Sequence[ScanName]) -> list[frozenset[str]]:
    """Return the groups of each half: every other pair, and every other patient."""
    people = list(dict.fromkeys(name.group for name in names if name.real))
    pairs = list(dict.fromkeys(name.group for name in names if not name.real))
    return [frozenset(people[first::2] + pairs[first::2]) for first in (0, 1)]


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


def _those(chosen: Sequence[bool], *lists: Sequence) -> list[list]:
    return [[item for item, wanted in zip(items, chosen) if wanted] for items in lists]


def _scored(names: Sequence[ScanName], cases: Sequence[Case]) -> list[Case]:
    return [case for name, case in zip(names, cases) if not name.real or name.number < _SCORED_VARIANTS]


def _case(name: ScanName, folder: Path, cache: Path) -> Case:
    return kept_scan(name, folder, cache)[1]


def _image(name: ScanName, cache: Path) -> sitk.Image:
    return sitk.ReadImage(str(cache / f"{name}.nrrd"))


def _one_thread() -> None:
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)


if __name__ == "__main__":
    main()
