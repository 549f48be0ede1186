"""The score of outlines is fitted to what was chosen from, the same for the same seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from AIImagingLogic.models.builtin.prompted_outline.offer_features import FEATURES  # noqa: E402
from AIImagingLogic.models.builtin.prompted_outline.offer_score import OfferScore  # noqa: E402
from Testing.Benchmarks.interactive_cases import STRUCTURES  # noqa: E402
from Testing.Training.outline_choice_cases import all_cases  # noqa: E402
from Testing.Training.outline_choice_fit import fitted  # noqa: E402
from Testing.Training.outline_choice_play import Choice, choices_of  # noqa: E402


def test_the_fit_chooses_by_what_tells_and_is_the_same_for_the_same_seed() -> None:
    random = np.random.default_rng(1)
    told = FEATURES.index("off_last")

    def choice(number: int) -> Choice:
        features = random.normal(size=(8, len(FEATURES))).astype(np.float32)
        dice = np.clip(0.5 - 0.2 * np.abs(features[:, told]), 0, 1).astype(np.float32)
        return Choice(f"{number}", "made", False, 0, features, dice)

    seen, new = [choice(n) for n in range(300)], [choice(n) for n in range(40)]
    content = fitted(seen, steps=300)
    assert content == fitted(seen, steps=300)
    score = OfferScore.from_content(content)
    lost = [c.dice.max() - c.dice[score.expected_dice(c.features).argmax()] for c in new]
    assert np.mean(lost) < 0.05
    assert np.mean([c.dice.max() - c.dice.mean() for c in new]) > 0.1


def test_a_made_case_gives_choices_with_the_true_overlap_of_each_outline(shared_data: Path) -> None:
    case = next(case for case in all_cases(shared_data, 1, 0) if case.kind == "made")
    choices = choices_of(case)
    assert choices and all(np.isfinite(choice.features).all() for choice in choices)
    assert all(choice.features.shape == (len(choice.dice), len(FEATURES)) for choice in choices)
    assert max(float(choice.dice.max()) for choice in choices) > 0.3


def test_no_structure_that_is_only_measured_is_played(shared_data: Path) -> None:
    names = {case.name for case in all_cases(shared_data, 0, 0)}
    labels = {s.label for s in STRUCTURES if not s.tuning and s.image.startswith("abdomen_ct/example")}
    assert labels == {1, 6, 77, 88}
    assert not names & {f"organ {label}" for label in (*labels, 78, 89)}
    assert not names & {s.name for s in STRUCTURES if not s.tuning}
