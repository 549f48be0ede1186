"""The engine's conventions for nnU-Net packages: against SciPy and scikit-image as nnU-Net calls them."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from AIImagingLogic.inference.content_crop import cropped_to_content, put_back
from AIImagingLogic.inference.feeding import fill_volume
from AIImagingLogic.inference.intensity import StandardiseContent
from AIImagingLogic.inference.network_grid import plan_grid
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.inference.side_work import SideWork
from AIImagingLogic.inference.window_plan import plan_windows, window_weights
from AIImagingLogic.records.progress import Progress

torch = pytest.importorskip("torch")
transform = pytest.importorskip("skimage.transform")

# Products in single precision of values up to 1000.
CLOSE = 2e-3


def noise(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> sitk.Image:
    """Return an image of noise with (k, j, i) voxels and a spacing along i, j, k."""
    image = sitk.GetImageFromArray(np.random.default_rng(4).uniform(-1000, 1000, shape).astype(np.float32))
    image.SetSpacing(spacing)
    return image


def recipe(spacing: tuple[float, float, float], **more: object) -> NetworkRecipe:
    """Return a recipe for a network that sees (k, j, i) at a spacing in that order."""
    common = {"axes": "kji", "grid": "extent", "interpolation": "cubic_within", "nearest_above": 3.0}
    return NetworkRecipe(1, 2, (0, 1), spacing_mm=spacing, **{**common, **more})  # type: ignore[arg-type]


def fed(image: sitk.Image, how: NetworkRecipe) -> np.ndarray:
    grid = plan_grid(image, how)
    volume = torch.zeros((1, *grid.shape))
    with SideWork() as side_work:
        fill_volume([image], grid, how, volume, side_work, Progress())
    return volume[0].numpy()


def test_cubic_resampling_is_that_of_scikit_image() -> None:
    image = noise((11, 17, 14), (0.8, 1.1, 1.5))
    found = fed(image, recipe((1.2, 1.3, 1.1)))
    shape = (round(1.5 / 1.2 * 11), round(1.1 / 1.3 * 17), round(0.8 / 1.1 * 14))
    voxels = sitk.GetArrayFromImage(image).astype(float)
    expected = transform.resize(voxels, shape, 3, mode="edge", anti_aliasing=False)
    assert found.shape == shape
    assert np.abs(found - expected).max() < CLOSE


@pytest.mark.parametrize("coarse", [0, 1, 2])
def test_a_coarse_axis_is_resampled_apart(coarse: int) -> None:
    old, new, shape = [0.7, 0.8, 0.9], [1.0, 0.6, 1.1], [13, 15, 11]
    old[coarse], new[coarse], shape[coarse] = 4.0, 2.4, 6
    image = noise((shape[0], shape[1], shape[2]), (old[2], old[1], old[0]))
    found = fed(image, recipe((new[0], new[1], new[2])))
    sizes = [round(a / b * n) for a, b, n in zip(old, new, shape)]
    flat = [size for axis, size in enumerate(sizes) if axis != coarse]
    slices = np.moveaxis(sitk.GetArrayFromImage(image).astype(float), coarse, 0)
    slices = np.stack([transform.resize(each, flat, 3, mode="edge", anti_aliasing=False) for each in slices])
    chosen = ((np.arange(sizes[coarse]) + 0.5) * shape[coarse] / sizes[coarse] - 0.5 + 0.5).astype(int)
    assert np.abs(found - np.moveaxis(slices[chosen], 0, coarse)).max() < CLOSE


def test_windows_are_spread_evenly() -> None:
    image = noise((110, 40, 64), (1, 1, 1))
    how = recipe((1, 1, 1), window=(64, 64, 32), overlap=0.5, even_windows=True)
    plan = plan_windows((110, 40, 64), plan_grid(image, how), how)
    assert plan.starts == ((0, 23, 46), (0,), (0, 16, 32))
    assert plan.padding == ((0, 0), (12, 12), (0, 0))


@pytest.mark.parametrize("window", [(8, 12, 7), (16, 10, 1)])
def test_the_gaussian_lies_on_a_voxel(window: tuple[int, int, int]) -> None:
    point = np.zeros(window)
    point[tuple(size // 2 for size in window)] = 1
    expected = ndimage.gaussian_filter(point, [size / 8 for size in window], mode="constant")
    assert np.allclose(window_weights(window, "gaussian_on_voxel"), expected / expected.max(), atol=1e-6)


def test_content_is_cut_out_and_put_back_where_it_was() -> None:
    voxels = np.zeros((9, 8, 7), np.float32)
    voxels[2:5, 3:8, 1:4] = 5
    other = np.zeros_like(voxels)
    other[3, 2, 5] = -1
    images = [sitk.GetImageFromArray(each) for each in (voxels, other)]
    for image in images:
        image.SetDirection((0, 0, 1, 1, 0, 0, 0, 1, 0))
        image.SetOrigin((3, 4, 5))
    cropped, corner = cropped_to_content(images)
    assert corner == (1, 2, 2)
    assert cropped[0].GetSize() == (5, 6, 3)
    assert cropped[1].GetOrigin() == images[1].TransformIndexToPhysicalPoint(corner)
    assert np.array_equal(put_back(sitk.GetArrayFromImage(cropped[1]), corner, images[0]), other)
    empty = [sitk.GetImageFromArray(np.zeros((3, 4, 5), np.float32))]
    assert cropped_to_content(empty)[0][0].GetSize() == (5, 4, 3)


def test_content_is_standardised_with_its_holes_and_nothing_else() -> None:
    voxels = np.random.default_rng(2).uniform(5, 9, (10, 10, 10)).astype(np.float32)
    content = np.zeros(voxels.shape, bool)
    content[2:8, 2:9, 1:8] = True
    voxels[~content] = 0
    voxels[4:6, 4:6, 4:6] = 0
    how = recipe((1, 1, 1), intensity=((StandardiseContent(),),), intensity_first=True)
    found = fed(sitk.GetImageFromArray(voxels), how)
    assert np.all(found[~content] == 0)
    inside = voxels[content]
    assert np.allclose(found[content], (inside - inside.mean()) / inside.std(), atol=1e-5)
