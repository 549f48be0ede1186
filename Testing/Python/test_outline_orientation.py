"""An outline by clicks does not depend on the order and the sense of the image's axes: the same, voxel by voxel."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial.transform import Rotation

from AIImagingLogic.images.geometry import index_to_world
from AIImagingLogic.images.info import describe
from AIImagingLogic.models.builtin.prompted_outline.canonical_grid import canonical_view
from AIImagingLogic.records.boxes import OrientedBox, Vector
from AIImagingLogic.records.prompts import Prompts, Stroke
from AIImagingLogic.tasks.refine import refined

SIZE = (46, 38, 30)
LAYOUTS = list(product(permutations(range(3)), product((False, True), repeat=3)))


def _image(turned: bool) -> sitk.Image:
    """A bent object that touches another one, in noise, on an anisotropic grid; no part is like its mirror image."""
    k, j, i = np.indices(SIZE[::-1])
    x = (np.stack([i, j, k], axis=-1) - (22.0, 16.0, 14.0)) * (0.9, 1.1, 2.0)
    first = np.linalg.norm(x / (11.0, 8.0, 15.0), axis=-1) < 1
    bent = np.linalg.norm((x - (9.0, 6.0, 4.0)) / (9.0, 6.0, 8.0), axis=-1) < 1
    other = np.linalg.norm((x - (-14.0, 7.0, -3.0)) / (7.0, 7.0, 9.0), axis=-1) < 1
    clean = 40.0 + 60 * (first | bent) + 75 * (other & ~first)
    noise = np.random.default_rng(5).normal(0, 9, clean.shape)
    image = sitk.GetImageFromArray((ndimage.gaussian_filter(clean, 0.5) + noise).astype(np.float32))
    image.SetSpacing((0.9, 1.1, 2.0))
    image.SetOrigin((-31.7, 12.4, 140.3))
    if turned:
        image.SetDirection(Rotation.from_euler("zyx", (35, -20, 170), degrees=True).as_matrix().ravel().tolist())
    return image


def _laid_out(image: sitk.Image, order: tuple[int, ...], flips: tuple[bool, ...]) -> sitk.Image:
    """The same voxels at the same places, laid out in another way."""
    return sitk.Flip(sitk.PermuteAxes(image, order), flips, False)


def _at(image: sitk.Image, *index: float) -> Vector:
    x, y, z = index_to_world(image, index)
    return float(x), float(y), float(z)


def _prompts(image: sitk.Image) -> dict[str, Prompts]:
    # Some lie on the face between two voxels, where rounding could decide.
    inside, more = _at(image, 22.5, 16.0, 14.0), _at(image, 33.0, 22.5, 16.5)
    outside = _at(image, 7.0, 22.0, 12.5)
    line = Stroke((_at(image, 18.0, 12.0, 10.0), _at(image, 24.0, 16.5, 14.5)), True, 1.8)
    columns = np.array(image.GetDirection()).reshape(3, 3).T
    axes = tuple((float(a), float(b), float(c)) for a, b, c in columns)
    box = OrientedBox(_at(image, 24.0, 18.0, 14.5), (34.2, 28.6, 40.0), axes)  # type: ignore[arg-type]
    lasso = tuple(_at(image, 22 + 13 * np.cos(t), 16 + 9 * np.sin(t), 14.0) for t in np.linspace(0.1, 6.2, 17))
    return {
        "clicks": Prompts(inside_mm=(inside, more), outside_mm=(outside,)),
        "box": Prompts(box=box, outside_mm=(outside,)),
        "stroke": Prompts(strokes=(line,)),
        "lasso": Prompts(lasso_mm=lasso, inside_mm=(more,)),
    }


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("kind", ["clicks", "box", "stroke", "lasso"])
def test_flipped_and_permuted_grids_give_the_same_outline_voxel_by_voxel(kind: str, turned: bool) -> None:
    image = _image(turned)
    prompts = _prompts(image)[kind]
    expected = sitk.GetArrayFromImage(refined(image, describe(image), prompts).mask)
    assert 200 < int(expected.sum()) < expected.size / 2
    for order, flips in (((0, 1, 2), (True, False, True)), ((2, 0, 1), (False, True, False)), ((1, 0, 2), (True,) * 3)):
        other = _laid_out(image, order, flips)
        mask = refined(other, describe(other), prompts).mask
        back = sitk.PermuteAxes(sitk.Flip(mask, flips, False), np.argsort(order).tolist())
        np.testing.assert_array_equal(sitk.GetArrayFromImage(back), expected)


@given(
    angles=st.tuples(*(st.sampled_from([0.0, 45.0, 90.0, 135.0, 17.3, -45.0]),) * 3), layout=st.sampled_from(LAYOUTS)
)
@settings(max_examples=60, deadline=None)
def test_every_layout_of_a_grid_has_one_canonical_view_and_lies_in_it_where_it_lies(
    angles: tuple[float, float, float], layout: tuple[tuple[int, ...], tuple[bool, ...]]
) -> None:
    image = sitk.GetImageFromArray(np.arange(4 * 3 * 5, dtype=np.float32).reshape(4, 3, 5))
    image.SetSpacing((0.5, 1.0, 2.5))
    image.SetOrigin((10.0, -7.0, 3.0))
    image.SetDirection(Rotation.from_euler("zyx", angles, degrees=True).as_matrix().ravel().tolist())
    other = _laid_out(image, *layout)
    one, two = canonical_view(image), canonical_view(other)
    values = one.of(sitk.GetArrayViewFromImage(image))
    np.testing.assert_array_equal(two.of(sitk.GetArrayViewFromImage(other)), values)
    np.testing.assert_array_equal(two.back(values), sitk.GetArrayViewFromImage(other))
    np.testing.assert_allclose(two.grid.origin_mm, one.grid.origin_mm, atol=1e-9)
    np.testing.assert_allclose(two.grid.direction, one.grid.direction, atol=1e-9)
    # A voxel by its number lies where the image says.
    k, j, i = np.argwhere(values == 17)[0]
    place = image.TransformIndexToPhysicalPoint(
        [int(n) for n in np.argwhere(sitk.GetArrayViewFromImage(image) == 17)[0][::-1]]
    )
    np.testing.assert_allclose(index_to_world(one.grid, (i, j, k)), place, atol=1e-9)
    corner = two.first_in_image((k, j, i), (k + 1, j + 1, i + 1))
    assert sitk.GetArrayViewFromImage(other)[tuple(corner)] == 17
