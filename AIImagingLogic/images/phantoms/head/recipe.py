"""What a head phantom is made from, and the streams of recipes: to tune on, and for the exam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Bleeding = Literal["deep", "lobar", "subdural", "subarachnoid", "none"]
KINDS: tuple[Bleeding, ...] = ("deep", "lobar", "subdural", "subarachnoid", "none")

_EXAM_STREAM = 6203
_TUNING_STREAM = 8419


@dataclass(frozen=True)
class HeadRecipe:
    """A head, its bleeding and its scan.

    Attributes
    ----------
    seed : of everything that is left to chance: lumps, gyri, calcifications, noise
    kind : of bleeding
    blood_ml : about how much; the phantom says how much it became
    blood_hu : density of the blood
    side : 1: patient's left, -1: right
    oedema : whether a dark rim surrounds a deep or lobar haematoma
    scale : of the whole head, 1 for an inner skull of 136 x 168 x 140 mm
    in_plane_mm, slice_mm : voxels; a slice is as thick as its distance to the next
    tilt_deg, turn_deg : of the scan's axes about the patient's left-right and head-foot axis
    noise_hu : standard deviation
    blur_mm : standard deviation of the point spread in the plane
    shading_hu : how much brighter brain is at the inner table (beam hardening); half as much darker between the petrous
        bones
    sinus_hu : density of blood in the venous sinuses
    contrast : whether vessels hold contrast medium
    """

    seed: int
    kind: Bleeding
    blood_ml: float = 20.0
    blood_hu: float = 66.0
    side: int = 1
    oedema: bool = False
    scale: float = 1.0
    in_plane_mm: float = 0.9
    slice_mm: float = 2.5
    tilt_deg: float = 0.0
    turn_deg: float = 0.0
    noise_hu: float = 4.0
    blur_mm: float = 0.6
    shading_hu: float = 6.0
    sinus_hu: float = 55.0
    contrast: bool = False


def exam_head(seed: int) -> HeadRecipe:
    """Return head `seed` of the exam: for the benchmark alone, nothing is tuned on it."""
    return _recipe(_EXAM_STREAM, seed)


def tuning_head(seed: int) -> HeadRecipe:
    """Return head `seed` of those to tune on: of the exam's kind, never one of them."""
    return _recipe(_TUNING_STREAM, seed)


def _recipe(stream: int, seed: int) -> HeadRecipe:
    random = np.random.default_rng([stream, seed])
    kind = KINDS[seed % len(KINDS)]
    least, most = {"deep": (2, 50), "lobar": (5, 80), "subdural": (15, 90), "subarachnoid": (8, 35), "none": (1, 2)}[
        kind
    ]
    slice_mm = float(random.choice([1.0, 1.5, 2.5, 3.0, 4.0, 5.0]))
    return HeadRecipe(
        seed=int(random.integers(1 << 30)),
        kind=kind,
        blood_ml=float(np.exp(random.uniform(np.log(least), np.log(most)))),
        blood_hu=float(random.uniform(58, 78)),
        side=int(random.choice([-1, 1])),
        oedema=bool(random.random() < 0.5),
        scale=float(random.uniform(0.93, 1.05)),
        in_plane_mm=float(random.uniform(0.8, 1.0)),
        slice_mm=slice_mm,
        tilt_deg=float(random.uniform(-20, 20)),
        turn_deg=float(random.uniform(-8, 8)),
        noise_hu=float(random.uniform(3, 5) + (3 if slice_mm < 2 else 0)),
        blur_mm=float(random.uniform(0.5, 0.8)),
        shading_hu=float(random.uniform(2, 10)),
        sinus_hu=float(random.uniform(46, 62)),
    )
