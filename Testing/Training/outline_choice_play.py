"""Plays a user with objects whose truth is known, and writes down what outlines there were to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.images.geometry import index_to_world
from AIImagingLogic.models.builtin.prompted_outline.offer_features import Asked, features_of
from AIImagingLogic.models.builtin.prompted_outline.offer_score import OfferScore
from AIImagingLogic.models.builtin.prompted_outline.offers import Offer
from AIImagingLogic.models.builtin.prompted_outline.session import OutlineSession
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.prompts import Prompts
from Testing.Benchmarks.interactive_courses import with_crop
from Testing.Benchmarks.interactive_user import Mask, box_around, dice_of, middle_of_largest
from Testing.Training.outline_choice_cases import Case

Array = NDArray[np.float32]

CLICKS = 4
# Choices are looked at from outlines that are less wrong, too: each is one more to learn from.
_WRONG_FROM = 0.35
# A person clicks beside the middle, by this share of the part's size; and draws boxes not quite around the object.
_OFF_MIDDLE = 0.15
_EXACT = 0.5
_BOX_STARTS = 0.5
_BOX_GROWS_MM = (-4.0, 3.0)
_BOX_OFF_MM = 1.5
# So often another than the best is taken: the next click meets errors of every kind.
_ASTRAY = 0.35
_AMONG = 6
_GOOD = 0.93


@dataclass(frozen=True)
class Choice:
    """Features (N, F) of the outlines there were at one click, and the Dice (N,) of each."""

    name: str
    kind: str
    boxed: bool
    number: int
    features: Array
    dice: Array


class RecordedSession(OutlineSession):
    """A session that knows the truth: it writes down its choices, and at times chooses otherwise."""

    wrong_from = _WRONG_FROM

    def __init__(self, image: sitk.Image, truth: Mask, score: OfferScore | None, random: np.random.Generator) -> None:
        super().__init__(image, None)
        self._truth = np.ascontiguousarray(self._view.of(truth))
        self._score = score
        self._random = random
        self.choices: list[tuple[Array, Array]] = []

    def _chosen(self, offers: Sequence[Offer], asked: Asked) -> Offer:
        features = np.array([features_of(offer, asked) for offer in offers])
        dice = np.array([self._dice(offer) for offer in offers])
        self.choices.append((features.astype(np.float32), dice.astype(np.float32)))
        likely = (
            dice + self._random.normal(0, 0.1, len(dice))
            if self._score is None
            else self._score.expected_dice(features)
        )
        order = np.argsort(-likely)
        astray = self._random.random() < _ASTRAY
        return offers[int(self._random.choice(order[:_AMONG])) if astray else int(order[0])]

    def _dice(self, offer: Offer) -> float:
        held = offer.grid.mean_of(self._truth)[offer.region]
        voxels = float(np.prod(offer.grid.step))
        return 2 * float(held.sum()) * voxels / (held.size * voxels + float(self._truth.sum()))


def choices_of(case: Case, score: OfferScore | None = None) -> list[Choice]:
    """Return the choices of a user who clicks, or first draws a box; with a score, as it would be played with it."""
    random = np.random.default_rng(case.seed)
    session = RecordedSession(case.image, case.truth, score, random)
    boxed = bool(random.random() < _BOX_STARTS)
    prompts, mask = Prompts(), np.zeros_like(case.truth)
    found = []
    for number in range(CLICKS):
        drawn = boxed and number == 0
        prompts = Prompts(box=_drawn(case, random)) if drawn else _clicked(case, mask, prompts, random)
        mask = with_crop(np.zeros_like(case.truth), case.image, session.refine(prompts, Progress()))
        found += [Choice(case.name, case.kind, boxed, number, *choice) for choice in session.choices]
        session.choices.clear()
        if dice_of(mask, case.truth) > _GOOD:
            break
    return found


def _drawn(case: Case, random: np.random.Generator) -> OrientedBox:
    """Return a box around the object as a person draws it: a little too large or too small, and beside it."""
    box = box_around(case.image, case.truth)
    width, height, depth = (max(n + random.uniform(*_BOX_GROWS_MM), 1.0) for n in box.size_mm)
    x, y, z = (n + random.uniform(-_BOX_OFF_MM, _BOX_OFF_MM) for n in box.center_mm)
    return replace(box, size_mm=(width, height, depth), center_mm=(x, y, z))


def _clicked(case: Case, mask: Mask, prompts: Prompts, random: np.random.Generator) -> Prompts:
    """Return the prompts with one more click, in the largest error but not always in its very middle."""
    spacing = case.image.GetSpacing()
    missing, missing_size = middle_of_largest(case.truth & ~mask, spacing)
    wrong, wrong_size = middle_of_largest(mask & ~case.truth, spacing)
    inside = missing_size >= wrong_size
    part = case.truth & ~mask if inside else mask & ~case.truth
    voxel = np.array(missing if inside else wrong)
    if random.random() > _EXACT:
        edge_mm = (max(missing_size, wrong_size) * float(np.prod(spacing))) ** (1 / 3)
        moved = voxel + np.rint(random.normal(size=3) * _OFF_MIDDLE * edge_mm / np.array(spacing)[::-1]).astype(int)
        moved = np.clip(moved, 0, np.array(part.shape) - 1)
        voxel = moved if part[tuple(moved)] else voxel
    x, y, z = (float(value) for value in index_to_world(case.image, voxel[::-1]))
    if inside:
        return replace(prompts, inside_mm=(*prompts.inside_mm, (x, y, z)))
    return replace(prompts, outside_mm=(*prompts.outside_mm, (x, y, z)))
