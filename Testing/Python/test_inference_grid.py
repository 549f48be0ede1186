"""The network's grid over an image, and the windows over the grid."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from AIImagingLogic.inference.network_grid import AxisMap, plan_grid
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.inference.window_plan import plan_windows, window_weights
from AIImagingLogic.records.errors import ModelError


def image(size=(10, 12, 14), spacing=(1.0, 1.5, 2.0), direction=(1, 0, 0, 0, 1, 0, 0, 0, 1)):
    made = sitk.Image(size, sitk.sitkUInt8)
    made.SetSpacing(spacing)
    made.SetDirection([float(value) for value in direction])
    return made


def recipe(**fields):
    return NetworkRecipe(1, 2, (0, 1), **fields)


def test_axes_are_permuted_and_flipped_to_the_nearest():
    # i runs to the head, j to the right, k to the back.
    grid = plan_grid(image(direction=(0, -1, 0, 0, 0, 1, 1, 0, 0)), recipe(axes="RAS"))
    assert grid.order == (1, 2, 0)
    assert grid.flipped == (False, True, False)


def test_the_first_voxel_in_the_networks_order_is_common_to_both_grids():
    grid = plan_grid(image(), recipe(axes="RAS", spacing_mm=(2.0, 1.5, 3.0)))
    i, j, k = grid.maps
    # R runs against i: network index 0 from the right is the last voxel of i, and of the network's voxels in i's order.
    assert i.scale * (i.network_size - 1) + i.offset == pytest.approx(9.0)
    assert (i.network_size, i.scale) == (6, 2.0)
    assert j.offset == pytest.approx(0.0) and j.network_size == 12
    assert k.offset == 0.0 and k.scale == 1.5 and k.network_size == 10


def test_the_outer_faces_are_common_where_the_recipe_says_so():
    grid = plan_grid(image(), recipe(axes="", spacing_mm=(2.0, 3.0, 1.0), grid="extent"))
    for axis, count in zip(grid.maps, (5, 6, 28)):
        assert axis.network_size == count
        first_face = axis.scale * -0.5 + axis.offset
        last_face = axis.scale * (count - 0.5) + axis.offset
        assert (first_face, last_face) == pytest.approx((-0.5, axis.image_size - 0.5))


def test_a_spacing_that_is_all_but_the_same_leaves_the_voxels_alone():
    assert plan_grid(image(), recipe(spacing_mm=(1.0004, 1.5, 2.0))).is_identity
    assert not plan_grid(image(), recipe(spacing_mm=(1.004, 1.5, 2.0))).is_identity


@pytest.mark.parametrize(
    "fields", [{"axes": "RAX"}, {"axes": "RLS"}, {"spacing_mm": (1.0,)}, {"spacing_mm": (1, 0, 1)}]
)
def test_a_recipe_that_makes_no_sense_is_refused(fields):
    with pytest.raises(ModelError, match="The model asks for"):
        plan_grid(image(), recipe(**fields))


def interpolated(taps, values):
    return (1 - taps.share) * values[taps.first] + taps.share * values[taps.second]


@given(st.integers(1, 40), st.floats(0.3, 3.0), st.floats(0.0, 2.0))
@settings(max_examples=60, deadline=None)
def test_a_straight_line_of_values_stays_straight_on_both_ways(size, scale, offset):
    axis = AxisMap(size, 17, scale, offset)
    places = np.clip(np.arange(17) * scale + offset, 0, size - 1)
    assert np.allclose(interpolated(axis.image_taps(), np.arange(size)), places, atol=1e-4)
    back = np.clip((np.arange(size) - offset) / scale, 0, 16)
    assert np.allclose(interpolated(axis.network_taps(), np.arange(17)), back, atol=1e-4)


@given(
    st.tuples(*[st.integers(3, 60)] * 3),
    st.tuples(*[st.integers(2, 30)] * 3),
    st.sampled_from([0.0, 0.25, 0.5, 0.8]),
    st.sampled_from(["RAS", "LPS", "SPR"]),
)
@settings(max_examples=60, deadline=None)
def test_windows_cover_every_voxel_and_stay_inside(shape, window, overlap, axes):
    grid = plan_grid(image(shape[::-1]), recipe(axes=axes))
    plan = plan_windows(shape, grid, recipe(axes=axes, window=window, overlap=overlap))
    for axis in range(3):
        before, after = plan.padding[axis]
        size = shape[axis] + before + after
        covered = np.zeros(size, bool)
        for start in plan.starts[axis]:
            assert start >= 0 and start + plan.window[axis] <= size
            covered[start : start + plan.window[axis]] = True
        assert covered.all()
        assert abs(before - after) <= 1


def test_windows_and_weights_are_monais():
    torch = pytest.importorskip("torch")
    pytest.importorskip("monai")
    from monai.data.utils import compute_importance_map, dense_patch_slices

    shape, window = (50, 37, 61), (24, 20, 16)
    grid = plan_grid(image(shape[::-1]), recipe(axes=""))
    plan = plan_windows(shape, grid, recipe(axes="", window=window[::-1], overlap=0.6))
    peer = dense_patch_slices(shape, window, [int(side * (1 - 0.6)) for side in window])
    for axis in range(3):
        assert sorted({each[axis].start for each in peer}) == list(plan.starts[axis])
    weights = compute_importance_map(window, mode="gaussian", sigma_scale=0.125, dtype=torch.float32)
    assert np.allclose(window_weights(window, "gaussian"), weights.numpy(), rtol=1e-5)
