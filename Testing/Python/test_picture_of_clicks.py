"""The pictures of clicks show what the simulated user of the benchmark does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("matplotlib")

from Testing.Benchmarks.interactive_courses import our_answer  # noqa: E402
from Testing.Benchmarks.interactive_user import dice_of, play  # noqa: E402
from Testing.Pictures.click_slices import Look, draw_clicks  # noqa: E402
from Testing.Pictures.clicks import proposal_of, steps_of  # noqa: E402


def _two_lobes() -> tuple[sitk.Image, np.ndarray]:
    """Return a bright object of two lobes of unlike size in noise, on a flipped anisotropic grid."""
    k, j, i = np.indices((20, 34, 30))
    truth = ((k - 8) / 4) ** 2 + ((j - 12) / 7) ** 2 + ((i - 11) / 6) ** 2 < 1
    truth |= ((k - 11) / 4) ** 2 + ((j - 22) / 6) ** 2 + ((i - 17) / 5) ** 2 < 1
    values = np.random.default_rng(2).normal(0, 15, truth.shape) + 70 * truth
    image = sitk.GetImageFromArray(values.astype(np.float32))
    image.SetSpacing((0.9, 0.8, 2.0))
    image.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))
    image.SetOrigin((31.0, -12.5, 7.0))
    return image, truth


def test_steps_are_those_of_the_benchmarks_user_and_are_drawn(tmp_path: Path) -> None:
    image, truth = _two_lobes()
    steps = list(steps_of(image, truth, proposal_of(image, None), 2))
    assert [dice_of(step.after, truth) for step in steps] == list(play(image, truth, our_answer(image), 2, False).dice)
    assert not steps[0].before.any()
    np.testing.assert_array_equal(steps[1].before, steps[0].after)
    draw_clicks(image, truth, steps, Look("Two lobes", (-50, 100), 5), tmp_path / "new" / "clicks.png")
    drawn = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "new" / "clicks.png")))
    assert drawn.shape[1] > 2 * drawn.shape[0], "a row of slices"


def test_a_proposal_is_corrected_where_it_is_wrong() -> None:
    image, truth = _two_lobes()
    start = truth.copy()
    start[:, 17:] = False
    (step,) = steps_of(image, truth, start, 1)
    assert step.inside and not start[step.at] and step.after[step.at]
    assert dice_of(step.after, truth) > dice_of(start, truth)
