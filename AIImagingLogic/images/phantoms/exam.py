"""The recipes: the exam's pairs, pairs of the same kind for tuning, and one pair that shows everything."""

from __future__ import annotations

import math

import numpy as np

from AIImagingLogic.images.phantoms.breathing import BreathingField
from AIImagingLogic.images.phantoms.recipe import NoduleRecipe, PairRecipe, ScanRecipe
from AIImagingLogic.images.phantoms.thorax import Physique

_EXAM_STREAM = 7301
_TUNING_STREAM = 4519
_HARDER_TUNING_STREAM = 9307
# Shares of attached and of subsolid nodules; the exam is the harder one.
_EXAM_SHARES = (0.45, 0.35)
_TUNING_SHARES = (0.35, 0.3)
_COURSES = ("growing", "stable", "shrinking", "new", "gone")
_COURSE_ODDS = (0.26, 0.42, 0.1, 0.12, 0.1)
_QUIET_COURSE_ODDS = (0.0, 0.75, 0.12, 0.0, 0.13)
_QUIET_SHARE = 0.35
# Most patients have small nodules only: without them every pair would be of the highest category.
_LARGEST_MM = (7.8, 11.0, 19.5)
_LARGEST_ODDS = (0.3, 0.35, 0.35)


def exam_recipe(seed: int) -> PairRecipe:
    """Return pair `seed` of the exam: for the benchmark alone, nothing is tuned on it."""
    return _recipe(_EXAM_STREAM, seed, *_EXAM_SHARES)


def tuning_recipe(seed: int) -> PairRecipe:
    """Return pair `seed` of the pairs to tune on: like the exam's, with fewer attached nodules, never one of them."""
    return _recipe(_TUNING_STREAM, seed, *_TUNING_SHARES)


def harder_tuning_recipe(seed: int) -> PairRecipe:
    """Return pair `seed` of other pairs to tune on: with the exam's shares of attached and subsolid nodules.

    The pairs of `tuning_recipe` hold too few ground-glass nodules on vessels to learn them from.
    """
    return _recipe(_HARDER_TUNING_STREAM, seed, *_EXAM_SHARES)


def demo_recipe() -> PairRecipe:
    """Return the pair that shows every kind and course once."""
    nodules = (
        NoduleRecipe("solid", "none", "growing", 7.5, volume_factor=2.4, density_hu=35),
        NoduleRecipe("solid", "pleura", "stable", 9.0, volume_factor=1.01, density_hu=40),
        NoduleRecipe("solid", "vessel", "shrinking", 8.5, volume_factor=0.45, density_hu=30),
        NoduleRecipe("part-solid", "none", "growing", 15.0, 1.45, 2.6, density_hu=-600, core_hu=25, core_share=0.42),
        NoduleRecipe("ground-glass", "none", "stable", 12.0, volume_factor=1.02, density_hu=-620),
        NoduleRecipe("calcified", "none", "stable", 6.5, density_hu=420),
        NoduleRecipe("solid", "none", "new", 7.0, density_hu=30),
        NoduleRecipe("solid", "pleura", "gone", 7.0, density_hu=30),
    )
    return PairRecipe(
        seed=2025,
        baseline=ScanRecipe(in_plane_mm=0.9, slice_mm=1.5, noise_hu=20),
        followup=ScanRecipe(in_plane_mm=0.88, slice_mm=1.25, noise_hu=22),
        breathing=BreathingField(14.0, 3.0, 1.5, (0.4, 2.0), (1.5, -1.0, 2.0), (4.0, 0.0, -6.0)),
        nodules=nodules,
    )


def _recipe(stream: int, seed: int, attached_share: float, subsolid_share: float) -> PairRecipe:
    random = np.random.default_rng([stream, seed])
    inspiration = random.choice([-1.0, 1.0], p=[0.4, 0.6])
    breathing = BreathingField(
        diaphragm_mm=float(inspiration * random.uniform(10, 25)),
        lateral_mm=float(inspiration * random.uniform(2, 5)),
        bend_mm=float(random.uniform(1, 2.5)),
        phases=(float(random.uniform(0, 6.28)), float(random.uniform(0, 6.28))),
        rotation_deg=(
            float(random.uniform(-2.5, 2.5)),
            float(random.uniform(-1.5, 1.5)),
            float(random.uniform(-3.0, 3.0)),
        ),
        shift_mm=(float(random.uniform(-8, 8)), float(random.uniform(-3, 0)), float(random.uniform(-10, 10))),
    )
    physique = Physique(
        width=float(random.uniform(0.93, 1.0)),
        depth=float(random.uniform(0.93, 1.02)),
        fat=float(random.uniform(0.7, 1.5)),
        heart=float(random.uniform(0.9, 1.08)),
        dome_mm=float(random.uniform(-5, 5)),
    )
    return PairRecipe(
        seed=int(random.integers(2**31)),
        baseline=_scan(random),
        followup=_scan(random),
        physique=physique,
        breathing=breathing,
        nodules=_nodules(random, attached_share, subsolid_share),
        vessel_tips=int(random.integers(400, 521)),
        lung_hu=float(random.uniform(-880, -840)),
        interval_days=int(random.integers(90, 366)),
    )


