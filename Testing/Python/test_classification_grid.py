"""Where a classifying network sees an image, and where its feature maps lie in it, on grids of every kind."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from AIImagingLogic.inference.classification_grid import AxisFit, plan_classification_grid
from AIImagingLogic.inference.classification_recipe import ClassificationRecipe
from AIImagingLogic.records.errors import ModelError

SIZE = (10, 8, 6)


def _image(direction: np.ndarray, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> sitk.Image:
    """Return an image each of whose voxels holds its L coordinate plus 100 x P plus 10000 x S, in mm."""
    i, j, k = np.meshgrid(*[np.arange(size) for size in SIZE], indexing="ij")
    index = np.stack([i, j, k]).reshape(3, -1)
    points = direction @ (index * np.array(spacing)[:, None])
    values = points[0] + 100 * points[1] + 10000 * points[2]
    image = sitk.GetImageFromArray(values.reshape(SIZE).transpose(2, 1, 0))
    image.SetDirection(direction.ravel())
    image.SetSpacing(spacing)
    return image


def _directions() -> list[np.ndarray]:
    found = []
    for order, signs in product(permutations(range(3)), product((1, -1), repeat=3)):
        found.append(np.eye(3)[list(order)] * np.array(signs)[:, None])
    return found


@pytest.mark.parametrize("direction", _directions())
def test_network_axes_run_towards_left_posterior_and_superior_however_the_image_is_stored(
    direction: np.ndarray,
) -> None:
    image = _image(direction)
    recipe = ClassificationRecipe(channels=1, classes=2, dimensions=3, axes="LPS")
    grid = plan_classification_grid(image, recipe)
    voxels = sitk.GetArrayFromImage(image)
    array = grid.array_of(voxels)
    for axis, step in ((1, 1.0), (2, 100.0), (3, 10000.0)):
        assert np.allclose(np.diff(array, axis=axis), step, atol=1e-2)
    assert np.allclose(grid.image_of(array), voxels, atol=1e-2)


def test_slices_of_a_2d_network_run_along_the_third_axis_and_come_back_in_place() -> None:
    image = _image(np.eye(3)[[2, 0, 1]])
    grid = plan_classification_grid(image, ClassificationRecipe(channels=1, classes=2, dimensions=2, axes="RAI"))
    voxels = sitk.GetArrayFromImage(image)
    array = grid.array_of(voxels)
    assert np.allclose(np.diff(array, axis=1), -1) and np.allclose(np.diff(array, axis=2), -100)
    assert len(array) == image.GetSize()[grid.order[2]]
    assert np.allclose(grid.image_of(array), voxels, atol=1e-2)


@given(
    image_size=st.integers(2, 60),
    wanted=st.integers(2, 60),
    step=st.floats(0.4, 3.0),
    flipped=st.booleans(),
    fit=st.sampled_from(["resize", "crop_or_pad"]),
)
@settings(max_examples=60, deadline=None)
def test_a_ramp_through_the_network_and_back_is_the_ramp_where_it_was_seen(
    image_size: int, wanted: int, step: float, flipped: bool, fit: str
) -> None:
    image = sitk.Image([image_size, 4, 4], sitk.sitkFloat32)
    recipe = ClassificationRecipe(
        1, 2, 3, axes="RPS" if flipped else "LPS", spacing_mm=(step, 1.0, 1.0), size=(wanted, 4, 4), fit=fit
    )
    axis = plan_classification_grid(image, recipe).fits[0]
    assert (axis.scale < 0) == flipped
    ramp = np.arange(image_size, dtype=float)
    seen = axis.to_network() @ ramp
    # Linear interpolation keeps a ramp; beyond the image's border voxels it stays at them.
    assert np.allclose(seen, np.clip(axis.offset + axis.scale * np.arange(wanted), 0, image_size - 1), atol=1e-3)
    back = axis.from_features(wanted)
    network_index = (ramp - axis.offset) / axis.scale
    inner = (network_index >= 0) & (network_index <= wanted - 1)
    assert np.allclose((back @ seen)[inner], ramp[inner], atol=abs(axis.scale) + 1e-3)
    unseen = (network_index < -0.51) | (network_index > wanted - 0.49)
    assert np.all(back[unseen] == 0)


def test_whole_voxels_are_cut_and_padded_as_monai_does() -> None:
    pytest.importorskip("monai")
    from monai.transforms import ResizeWithPadOrCrop

    for size, wanted in product((5, 6, 9), (4, 5, 8)):
        values = np.arange(1, size + 1, dtype=np.float32)
        expected = np.asarray(ResizeWithPadOrCrop((wanted,))(values[None]))[0]
        image = sitk.Image([size, 4, 4], sitk.sitkFloat32)
        recipe = ClassificationRecipe(1, 2, 3, size=(wanted, 4, 4), fit="crop_or_pad")
        axis = plan_classification_grid(image, recipe).fits[0]
        found = np.zeros(wanted, np.float32)
        found[axis.inside] = (axis.to_network() @ values)[axis.inside]
        assert np.array_equal(found, expected), (size, wanted)


def test_a_smoothed_axis_averages_what_a_plain_one_picks() -> None:
    stripes = np.tile([0.0, 1.0], 32)
    picked = AxisFit(64, 8, 8.0, 3.5).to_network() @ stripes
    averaged = AxisFit(64, 8, 8.0, 3.5, smoothed=True).to_network() @ stripes
    assert np.allclose(averaged[1:-1], 0.5, atol=0.01) and np.allclose(picked, 0.5, atol=1e-6)
    picked = AxisFit(64, 8, 8.0, 3.0).to_network() @ stripes
    averaged = AxisFit(64, 8, 8.0, 3.0, smoothed=True).to_network() @ stripes
    assert np.allclose(picked, 1.0) and np.allclose(averaged[1:-1], 0.5, atol=0.01)


@pytest.mark.parametrize("axes", ["RRS", "XYZ", "ii", "ijj"])
def test_axes_that_make_no_sense_are_refused(axes: str) -> None:
    with pytest.raises(ModelError, match="axes"):
        plan_classification_grid(_image(np.eye(3)), ClassificationRecipe(1, 2, 2, axes=axes))
