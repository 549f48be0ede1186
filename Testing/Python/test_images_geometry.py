"""Indices and points, crops, grids and resampling, on oblique, flipped and anisotropic grids."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from AIImagingLogic.images.geometry import (
    crop_around,
    index_to_world,
    inside,
    overlap_share,
    paste,
    same_grid,
    transform_points,
    world_to_index,
)
from AIImagingLogic.images.info import content_hash, describe
from AIImagingLogic.images.resample import resample_like, resample_to_spacing
from AIImagingLogic.records.errors import GeometryError

OBLIQUE_FLIPPED = np.array(sitk.VersorTransform((0.2, -0.1, 0.15, 0.95)).GetMatrix()).reshape(3, 3) @ np.diag(
    (1, -1, 1)
)


def grid_image(
    size: tuple[int, int, int] = (12, 10, 8),
    spacing: tuple[float, float, float] = (0.7, 1.1, 2.5),
    direction: np.ndarray = OBLIQUE_FLIPPED,
    origin: tuple[float, float, float] = (-30.0, 20.0, 100.0),
) -> sitk.Image:
    image = sitk.GetImageFromArray(np.arange(np.prod(size), dtype=np.int16).reshape(size[::-1]))
    image.SetSpacing(spacing)
    image.SetDirection(direction.ravel().tolist())
    image.SetOrigin(origin)
    return image


coordinate = st.floats(-500, 500)


@settings(max_examples=50, deadline=None)
@given(point=st.tuples(coordinate, coordinate, coordinate))
def test_points_agree_with_itk_and_survive_the_way_to_indices_and_back(point: tuple[float, float, float]) -> None:
    image = grid_image()
    index = world_to_index(image, point)
    np.testing.assert_allclose(index, image.TransformPhysicalPointToContinuousIndex(point), atol=1e-9)
    np.testing.assert_allclose(index_to_world(describe(image), index), point, atol=1e-9)


def test_points_on_the_border_voxels_are_inside_and_half_a_voxel_further_is_not() -> None:
    image = grid_image()
    corners = np.array([(-0.49, -0.49, -0.49), (11.49, 9.49, 7.49), (11.51, 0, 0), (0, -0.51, 0)])
    assert inside(image, index_to_world(image, corners)).tolist() == [True, True, False, False]
    assert inside(describe(image), index_to_world(image, corners)).tolist() == [True, True, False, False]


def test_grids_differ_by_size_by_place_and_by_direction_but_not_by_rounding() -> None:
    image = grid_image()
    assert same_grid(image, grid_image(origin=(-30.0, 20.0, 100.0 + 1e-5)))
    assert not same_grid(image, grid_image(size=(12, 10, 7)))
    assert not same_grid(image, grid_image(origin=(-30.0, 20.0, 100.1)))
    assert not same_grid(image, grid_image(direction=np.eye(3)))
    # A direction that is off by little moves the far corner by much.
    turned = np.array(sitk.VersorTransform((0, 0, 1), 0.001).GetMatrix()).reshape(3, 3)
    assert not same_grid(image, grid_image(direction=turned @ OBLIQUE_FLIPPED))


@pytest.mark.parametrize("kind", ["affine", "field"])
def test_many_points_go_where_the_transform_takes_each(kind: str) -> None:
    transform: sitk.Transform = sitk.AffineTransform((1.1, 0.1, 0, 0, 0.9, 0.2, 0.1, 0, 1), (3, -2, 1), (5, 5, 5))
    if kind == "field":
        field = sitk.GetImageFromArray(np.random.default_rng(0).normal(size=(8, 8, 8, 3)), isVector=True)
        transform = sitk.CompositeTransform([transform, sitk.DisplacementFieldTransform(field)])
    points = np.random.default_rng(1).uniform(0, 7, (20, 3))
    expected = [transform.TransformPoint(point) for point in points.tolist()]
    np.testing.assert_allclose(transform_points(transform, points), expected, atol=1e-12)


def test_crop_keeps_its_place_and_goes_back_to_where_it_came_from() -> None:
    image = grid_image()
    center = index_to_world(image, (6, 4, 3))
    crop = crop_around(image, center, (2.8, 4.4, 7.5))
    assert np.array_equal(crop.GetSize(), (5, 5, 3))
    assert crop[2, 2, 1] == image[6, 4, 3]
    np.testing.assert_allclose(index_to_world(crop, (2, 2, 1)), center, atol=1e-9)
    changed = paste(crop * 0 - 5, image)
    difference = sitk.GetArrayFromImage(changed) != sitk.GetArrayFromImage(image)
    assert difference.sum() == 75
    assert same_grid(changed, image)
    assert paste(crop, changed)[6, 4, 3] == image[6, 4, 3]


def test_crop_at_the_border_is_clipped_and_outside_is_an_error() -> None:
    image = grid_image()
    assert crop_around(image, index_to_world(image, (0, 0, 0)), 6.0).GetSize() == (5, 4, 2)
    with pytest.raises(GeometryError, match="outside the image"):
        crop_around(image, index_to_world(image, (30, 0, 0)), 6.0)


def test_a_crop_of_another_lattice_is_not_pasted() -> None:
    image = grid_image()
    crop = crop_around(image, index_to_world(image, (6, 4, 3)), 5.0)
    crop.SetOrigin(index_to_world(image, (4.4, 3, 2)).tolist())
    with pytest.raises(GeometryError, match="does not lie on the grid"):
        paste(crop, image)


def test_overlap_is_the_share_of_the_smaller_field_of_view() -> None:
    whole = grid_image((40, 40, 40), (1, 1, 1), np.eye(3), (0, 0, 0))
    part = grid_image((20, 20, 20), (1, 1, 1), np.eye(3), (-10, 0, 0))
    # Half of the part lies outside; counted on 24 points along the axis.
    assert overlap_share(whole, part) == pytest.approx(0.5, abs=1 / 24)
    assert overlap_share(part, whole) == pytest.approx(0.5, abs=1 / 24)
    assert overlap_share(whole, grid_image(origin=(500, 0, 0))) == 0.0
    # The transform takes points of the first to points of the second.
    assert overlap_share(part, whole, sitk.TranslationTransform(3, (10, 0, 0))) == 1.0
    assert overlap_share(whole, part, sitk.TranslationTransform(3, (-10, 0, 0))) == 1.0


def test_resampled_to_a_reference_lies_on_its_grid_and_keeps_the_place_of_a_landmark() -> None:
    image = grid_image((30, 30, 20), (1, 1, 1.5)) * 0
    image[15, 12, 9] = 1000
    reference = grid_image((60, 60, 60), (0.5, 0.5, 0.5), np.eye(3), tuple(index_to_world(image, (15, 12, 9)) - 15))
    result = resample_like(image, reference)
    assert same_grid(result, reference)
    values = sitk.GetArrayFromImage(result).astype(float)
    center = [float((values * axis).sum() / values.sum()) for axis in np.indices(values.shape)[::-1]]
    # Half a voxel of the finer grid.
    np.testing.assert_allclose(center, (30, 30, 30), atol=0.5)


def test_outside_is_the_darkest_value_for_images_and_zero_for_labels() -> None:
    image = grid_image() - 1000
    far = grid_image(origin=(900, 0, 0))
    assert np.all(sitk.GetArrayFromImage(resample_like(image, far)) == -1000)
    assert np.all(sitk.GetArrayFromImage(resample_like(image, far, interpolation="nearest")) == 0)
    assert np.all(sitk.GetArrayFromImage(resample_like(image, far, outside=7)) == 7)


@pytest.mark.parametrize("spacing", [2.0, (0.5, 2.0, 1.0)])
def test_new_spacing_keeps_centre_axes_and_field_of_view(spacing: float | tuple[float, float, float]) -> None:
    image = grid_image((30, 24, 16), (0.7, 1.1, 2.5))
    result = resample_to_spacing(image, spacing)
    np.testing.assert_allclose(result.GetSpacing(), np.broadcast_to(spacing, 3))
    assert result.GetDirection() == image.GetDirection()
    centers = [index_to_world(each, (np.array(each.GetSize()) - 1) / 2) for each in (image, result)]
    np.testing.assert_allclose(centers[0], centers[1], atol=1e-9)
    extents = [np.array(each.GetSize()) * each.GetSpacing() for each in (image, result)]
    assert np.all(extents[1] >= extents[0] - 1e-6)
    assert np.all(extents[1] < extents[0] + np.array(result.GetSpacing()))


def test_going_coarser_averages_instead_of_picking_voxels() -> None:
    stripes = grid_image((64, 16, 16), (1, 1, 1), np.eye(3), (0, 0, 0)) * 0
    values = sitk.GetArrayFromImage(stripes)
    values[:, :, ::2] = 1000
    image = sitk.GetImageFromArray(values)
    inner = sitk.GetArrayFromImage(resample_to_spacing(image, 3.0))[:, :, 3:-3]
    # The pattern is finer than the new grid can show: what remains is its mean.
    assert np.abs(inner - 500).max() < 25


def test_labels_stay_labels_at_any_spacing() -> None:
    labels = sitk.Cast(grid_image() > 400, sitk.sitkUInt8) * 7
    assert set(np.unique(sitk.GetArrayFromImage(resample_to_spacing(labels, 3.0, "nearest")))) <= {0, 7}


def test_content_hash_tells_apart_voxels_and_geometry_and_nothing_else() -> None:
    image = grid_image()
    other = grid_image()
    other[0, 0, 0] += 1
    hashes = {
        content_hash(each) for each in (image, other, grid_image(origin=(0, 0, 0)), grid_image(spacing=(1, 1, 1)))
    }
    assert len(hashes) == 4
    assert content_hash(grid_image()) == content_hash(image)