def _scan(random: np.random.Generator) -> ScanRecipe:
    return ScanRecipe(
        in_plane_mm=float(random.uniform(0.86, 0.9)),
        slice_mm=float(random.choice([1.0, 1.25, 1.5, 2.0, 2.5])),
        noise_hu=float(random.uniform(20, 30)),
        blur_mm=float(random.uniform(0.55, 0.75)),
    )


def _nodules(random: np.random.Generator, attached_share: float, subsolid_share: float) -> tuple[NoduleRecipe, ...]:
    """Return 4 to 12 lesions, with these shares of attached and of subsolid ones at least, and up to 3 distractors."""
    count = int(random.integers(4, 13))
    odds = _QUIET_COURSE_ODDS if random.uniform() < _QUIET_SHARE else _COURSE_ODDS
    largest_mm = float(random.choice(_LARGEST_MM, p=_LARGEST_ODDS))
    attached = np.zeros(count, bool)
    attached[: math.ceil(attached_share * count)] = True
    subsolid = np.zeros(count, bool)
    subsolid[: math.ceil(subsolid_share * count)] = True
    random.shuffle(attached)
    random.shuffle(subsolid)
    nodules = [_nodule(random, bool(a), bool(s), odds, largest_mm) for a, s in zip(attached, subsolid)]
    for _ in range(int(random.integers(0, 4))):
        nodules.append(NoduleRecipe("solid", "none", "stable", float(random.uniform(2.0, 3.3)), density_hu=30))
    return tuple(nodules)


def _nodule(
    random: np.random.Generator, attached: bool, subsolid: bool, odds: tuple[float, ...], largest_mm: float
) -> NoduleRecipe:
    course = str(random.choice(_COURSES, p=odds))
    if subsolid:
        attenuation = str(random.choice(["part-solid", "ground-glass"]))
    else:
        attenuation = str(random.choice(["solid", "calcified"], p=[0.88, 0.12]))
        course = "stable" if attenuation == "calcified" else course
    # Guidelines begin to name and follow subsolid nodules at 6 mm.
    smallest = 6.3 if subsolid or course == "shrinking" else 4.3
    largest = min(largest_mm, 12.0) if attenuation == "calcified" else largest_mm
    factor, core_factor = 1.0, 1.0
    if course == "growing":
        factor = float(random.uniform(1.5, 3.2))
        core_factor = factor * float(random.uniform(1.0, 1.4))
        largest = min(largest, 20.0 / factor ** (1 / 3))
    elif course == "shrinking":
        factor = core_factor = float(random.uniform(0.35, 0.65))
    elif course == "stable":
        factor = core_factor = float(random.uniform(0.97, 1.03))
    density = {
        "solid": random.uniform(0, 60),
        "calcified": random.uniform(250, 700),
        "part-solid": random.uniform(-690, -540),
        "ground-glass": random.uniform(-690, -540),
    }[attenuation]
    contact = str(random.choice(["pleura", "vessel"])) if attached else "none"
    diameter = float(np.exp(random.uniform(math.log(smallest), math.log(largest))))
    if subsolid and contact == "pleura":
        # The pleura cuts off up to a fifth of it, and what is left should still be one that is followed.
        diameter = min(1.2 * diameter, max(largest, 1.2 * smallest))
    return NoduleRecipe(
        attenuation=attenuation,
        contact=contact,
        course=course,
        diameter_mm=diameter,
        volume_factor=factor,
        core_volume_factor=core_factor,
        density_hu=float(density),
        core_hu=float(random.uniform(0, 50)),
        core_share=float(random.uniform(0.35, 0.65)) if attenuation == "part-solid" else 0.0,
        lobulation=float(random.uniform(0.03, 0.2)),
    )
