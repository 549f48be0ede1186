"""Trains a copy of a network on corrected cases until those kept for stopping get no better."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.models.finetune.label_loss import label_loss
from AIImagingLogic.models.finetune.training_volume import TrainingVolume
from AIImagingLogic.models.finetune.training_windows import drawn_window, training_window, varied
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress

if TYPE_CHECKING:
    import torch

_BATCH = 2
# Windows a case in one round: enough that rounds differ by what was learnt, not by which windows were drawn.
_WINDOWS = 8
_WEIGHT_DECAY = 1e-4
_LONGEST_GRADIENT = 1.0


@dataclass(frozen=True)
class AdaptationSettings:
    """How a network is adapted.

    Attributes
    ----------
    seed : the same seed, cases and machine give the same network
    rounds : at most so many
    patience : rounds without a better score after which it ends
    learning_rate : of AdamW; small, so that what the network knows stays
    minutes : no new round begins after these; None: no limit
    threads : of the CPU; None: as PyTorch is set
    """

    seed: int = 0
    rounds: int = 30
    patience: int = 5
    learning_rate: float = 5e-4
    minutes: float | None = 30.0
    threads: int | None = None


@dataclass(frozen=True)
class Adaptation:
    """What came of it.

    Attributes
    ----------
    scores : on the cases kept for stopping, before the first round and after each
    best : round whose weights the network has; 0: nothing got better, it is as it was
    notes : why it ended, when not because nothing got better
    """

    scores: tuple[float, ...]
    best: int
    notes: tuple[str, ...]


def adapt(
    module: torch.nn.Module,
    recipe: NetworkRecipe,
    volumes: Sequence[TrainingVolume],
    score: Callable[[], float],
    settings: AdaptationSettings,
    progress: Progress,
) -> Adaptation:
    """Train `module` in place; at the end it has the weights with the best score.

    Parameters
    ----------
    module : as `ParentNetwork.trainable_copy` gives it
    recipe : of the network
    volumes : to train on
    score : of the network on the cases kept for stopping; larger is better
    progress : told of each step; asked at each whether the user cancelled

    Raises
    ------
    ModelError
        The network does not take windows, or training makes numbers that are none.
    Cancelled
        The user cancelled.
    """
    import torch

    random = np.random.default_rng(settings.seed)
    shape = np.min([volume.labels.shape for volume in volumes], axis=0)
    window = _usable_window(module, recipe, [int(extent) for extent in shape])
    optimizer = torch.optim.AdamW(
        [parameter for parameter in module.parameters() if parameter.requires_grad],
        settings.learning_rate,
        weight_decay=_WEIGHT_DECAY,
    )
    began, notes = time.monotonic(), []
    scores, best, kept = [score()], 0, _state(module)
    for number in range(1, settings.rounds + 1):
        if settings.minutes is not None and time.monotonic() - began > 60 * settings.minutes:
            notes.append(f"It ended after {settings.minutes:g} minutes, before nothing got better.")
            break
        part = progress.part((number - 1) / settings.rounds, number / settings.rounds)
        _train_round(module, recipe, volumes, window, optimizer, random, part)
        scores.append(score())
        if scores[-1] > scores[best]:
            best, kept = number, _state(module)
        if number - best >= settings.patience:
            break
    module.load_state_dict(kept)
    return Adaptation(tuple(scores), best, tuple(notes))


def _train_round(
    module: torch.nn.Module,
    recipe: NetworkRecipe,
    volumes: Sequence[TrainingVolume],
    window: Sequence[int],
    optimizer: torch.optim.Optimizer,
    random: np.random.Generator,
    progress: Progress,
) -> None:
    import torch

    order = random.permutation(np.repeat(np.arange(len(volumes)), _WINDOWS))
    steps = [order[start : start + _BATCH] for start in range(0, len(order), _BATCH)]
    for number, chosen in enumerate(steps):
        progress.report(number / len(steps), "Learning from corrections")
        drawn = [drawn_window(volumes[case], window, recipe.padding_value, random) for case in chosen]
        values, labels = (torch.from_numpy(np.stack(items)) for items in zip(*drawn))
        values, labels = varied(values, labels, random)
        loss = label_loss(module(values), labels, recipe)
        if not bool(torch.isfinite(loss)):
            raise ModelError("Training left the range of numbers.", "Try a smaller learning rate.")
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), _LONGEST_GRADIENT)
        optimizer.step()


def _usable_window(module: torch.nn.Module, recipe: NetworkRecipe, shape: Sequence[int]) -> Sequence[int]:
    """Return the windows of training; the network's own where it takes no smaller ones."""
    import torch

    window = training_window(recipe, shape)
    own = [side if side > 0 else short for side, short in zip(recipe.window or (-1,) * 3, window)]
    for tried in (window, own):
        try:
            with torch.no_grad():
                module(torch.zeros(1, recipe.channels, *tried))
        except (RuntimeError, ValueError, AssertionError, IndexError):
            continue
        return tried
    raise ModelError("The network takes no windows that could be trained on.", "It cannot be adapted.")


def _state(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}
