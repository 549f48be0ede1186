"""Growth of a haematoma: the definition at its borders, and two visits of a phantom in different positions."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.followup.haematoma_growth import HaematomaGrowth, haematoma_growth
from AIImagingLogic.images.info import describe
from AIImagingLogic.images.phantoms.head.phantom import make_head
from AIImagingLogic.images.phantoms.head.recipe import HeadRecipe
from AIImagingLogic.tasks.haematoma_growth import follow_haematoma


@pytest.mark.parametrize(
    ("first", "second", "expansion"),
    [
        (9.0, 12.0, True),  # 33.3 %
        (12.5, 16.625, False),  # 33 % is not more than 33 %
        (60.0, 66.0, False),  # 6 ml is not more than 6 ml
        (60.0, 66.1, True),
        (0.0, 6.5, True),
        (0.5, 1.0, False),  # twice nearly nothing
        (30.0, 10.0, False),
    ],
)
def test_expansion_is_more_than_a_third_or_six_millilitres(first: float, second: float, expansion: bool) -> None:
    assert haematoma_growth(first, second).expansion is expansion


def test_error_is_that_of_both_volumes_and_small_changes_are_within_it() -> None:
    growth = haematoma_growth(20.0, 22.0)
    assert growth.error_ml == pytest.approx(np.hypot(5.0, 5.5))
    assert not growth.beyond_error and growth.change_percent == pytest.approx(10.0)
    assert haematoma_growth(20.0, 40.0).beyond_error and haematoma_growth(40.0, 20.0).beyond_error
    assert haematoma_growth(0.0, 3.0).change_percent is None
    assert HaematomaGrowth.from_json(json.loads(json.dumps(growth.to_json()))) == growth
    with pytest.raises(ValueError, match="0 ml or more"):
        haematoma_growth(-1.0, 2.0)


def test_growth_between_two_visits_in_other_positions_is_the_true_one() -> None:
    recipe = HeadRecipe(seed=3, kind="deep", blood_ml=12.0, in_plane_mm=1.3, slice_mm=4.0, tilt_deg=12.0)
    later = replace(recipe, blood_ml=26.0, tilt_deg=0.0, turn_deg=5.0)
    heads = [make_head(part) for part in (recipe, later)]
    moved = sitk.Image(heads[1].image)
    moved.SetOrigin(np.add(moved.GetOrigin(), (6.0, -9.0, 14.0)).tolist())
    infos = [describe(image, modality="CT", intensity_unit="HU") for image in (heads[0].image, moved)]
    followed = follow_haematoma(heads[0].image, infos[0], moved, infos[1])
    true_ml = heads[1].blood_ml - heads[0].blood_ml
    assert followed.growth.change_ml == pytest.approx(true_ml, abs=0.15 * heads[1].blood_ml)
    assert followed.growth.expansion and followed.growth.beyond_error
    assert followed.growth.first_ml == pytest.approx(heads[0].blood_ml, rel=0.15)
    # Had the heads not come to lie on each other, much of the old blood would be new.
    assert followed.new_ml == pytest.approx(true_ml, abs=0.12 * heads[1].blood_ml)
