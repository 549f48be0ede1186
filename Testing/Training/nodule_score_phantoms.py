"""Phantom pairs to learn the nodule score from: tuning and harder seeds, never the exam's."""

from __future__ import annotations

from collections.abc import Sequence

from AIImagingLogic.images.phantoms.chest_pair import harder_tuning_recipe, make_chest_pair, tuning_recipe
from Testing.Benchmarks.pair_scoring import targets_at
from Testing.Training.nodule_score_cases import Case, make_case


def phantom_cases(
    seed: int, visits: Sequence[int] = (0, 1), grid_mm: tuple[float, float] | None = None, harder: bool = False
) -> list[Case]:
    """Return the visits (0 baseline, 1 follow-up) of tuning pair `seed`, or of that of the harder pairs.

    Parameters
    ----------
    visits, grid_mm : one visit alone, and another spacing, in plane and between slices, than the recipe's; for tests
    """
    recipe = harder_tuning_recipe(seed) if harder else tuning_recipe(seed)
    group = f"harder phantom {seed}" if harder else f"phantom {seed}"
    pair = make_chest_pair(recipe if grid_mm is None else recipe.coarser(*grid_mm))
    names, images = ("baseline", "follow-up"), (pair.baseline, pair.followup)
    return [
        make_case(group, f"{group}, {names[visit]}", False, images[visit], targets_at(pair.lesions, visit))
        for visit in visits
    ]
