"""Two visits of a chest CT phantom, with everything that is true of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray

from AIImagingLogic.images.phantoms.breathing import BreathingField
from AIImagingLogic.images.phantoms.chest_anatomy import ChestAnatomy, chest_anatomy
from AIImagingLogic.images.phantoms.chest_visit import ChestVisit, chest_visit
from AIImagingLogic.images.phantoms.exam import demo_recipe, exam_recipe, harder_tuning_recipe, tuning_recipe
from AIImagingLogic.images.phantoms.fine_nodule import FineNodule, sample_nodule
from AIImagingLogic.images.phantoms.nodule_shape import NoduleShape
from AIImagingLogic.images.phantoms.recipe import NoduleRecipe, PairRecipe
from AIImagingLogic.images.phantoms.truth import LesionAtVisit, LesionTruth
from AIImagingLogic.images.phantoms.tubes import Tubes
from AIImagingLogic.images.phantoms.visit_rendering import VisitContents, render_visit

__all__ = ["ChestPair", "demo_recipe", "exam_recipe", "harder_tuning_recipe", "make_chest_pair", "tuning_recipe"]

DISTRACTOR_BELOW_MM = 4.0
"""A nodule that is smaller at every visit counts neither as a lesion nor as a false positive."""

_BLUR_MARGIN_SIGMAS = 4.0
_VOLUME_CORRECTIONS = 2
_SOLID_PART = {"solid": "all", "calcified": "all", "part-solid": "core", "ground-glass": "none"}


@dataclass(frozen=True)
class ChestPair:
    """Two visits and their truth.

    Attributes
    ----------
    baseline, followup : int16, HU
    baseline_lungs, followup_lungs : uint8 on the same grids; 1 right, 2 left, vessels and nodules in them included
    lesions : with their size and place at each visit
    motion : the field between the visits
    recipe : what the pair was made from
    """

    baseline: sitk.Image
    followup: sitk.Image
    baseline_lungs: sitk.Image
    followup_lungs: sitk.Image
    lesions: tuple[LesionTruth, ...]
    motion: BreathingField
    recipe: PairRecipe

    def to_followup(self, points: ArrayLike) -> NDArray[np.float64]:
        """Return where baseline points (..., 3) LPS mm lie at follow-up, exactly."""
        return self.motion.to_followup(points)

    def to_baseline(self, points: ArrayLike) -> NDArray[np.float64]:
        """Return where follow-up points (..., 3) LPS mm lay at baseline, exactly."""
        return self.motion.to_baseline(points)


def make_chest_pair(recipe: PairRecipe) -> ChestPair:
    """Make both visits of `recipe`; the same recipe gives the same voxels.

    Raises
    ------
    GeometryError
        The lungs hold no room for the nodules asked for.
    """
    anatomy = chest_anatomy(recipe)
    first = chest_visit(recipe, recipe.baseline, BreathingField())
    second = chest_visit(recipe, recipe.followup, recipe.breathing)
    nodules = [
        tuple(
            None if shape is None else _sampled(shape, visit, _BLUR_MARGIN_SIGMAS * scan.blur_mm)
            for shape, visit, scan in zip(shapes, (first, second), (recipe.baseline, recipe.followup))
        )
        for shapes in (
            _shapes_at_visits(kind, shape, first, second, recipe) for kind, shape in zip(recipe.nodules, anatomy.shapes)
        )
    ]
    lesions = tuple(
        _truth(index, kind, anatomy, _size(kind, both[0], first), _size(kind, both[1], second))
        for index, (kind, both) in enumerate(zip(recipe.nodules, nodules))
    )
    inflation = second.lung_volume_mm3 / first.lung_volume_mm3
    images: list[sitk.Image] = []
    for number, (visit, scan, ratio) in enumerate(
        ((first, recipe.baseline, 1.0), (second, recipe.followup, inflation))
    ):
        present = [(kind, both[number]) for kind, both in zip(recipe.nodules, nodules)]
        motion = recipe.breathing if number else BreathingField()
        contents = VisitContents(
            fields=visit.painted(recipe, ratio),
            vessels=_moved(anatomy.vessels, motion),
            airways=_moved(anatomy.airways, motion),
            lumen_mm=anatomy.lumen_mm,
            nodules=[(kind, nodule) for kind, nodule in present if nodule is not None],
        )
        images += render_visit(visit.scan, scan, contents, np.random.default_rng([recipe.seed, 10 + number]))
    return ChestPair(images[0], images[2], images[1], images[3], lesions, recipe.breathing, recipe)


def _moved(tubes: Tubes, motion: BreathingField) -> Tubes:
    return replace(tubes, start=motion.to_followup(tubes.start), end=motion.to_followup(tubes.end))


def _sampled(shape: NoduleShape, visit: ChestVisit, margin_mm: float = 0.0) -> FineNodule:
    return sample_nodule(shape, visit.lung_distance, visit.scan.axes, visit.scan.origin_mm, margin_mm)


def _size(kind: NoduleRecipe, nodule: FineNodule | None, visit: ChestVisit) -> LesionAtVisit | None:
    if nodule is None:
        return None
    return nodule.size(visit.scan.axes, visit.scan.origin_mm, _SOLID_PART[kind.attenuation])


def _shapes_at_visits(
    kind: NoduleRecipe, shape: NoduleShape, first: ChestVisit, second: ChestVisit, recipe: PairRecipe
) -> tuple[NoduleShape | None, NoduleShape | None]:
    """Return the shape at each visit, None where there is none; carried along by the motion but not bent by it."""
    there = recipe.breathing.to_followup(shape.center_mm)
    if kind.course == "gone":
        return shape, None
    if kind.course == "new":
        return None, shape.moved(there, 1.0)
    scale = kind.volume_factor ** (1 / 3)
    if kind.contact == "pleura":
        # The pleura cuts off another share at the other visit.
        wanted = _sampled(shape, first).volume_mm3 * kind.volume_factor
        for _ in range(_VOLUME_CORRECTIONS):
            scale *= (wanted / _sampled(shape.moved(there, scale), second).volume_mm3) ** (1 / 3)
    return shape, shape.moved(there, scale, kind.core_volume_factor ** (1 / 3))


def _truth(
    index: int, kind: NoduleRecipe, anatomy: ChestAnatomy, before: LesionAtVisit | None, after: LesionAtVisit | None
) -> LesionTruth:
    largest = max(size.mean_diameter_mm for size in (before, after) if size is not None)
    return LesionTruth(
        number=index + 1,
        attenuation=kind.attenuation,
        contact=kind.contact,
        side=anatomy.sides[index],
        third=anatomy.third(index),
        course=kind.course,
        distractor=largest < DISTRACTOR_BELOW_MM,
        baseline=before,
        followup=after,
    )
