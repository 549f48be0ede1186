"""Train the prompted network on generated shapes: `python -m Testing.Training.prompted_network FOLDER`.

Every step draws its sample from the seed and the step's number, and the state is kept every few steps: a run that was
broken off goes on where it was, and the same seed and number of steps give the same weights on the same machine.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from AIImagingLogic.models.prompted_network.architecture import build_network
from AIImagingLogic.models.prompted_network.network_input import network_input
from Testing.Training.prompted_clicks import Clicker, spoilt
from Testing.Training.prompted_shapes import make_sample

if TYPE_CHECKING:
    import torch

SIDE = 32
STEPS = 1500
SEED = 6
_STATE = "state.pt"
_RATE, _WARM, _LEAST_RATE = 2e-3, 100, 0.02
_SAMPLES = 2
_KEPT_EVERY, _TOLD_EVERY = 50, 25
_AVERAGED = 0.995
_PROPOSAL, _BOX = 0.25, 0.25
_MOST_CLICKS = 3
# Objects fill a small part of a window: without more weight, an empty outline would be the first thing learnt.
_OBJECT_WEIGHT = 4.0


def main() -> None:
    """Train until the steps are done."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path, help="for the state and the weights")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--side", type=int, default=SIDE, help="of the windows, in voxels")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu", help="of PyTorch, such as cuda")
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(arguments.threads)
    train(arguments.folder, arguments.steps, arguments.seed, arguments.side, arguments.device)


def train(folder: Path, steps: int, seed: int, side: int, device: str = "cpu") -> Path:
    """Train, or go on, and return the file of averaged weights (safetensors, float16)."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    module = build_network().train().to(device)
    optimizer = torch.optim.AdamW(module.parameters(), _RATE, weight_decay=1e-4)
    average = {name: value.clone() for name, value in module.state_dict().items()}
    first = 0
    if (folder / _STATE).is_file():
        kept: Any = torch.load(folder / _STATE, weights_only=True, map_location=device)
        module.load_state_dict(kept["module"])
        optimizer.load_state_dict(kept["optimizer"])
        average, first = kept["average"], kept["step"]
    told: list[tuple[float, float]] = []
    began = time.monotonic()
    for step in range(first, steps):
        share = step / steps
        rate = max(_LEAST_RATE, 0.5 * (1 + math.cos(math.pi * share))) * min(1.0, (step + 1) / _WARM)
        for group in optimizer.param_groups:
            group["lr"] = _RATE * rate
        told.append(_step(module, optimizer, np.random.default_rng((seed, step)), side))
        weight = min(_AVERAGED, (step + 1) / (step + 10))
        for name, value in module.state_dict().items():
            average[name].lerp_(value, 1 - weight)
        if (step + 1) % _TOLD_EVERY == 0:
            loss, dice = np.mean(told, axis=0)
            seconds = (time.monotonic() - began) / len(range(first, step + 1))
            Console().print(f"{step + 1} of {steps}: loss {loss:.3f}, Dice {dice:.3f}, {seconds:.2f} s a step")
            told = []
        if (step + 1) % _KEPT_EVERY == 0 or step + 1 == steps:
            state = {"module": module.state_dict(), "optimizer": optimizer.state_dict(), "average": average}
            torch.save({**state, "step": step + 1}, folder / f"{_STATE}.part")
            (folder / f"{_STATE}.part").replace(folder / _STATE)
            save_file(
                {name: value.half().cpu().contiguous() for name, value in average.items()}, str(folder / "weights.part")
            )
            (folder / "weights.part").replace(folder / "weights.safetensors")
    return folder / "weights.safetensors"


def _step(
    module: torch.nn.Module, optimizer: torch.optim.Optimizer, random: np.random.Generator, side: int
) -> tuple[float, float]:
    """Learn from a few samples at each of their clicks; return loss and Dice after the last click."""
    import torch

    samples = [make_sample(random, side) for _ in range(_SAMPLES)]
    clickers = [Clicker(sample.truth, random) for sample in samples]
    images = [sample.image for sample in samples]
    device = next(module.parameters()).device
    truths = torch.from_numpy(np.stack([sample.truth for sample in samples]))[:, None].float().to(device)
    before = np.zeros((_SAMPLES, *samples[0].truth.shape), np.float32)
    start = random.random(_SAMPLES)
    for number, clicker in enumerate(clickers):
        if start[number] < _PROPOSAL:
            before[number] = spoilt(clicker.truth, random)
        elif start[number] < _PROPOSAL + _BOX:
            clicker.box()
    boxed = [_PROPOSAL <= value < _PROPOSAL + _BOX for value in start]
    weight, loss_of, dice_of = torch.tensor(_OBJECT_WEIGHT, device=device), 0.0, 0.0
    for number in range(int(random.integers(1, _MOST_CLICKS + 1))):
        for clicker, outline, box in zip(clickers, before, boxed):
            if number > 0 or not box:
                clicker.click(outline > 0.5)
        fed = [network_input(i, c.inside, c.outside, c.around, b) for i, c, b in zip(images, clickers, before)]
        logits = module(torch.from_numpy(np.stack(fed)).to(device))
        probabilities = logits.sigmoid()
        both, sizes = (probabilities * truths).sum((1, 2, 3, 4)), (probabilities + truths).sum((1, 2, 3, 4))
        entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, truths, pos_weight=weight)
        loss = entropy + 1 - ((2 * both + 1) / (sizes + 1)).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        before = probabilities.detach()[:, 0].cpu().numpy()
        found = before > 0.5
        true = truths[:, 0].cpu().numpy() > 0.5
        loss_of = float(loss.detach())
        dice_of = float(np.mean([2 * (f & t).sum() / max(f.sum() + t.sum(), 1) for f, t in zip(found, true)]))
    return loss_of, dice_of


if __name__ == "__main__":
    main()
