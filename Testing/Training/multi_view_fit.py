"""The fit of the multi-view network to samples of scans; the same samples and seed give the same weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.multi_view_network import BRIGHTEST_HU, DARKEST_HU, MultiViewNetwork
from Testing.Training.multi_view_module import build_module
from Testing.Training.multi_view_samples import Samples

EPOCHS = 20
_BATCH, _RATE, _LEAST_RATE, _WARM = 64, 2e-3, 0.02, 20
_DECAY = 1e-3
_AVERAGED = 0.995
_VIEWS_FED = 4
_ALL_VIEWS_FROM = 0.9
"""A few views at random teach more a second; in the end all are fed, as they are when the network is used."""
_REAL_SHARE, _LESION_SHARE = 0.5, 0.45
_AS_USED_SHARE = 0.3
_OFFSET_HU, _NOISE_HU = 25.0, 25.0
_PER_HU = 1.0 / (BRIGHTEST_HU - DARKEST_HU)


def fit_network(
    samples: Sequence[Samples], seed: int, tell: Callable[[str], None], epochs: int = EPOCHS
) -> MultiViewNetwork:
    """Return the averaged weights after `epochs` of as many draws as there are samples."""
    import torch

    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    views = np.concatenate([part.views for part in samples])
    lesion = np.concatenate([part.lesion for part in samples])
    real = np.concatenate([np.full(len(part.lesion), part.real) for part in samples])
    chances = _chances(lesion, real)
    module = build_module().train()
    optimizer = torch.optim.AdamW(module.parameters(), _RATE, weight_decay=_DECAY)
    average = {name: value.clone() for name, value in module.state_dict().items()}
    steps = epochs * len(views) // _BATCH
    told: list[float] = []
    for step in range(steps):
        share = step / steps
        rate = max(_LEAST_RATE, 0.5 * (1 + math.cos(math.pi * share))) * min(1.0, (step + 1) / _WARM)
        for group in optimizer.param_groups:
            group["lr"] = _RATE * rate
        drawn = random.choice(len(views), _BATCH, p=chances)
        fed = _varied(views, drawn, share >= _ALL_VIEWS_FROM, random)
        logits = module(torch.from_numpy(fed))
        target = torch.from_numpy(lesion[drawn].astype(np.float32))
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        weight = min(_AVERAGED, (step + 1) / (step + 10))
        for name, value in module.state_dict().items():
            average[name].lerp_(value, 1 - weight)
        told.append(float(loss.detach()))
        if (step + 1) % max(steps // 12, 1) == 0:
            tell(f"step {step + 1} of {steps}: loss {np.mean(told):.4f}")
            told = []
    return MultiViewNetwork({name: value.half().float().numpy() for name, value in average.items()})


def _chances(lesion: NDArray[np.bool_], real: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how often each sample is drawn: people and phantoms, lesions and background by their shares."""
    chances = np.zeros(len(lesion))
    for person, share in ((True, _REAL_SHARE), (False, 1 - _REAL_SHARE)):
        for found, part in ((True, _LESION_SHARE), (False, 1 - _LESION_SHARE)):
            own = (real == person) & (lesion == found)
            chances[own] = share * part / max(int(own.sum()), 1)
    return chances / chances.sum()


def _varied(
    views: NDArray[np.uint8], drawn: NDArray[np.intp], all_views: bool, random: np.random.Generator
) -> NDArray[np.float32]:
    """Return samples turned round in their planes, brighter or darker, noisier; (B, V, C, SIDE, SIDE)."""
    frames = views.shape[1]
    frame = np.where(random.random(len(drawn)) < _AS_USED_SHARE, 0, random.integers(0, frames, len(drawn)))
    some = random.permutation(views.shape[2])[: None if all_views else _VIEWS_FED]
    fed = views[drawn, frame][:, some].astype(np.float32) / 255
    flips = random.random((*fed.shape[:2], 3)) < 0.5
    for number, view in np.ndindex(fed.shape[:2]):
        turned = fed[number, view]
        turned = turned[:, ::-1] if flips[number, view, 0] else turned
        turned = turned[:, :, ::-1] if flips[number, view, 1] else turned
        turned = np.swapaxes(turned, 1, 2) if flips[number, view, 2] else turned
        fed[number, view] = turned.copy()
    count = (len(drawn), 1, 1, 1, 1)
    fed += (random.normal(size=count) * _OFFSET_HU * _PER_HU).astype(np.float32)
    fed += random.standard_normal(fed.shape, np.float32) * (random.random(count) * _NOISE_HU * _PER_HU).astype(
        np.float32
    )
    return np.clip(fed, 0.0, 1.0)
