"""Train the nodule network: `python -m Testing.Training.nodule_network FOLDER`.

First the lungs to train on are made and kept in the folder: generated ones, and the real chest CTs but LIDC-IDRI-0314.
Then patches are drawn from them, nodules painted in, and the network learns. Every step draws from the seed and the
step's number, and the state is kept every few steps: a run that was broken off goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk
from rich.console import Console

from AIImagingLogic.models.builtin.nodule_network.architecture import build_network
from AIImagingLogic.models.builtin.nodule_network.folding import folded
from AIImagingLogic.models.builtin.nodule_network.lung_grid import network_input
from Testing.Benchmarks.reporting import shared_data
from Testing.Training.nodule_patches import HardPlace, Sample, draw_sample
from Testing.Training.nodule_targets import CellTargets, loss_of, targets_of
from Testing.Training.nodule_volumes import REAL_CTS, Volume, generated_volumes, real_volume

if TYPE_CHECKING:
    import torch

PAIRS, STEPS, SEED = 12, 1800, 7
SIDE, SAMPLES = 64, 4
_RATE, _WARM, _LEAST_RATE = 2e-3, 60, 0.01
_AVERAGED = 0.995
_KEPT_EVERY, _TOLD_EVERY = 50, 25
_HARD_SCORE, _MOST_HARD = 0.25, 300
_STATE, _WEIGHTS = "state.pt", "weights.safetensors"
Batch = list[tuple[Sample, CellTargets]]


def main() -> None:
    """Make the lungs that are not there yet, then train until the steps are done."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path, help="for the lungs, the state and the weights")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="generated pairs of lungs (default %(default)s)")
    parser.add_argument("--steps", type=int, default=STEPS, help="(default %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--samples", type=int, default=SAMPLES, help="patches a step (default %(default)s)")
    parser.add_argument("--loaders", type=int, default=1, help="batches drawn at a time; more beside a GPU")
    parser.add_argument("--device", default="cpu", help="of PyTorch, such as cuda")
    arguments = parser.parse_args()
    import torch

    volumes = make_volumes(arguments.folder, arguments.pairs, arguments.threads)
    torch.set_num_threads(arguments.threads)
    train(
        arguments.folder,
        volumes,
        arguments.steps,
        arguments.seed,
        samples=arguments.samples,
        device=arguments.device,
        loaders=arguments.loaders,
    )


def make_volumes(folder: Path, pairs: int, processes: int) -> list[Volume]:
    """Return the lungs of `folder`, made first where they are not there: `pairs` generated ones, and the real ones."""
    folder.mkdir(parents=True, exist_ok=True)
    real = shared_data() / "chest_ct"
    makers = [(f"real-{number}", partial(_real, real, name)) for number, name in enumerate(REAL_CTS)]
    makers += [(f"generated-{number:03}", partial(generated_volumes, number)) for number in range(pairs)]
    with ProcessPoolExecutor(processes, get_context("spawn"), initializer=_one_thread) as pool:
        list(pool.map(partial(_made, folder), makers))
    return [Volume.load(path) for name, _ in makers for path in sorted(folder.glob(f"{name}-*.npz"))]


def train(
    folder: Path,
    volumes: Sequence[Volume],
    steps: int,
    seed: int,
    side: int = SIDE,
    samples: int = SAMPLES,
    device: str = "cpu",
    loaders: int = 1,
) -> Path:
    """Train, or go on, and return the file of averaged weights (safetensors, float16, normalisation folded).

    Parameters
    ----------
    side, samples : voxels along each axis of a patch, and patches a step
    device : of PyTorch
    loaders : batches that are drawn at a time, ahead of the network
    """
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    module = build_network(normalised=True).train().to(device).to(memory_format=torch.channels_last_3d)
    optimizer = torch.optim.AdamW(module.parameters(), _RATE, weight_decay=1e-4)
    average = {name: value.clone() for name, value in module.state_dict().items()}
    hard: list[HardPlace] = []
    first = 0
    if (folder / _STATE).is_file():
        kept: Any = torch.load(folder / _STATE, weights_only=True, map_location=device)
        module.load_state_dict(kept["module"])
        optimizer.load_state_dict(kept["optimizer"])
        average, first = kept["average"], kept["step"]
        hard = [HardPlace(volume, tuple(place)) for volume, place in json.loads(kept["hard"])]
    told: list[float] = []
    began = time.monotonic()

    with ThreadPoolExecutor(loaders) as pool:
        waiting: deque[Future[Batch]] = deque()
        for step in range(first, first + loaders):
            waiting.append(pool.submit(_batch, volumes, list(hard), side, _randoms(seed, step, samples)))
        for step in range(first, steps):
            current = waiting.popleft().result()
            waiting.append(pool.submit(_batch, volumes, list(hard), side, _randoms(seed, step + loaders, samples)))
            rate = max(_LEAST_RATE, 0.5 * (1 + math.cos(math.pi * step / steps))) * min(1.0, (step + 1) / _WARM)
            for group in optimizer.param_groups:
                group["lr"] = _RATE * rate
            told.append(_step(module, optimizer, current, hard, np.random.default_rng((seed, step, samples))))
            weight = min(_AVERAGED, (step + 1) / (step + 10))
            for name, value in module.state_dict().items():
                if value.is_floating_point():
                    average[name].lerp_(value, 1 - weight)
            if (step + 1) % _TOLD_EVERY == 0:
                seconds = (time.monotonic() - began) / len(range(first, step + 1))
                Console().print(
                    f"{step + 1} of {steps}: loss {np.mean(told):.3f}, {len(hard)} hard places, {seconds:.2f} s a step"
                )
                told = []
            if (step + 1) % _KEPT_EVERY == 0 or step + 1 == steps:
                _keep(folder, module, optimizer, average, step + 1, hard)
    return folder / _WEIGHTS


