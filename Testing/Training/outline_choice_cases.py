"""Objects with a truth on which the choice of an outline is fitted: made ones, implants, and structures of real images.

Of the structures of the interactive benchmark only those are here that it says the engine was tuned on; neither the
others, nor their mirror images in the same CT.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from Testing.Benchmarks.interactive_cases import STRUCTURES, cases, largest_part
from Testing.Training.prompted_shapes import make_sample

Mask = NDArray[np.bool_]

_SIDE = 64
_FEWEST_VOXELS = 60
_ABDOMEN = ("abdomen_ct/example_ct.nii.gz", "abdomen_ct/example_seg_fast_force_split.nii.gz")
_FEWEST_OF_ORGAN = 150
# Spleen, stomach, both hip bones, both psoas muscles: the benchmark measures one of each.
_LEFT_OUT = (1, 6, 77, 78, 88, 89)
_ORGAN_TURNS, _STRUCTURE_TURNS, _SLAB_TURNS = 4, 5, 3
_FEWEST_IN_SLICE = 12
_HOSTS = (
    "brain_mr/ms_p01_study1_FLAIR.nii.gz",
    "pet_ct/STS_001_PET_image.nii.gz",
    "abdomen_ct/example_ct.nii.gz",
    "pet_ct/STS_001_CT_image.nii.gz",
    "body_mr/breast1_image.nrrd",
    "brain_mr/brain1_image.nrrd",
    "pet_ct/STS_001_MR_T1_image.nii.gz",
)


@dataclass(frozen=True)
class Case:
    """An image, the object to outline in it (k, j, i), and of which kind it is."""

    name: str
    kind: str
    image: sitk.Image
    truth: Mask
    seed: int


def all_cases(folder: Path, made: int, implants: int, number: int = 0) -> Iterator[Case]:
    """Yield the cases of a round: so many made and so many implants, and those of the real images in `folder`."""
    for case in chain(_organs(folder), _slabs(folder), _structures(folder)):
        yield replace(case, seed=case.seed + 100_000 * number)
    for seed in range(number * implants, (number + 1) * implants):
        yield from _implant(folder, seed)
    for seed in range(number * made, (number + 1) * made):
        yield from _made(seed)


def _made(seed: int) -> Iterator[Case]:
    random = np.random.default_rng(seed)
    sample = make_sample(random, _SIDE)
    edge, thick = float(np.exp(random.uniform(np.log(0.5), np.log(4)))), 1
    if random.random() < 0.4:
        thick = int(random.integers(2, 5))
    image = sitk.GetImageFromArray(100 * sample.image[::thick].astype(np.float32))
    image.SetSpacing((edge, edge, edge * thick))
    truth = largest_part(sample.truth[::thick])
    if truth.sum() >= _FEWEST_VOXELS:
        yield Case(f"made {seed}", "made", image, truth, seed)


def _organs(folder: Path) -> Iterator[Case]:
    image = sitk.ReadImage(str(folder / _ABDOMEN[0]))
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / _ABDOMEN[1])))
    values, counts = np.unique(labels, return_counts=True)
    for value in values[(values > 0) & (counts >= _FEWEST_OF_ORGAN)]:
        if value not in _LEFT_OUT:
            truth = largest_part(labels == value)
            for turn in range(_ORGAN_TURNS):
                yield Case(f"organ {value}", "organ", image, truth, 100 * int(value) + turn)


def _slabs(folder: Path) -> Iterator[Case]:
    """Yield organs in one to four slices of the CT, as some series have them, and plain images."""
    seen = set()
    for case in _organs(folder):
        if case.name in seen:
            continue
        seen.add(case.name)
        random = np.random.default_rng(case.seed)
        for turn in range(_SLAB_TURNS):
            count = int(random.integers(1, 5))
            held = np.flatnonzero(case.truth.sum(axis=(1, 2)) >= _FEWEST_IN_SLICE)
            if not len(held):
                continue
            first = min(int(random.choice(held)), case.truth.shape[0] - count)
            truth = largest_part(case.truth[first : first + count])
            image = case.image[:, :, first : first + count]
            yield Case(f"slab of {case.name}", "organ", image, truth, 50_000 + case.seed + turn)


def _structures(folder: Path) -> Iterator[Case]:
    names = tuple(s.name for s in STRUCTURES if s.tuning and s.image != _ABDOMEN[0])
    for number, case in enumerate(cases(folder, names)):
        for turn in range(_STRUCTURE_TURNS):
            yield Case(case.name, "structure", case.image, case.truth, 20_000 + 100 * number + turn)


def _implant(folder: Path, seed: int) -> Iterator[Case]:
    """Yield a lobed ball of another brightness in a real image, soft at its border."""
    random = np.random.default_rng(10_000 + seed)
    host = sitk.ReadImage(str(folder / _HOSTS[seed % len(_HOSTS)]), sitk.sitkFloat32)
    values = sitk.GetArrayFromImage(host)
    spacing = np.array(host.GetSpacing())[::-1]
    radius_mm = float(np.exp(random.uniform(np.log(2.5), np.log(45))))
    bright = np.argwhere(values[::3, ::3, ::3] > np.percentile(values, 60)) * 3
    center = bright[random.integers(len(bright))]
    reach = np.ceil(2.8 * radius_mm / spacing).astype(int)
    where = tuple(
        slice(max(int(c - r), 0), min(int(c + r + 1), n)) for c, r, n in zip(center, reach, values.shape, strict=True)
    )
    lines = [(np.arange(s.start, s.stop) - c) * d for s, c, d in zip(where, center, spacing, strict=True)]
    places = np.stack(np.meshgrid(*lines, indexing="ij"))
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    stretch = np.exp(random.uniform(-0.4, 0.4, 3)) * (1.0, 1.0, random.choice((1.0, 1.0, 1.0, 2.5)))
    away = np.linalg.norm(np.tensordot(turn, places, 1) / (radius_mm * stretch)[:, None, None, None], axis=0)
    lobes = ndimage.gaussian_filter(random.normal(size=away.shape), np.maximum(radius_mm / 2 / spacing, 0.5))
    held = 1 - away + random.uniform(0, 0.4) * lobes / (lobes.std() + 1e-6) > 0
    truth = np.zeros(values.shape, bool)
    truth[where] = held
    if truth.sum() < _FEWEST_VOXELS:
        return
    truth = largest_part(truth)
    held = truth[where]
    around = values[where]
    noise = float(np.std(np.diff(around, axis=2))) + 1e-3
    contrast = float(random.choice((-1, 1)) * np.exp(random.uniform(np.log(1.5), np.log(10)))) * noise
    share = ndimage.gaussian_filter(held.astype(np.float32), random.uniform(0.4, 1.2))
    filled = random.uniform(0, 0.8) * share
    values[where] = around * (1 - filled) + filled * float(around[held].mean()) + contrast * share
    image = sitk.GetImageFromArray(values)
    image.CopyInformation(host)
    yield Case(f"implant {seed}", "implant", image, truth, 30_000 + seed)
