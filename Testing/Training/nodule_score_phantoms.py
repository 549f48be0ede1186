"""Phantom pairs to learn the nodule score from: tuning seeds, never the exam's."""

from __future__ import annotations

from AIImagingLogic.images.phantoms.chest_pair import make_chest_pair, tuning_recipe
from Testing.Benchmarks.pair_scoring import targets_at
from Testing.Training.nodule_score_cases import Case, make_case


def phantom_cases(seed: int, grid_mm: tuple[float, float] | None = None) -> list[Case]:
    """Return both visits of tuning pair `seed`.

    Parameters
    ----------
    grid_mm : another spacing, in plane and between slices, than the recipe's; for quick tests
    """
    recipe = tuning_recipe(seed)
    pair = make_chest_pair(recipe if grid_mm is None else recipe.coarser(*grid_mm))
    return [
        make_case(f"phantom {seed}", f"phantom {seed}, {name}", False, image, targets_at(pair.lesions, visit))
        for visit, (name, image) in enumerate((("baseline", pair.baseline), ("follow-up", pair.followup)))
    ]
