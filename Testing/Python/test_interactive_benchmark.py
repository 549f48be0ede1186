"""The simulated user of the interactive benchmark, and its figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.images.geometry import world_to_index
from AIImagingLogic.records.prompts import Prompts
from Testing.Benchmarks import interactive_courses
from Testing.Benchmarks.interactive import figures_of
from Testing.Benchmarks.interactive_cases import Case
from Testing.Benchmarks.interactive_user import box_around, middle_of_largest, play


def test_the_middle_is_deepest_in_millimetres_not_in_voxels() -> None:
    region = np.zeros((9, 21, 40), bool)
    region[1:8, 2:19, 2:38] = True
    region[:, :, 38:] = False
    # Seven slices of 5 mm are as deep as 35 voxels of 1 mm: the shortest way out is along j.
    at, voxels = middle_of_largest(region, (1.0, 1.0, 5.0))
    assert voxels == int(region.sum())
    assert at[1] == 10
    assert min(at[0], 8 - at[0]) >= 2


def test_the_user_clicks_the_largest_error_and_stops_nothing_when_all_is_right() -> None:
    truth = np.zeros((20, 20, 20), bool)
    truth[4:16, 4:16, 4:16] = True
    image = sitk.Image((20, 20, 20), sitk.sitkFloat32)
    image.SetDirection((0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0))
    seen: list[Prompts] = []

    def answer(prompts: Prompts) -> np.ndarray:
        seen.append(prompts)
        mask = truth.copy()
        if len(seen) == 1:
            mask[4:16, 4:16, 16:20] = True
        return mask

    course = play(image, truth, answer, 3, box_start=False)
    first = world_to_index(image, [seen[0].inside_mm[0]])[0]
    assert np.all(np.abs(first - 9.5) <= 1)
    wrong = world_to_index(image, [seen[1].outside_mm[0]])[0]
    assert 16 <= wrong[0] <= 19
    assert seen[2] == seen[1]
    assert course.dice[1:] == (1.0, 1.0)


def test_the_box_holds_the_object_and_three_millimetres_more_on_a_flipped_grid() -> None:
    truth = np.zeros((10, 12, 14), bool)
    truth[2:5, 3:9, 4:6] = True
    image = sitk.Image((14, 12, 10), sitk.sitkFloat32)
    image.SetSpacing((0.5, 1.0, 2.0))
    image.SetDirection((-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0))
    box = box_around(image, truth)
    assert box.size_mm == pytest.approx((2 * 0.5 + 6, 6 + 6, 3 * 2 + 6))
    assert world_to_index(image, [box.center_mm])[0] == pytest.approx((4.5, 5.5, 3.0))


def test_the_error_ratio_is_of_the_best_peer_over_the_first_five_clicks() -> None:
    courses = {
        ("a", "click", "ours"): (0.9,) * 5 + (0.0,),
        ("a", "click", "one"): (0.8,) * 5 + (1.0,),
        ("a", "click", "two"): (0.5,) * 5 + (1.0,),
        ("b", "click", "ours"): (0.9,) * 5 + (0.0,),
        ("b", "click", "one"): (0.6,) * 5 + (1.0,),
        ("b", "click", "two"): (0.7,) * 5 + (1.0,),
    }
    figures = figures_of(courses, ("click",), {"a"}, {"a", "b"})
    assert figures["error_ratio"] == pytest.approx(0.1 / 0.3)
    assert figures["click_error_ratio_not_tuned_on"] == pytest.approx(0.1 / 0.3)
    assert figures["click_clicks_to_0.85"]["a"] == {"ours": 1, "one": 6, "two": 6}


def test_a_click_that_lowers_dice_by_more_than_two_hundredths_is_counted_against_its_method() -> None:
    courses = {
        ("a", "box", "ours"): (0.9, 0.89, 0.8, 0.95),
        ("a", "box", "one"): (0.5, 0.5, 0.5, 0.5),
        ("b", "box", "ours"): (0.9, 0.91, 0.92, 0.93),
        ("b", "box", "one"): (0.5, 0.4, 0.3, 0.2),
    }
    shares = figures_of(courses, ("box",), set(), {"a"})["box_share_of_clicks_that_lower_dice"]
    alone = figures_of({key: dice for key, dice in courses.items() if key[2] == "ours"}, ("box",), set(), {"a"})
    assert alone["box_share_of_clicks_that_lower_dice"]["ours"] == pytest.approx(1 / 6)
    assert "error_ratio" not in alone
    assert shares == {"ours": pytest.approx(1 / 6), "one": pytest.approx(3 / 6)}


def test_a_peers_course_is_kept_and_serves_a_shorter_one_but_not_another_crop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = np.zeros((8, 8, 8), bool)
    truth[2:6, 2:6, 2:6] = True
    case = Case("a, b", "CT", sitk.Image((8, 8, 8), sitk.sitkFloat32), truth, tuning=False, made=False)
    played: list[int | None] = []

    def peer(name: str, image: sitk.Image, right: np.ndarray, most_voxels: int | None) -> object:
        played.append(most_voxels)
        return lambda prompts: right if len(prompts.inside_mm) == 1 else np.zeros_like(right)

    monkeypatch.setattr(interactive_courses, "peer_answer", peer)
    first = interactive_courses.course(case, "click", "growcut", 3, 100, tmp_path)
    assert interactive_courses.course(case, "click", "growcut", 2, 100, tmp_path) == first[:2]
    assert played == [100]
    interactive_courses.course(case, "click", "growcut", 3, None, tmp_path)
    interactive_courses.course(case, "click", "growcut", 4, 100, tmp_path)
    assert played == [100, None, 100]