def _keep(
    folder: Path,
    module: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    average: dict[str, torch.Tensor],
    step: int,
    hard: Sequence[HardPlace],
) -> None:
    import torch
    from safetensors.torch import save_file

    places = json.dumps([[place.volume, place.place] for place in hard])
    state = {"module": module.state_dict(), "optimizer": optimizer.state_dict(), "average": average}
    torch.save({**state, "step": step, "hard": places}, folder / f"{_STATE}.part")
    (folder / f"{_STATE}.part").replace(folder / _STATE)
    plain = {name: value.half().cpu().contiguous() for name, value in folded(average).items()}
    save_file(plain, str(folder / f"{_WEIGHTS}.part"))
    (folder / f"{_WEIGHTS}.part").replace(folder / _WEIGHTS)


def _randoms(seed: int, step: int, samples: int) -> list[np.random.Generator]:
    return [np.random.default_rng((seed, step, number)) for number in range(samples)]


def _batch(
    volumes: Sequence[Volume], hard: Sequence[HardPlace], side: int, randoms: Sequence[np.random.Generator]
) -> Batch:
    samples = [draw_sample(volumes, hard, side, random) for random in randoms]
    return [(sample, targets_of(sample)) for sample in samples]


def _step(
    module: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: Batch,
    hard: list[HardPlace],
    random: np.random.Generator,
) -> float:
    """Learn from a batch, note where the network was surest of a nodule that is none, and return the loss."""
    import torch

    device = next(module.parameters()).device
    fed = torch.from_numpy(np.stack([network_input(sample.hu.astype(np.float32)) for sample, _ in batch]))[:, None]
    asked = [
        torch.from_numpy(np.stack([getattr(target, name) for _, target in batch])).to(device)
        for name in ("heat", "judged", "offsets", "radii")
    ]
    # Half precision where the sums allow it: three times as quick on processors that have it.
    with torch.autocast(device.type, torch.bfloat16):
        given = module(fed.to(device).to(memory_format=torch.channels_last_3d))
    given = given.float()
    loss = loss_of(given, *asked)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(module.parameters(), 5.0)
    optimizer.step()
    heats = given[:, 0].detach().sigmoid().cpu().numpy()
    for heat, (sample, target) in zip(heats, batch):
        wrong = heat * target.judged * (target.heat < 0.1)
        cell = np.array(np.unravel_index(int(wrong.argmax()), wrong.shape))
        if wrong.max() > _HARD_SCORE:
            place = sample.place(np.asarray(cell * 4.0 + 1.5, float))
            if len(hard) < _MOST_HARD:
                hard.append(place)
            else:
                hard[int(random.integers(_MOST_HARD))] = place
    return float(loss.detach())


def _made(folder: Path, maker: tuple[str, partial[list[Volume]]]) -> None:
    name, make = maker
    if not any(folder.glob(f"{name}-*.npz")):
        for number, volume in enumerate(make()):
            volume.save(folder / f"{name}-{number}.npz")


def _real(folder: Path, name: str) -> list[Volume]:
    return [real_volume(folder, name)]


def _one_thread() -> None:
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)


if __name__ == "__main__":
    main()
