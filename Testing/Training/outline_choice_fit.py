"""Fits the score of outlines to choices whose outcome is known: that the chosen one's Dice is as large as can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from AIImagingLogic.models.builtin.prompted_outline.offer_features import FEATURES
from Testing.Training.outline_choice_play import Choice

STEPS = 1500
NETWORKS = 4
_HIDDEN = (24, 12)
_BATCH = 128
_RATE = 3e-3
_DECAY = 1e-3
# Scores this far apart are chosen between by chance alone; the smaller, the harder the choice.
_SOFTNESS = 0.05
_PER_ERROR = 0.5
_JITTER = 0.2
_WEIGHT = {"made": 1.0, "implant": 1.0, "organ": 1.0, "structure": 1.0}
_FARTHEST = 20.0
_DIGITS = 5


def fitted(choices: Sequence[Choice], seed: int = 0, steps: int = STEPS) -> dict[str, Any]:
    """Return the content of the score's file, fitted to choices; the same for the same seed."""
    import torch

    rows = [np.clip(choice.features, -_FARTHEST, _FARTHEST) for choice in choices]
    every = np.concatenate(rows)
    mean, deviation = every.mean(axis=0), every.std(axis=0) + 1e-3
    most = max(len(row) for row in rows)
    features = torch.zeros(len(rows), most, len(FEATURES))
    dice, real = torch.zeros(len(rows), most), torch.zeros(len(rows), most, dtype=torch.bool)
    for number, (row, choice) in enumerate(zip(rows, choices, strict=True)):
        features[number, : len(row)] = torch.from_numpy((row - mean) / deviation)
        dice[number, : len(row)] = torch.from_numpy(choice.dice)
        real[number, : len(row)] = True
    weight = torch.tensor([_WEIGHT[choice.kind] for choice in choices])
    networks = [_network(features, dice, real, weight, seed + number, steps) for number in range(NETWORKS)]
    return {
        "features": list(FEATURES),
        "mean": _rounded(mean),
        "deviation": _rounded(deviation),
        "networks": [
            [
                {"weights": _rounded(layer.weight.detach().numpy().T), "shifts": _rounded(layer.bias.detach().numpy())}
                for layer in layers
            ]
            for layers in networks
        ],
    }


def _network(features: Any, dice: Any, real: Any, weight: Any, seed: int, steps: int) -> list[Any]:
    """Return the layers of one network, fitted to choices (C, N, F) with Dice and whether there is one (C, N)."""
    import torch

    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    sizes = (len(FEATURES), *_HIDDEN, 1)
    layers = [torch.nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:], strict=True)]
    network = torch.nn.Sequential(*[part for layer in layers for part in (torch.nn.ReLU(), layer)][1:])
    optimiser = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        picked = torch.from_numpy(random.choice(len(features), _BATCH))
        values = features[picked]
        expected = network(values + _JITTER * torch.randn_like(values))[..., 0]
        held, truth = real[picked], dice[picked]
        chances = torch.softmax(torch.where(held, expected / _SOFTNESS, torch.tensor(-1e9)), dim=1)
        lost = truth.max(dim=1).values - (chances * truth).sum(dim=1)
        error = (((expected - truth) ** 2) * held).sum(dim=1) / held.sum(dim=1)
        loss = (weight[picked] * (lost + _PER_ERROR * error)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return layers


def _rounded(values: Any) -> Any:
    return np.round(np.asarray(values, float), _DIGITS).tolist()
