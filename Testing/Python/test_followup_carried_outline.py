"""A lesion's outline carried to the next visit lies where the lesion is, on that visit's own grid."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import SimpleITK as sitk
from followup_records import breathing_transform, info, nodule, provenance, registration, visit

from AIImagingLogic.followup.carried_outline import carried_outline, outline_from_neighbour
from AIImagingLogic.followup.timeline import make_timeline
from AIImagingLogic.followup.visit_spaces import VisitSpaces
from AIImagingLogic.images.geometry import index_to_world, transform_points, world_to_index
from AIImagingLogic.records.errors import GeometryError

CENTER = np.array([10.0, 5.0, -30.0])


def lesion(points: np.ndarray) -> np.ndarray:
    """An egg that is alike under no flip or turn."""
    away = points - CENTER
    radius = 9.0 + 2.0 * away[..., 0] / 9 + 1.0 * away[..., 1] / 9
    return ((away / (1.3, 1.0, 0.75)) ** 2).sum(axis=-1) < radius**2


def grid(spacing: tuple[float, float, float], direction: np.ndarray, center: np.ndarray) -> sitk.Image:
    image = sitk.Image([46, 56, 36], sitk.sitkUInt8)
    image.SetSpacing(spacing)
    image.SetDirection(direction.ravel().tolist())
    middle = image.TransformContinuousIndexToPhysicalPoint([22.5, 27.5, 17.5])
    image.SetOrigin((np.array(image.GetOrigin()) + center - middle).tolist())
    return image


def voxels(image: sitk.Image) -> np.ndarray:
    k, j, i = np.indices(image.GetSize()[::-1])
    return index_to_world(image, np.stack([i, j, k], axis=-1).reshape(-1, 3)).reshape(*i.shape, 3)


def mask_of(image: sitk.Image, inside: Callable[[np.ndarray], np.ndarray]) -> sitk.Image:
    values = inside(voxels(image)).astype(np.uint8)
    result = sitk.GetImageFromArray(values)
    result.CopyInformation(image)
    box = np.argwhere(values)
    first, last = box.min(axis=0)[::-1], box.max(axis=0)[::-1]
    return sitk.RegionOfInterest(result, (last - first + 1).tolist(), first.tolist())


def turned(degrees: float) -> np.ndarray:
    rotation = sitk.Euler3DTransform()
    rotation.SetRotation(*np.deg2rad([degrees, -degrees / 2, degrees / 3]))
    return np.array(rotation.GetMatrix()).reshape(3, 3)


def overlap(outline: sitk.Image, target: sitk.Image, truth: np.ndarray) -> float:
    whole = np.zeros(truth.shape, bool)
    i, j, k = np.rint(world_to_index(target, outline.GetOrigin())).astype(int)
    inside = sitk.GetArrayViewFromImage(outline) > 0
    depth, height, width = inside.shape
    whole[k : k + depth, j : j + height, i : i + width] = inside
    return float(2 * (whole & truth).sum() / (whole.sum() + truth.sum()))


@pytest.mark.parametrize("flip", [1.0, -1.0])
def test_the_outline_lies_on_the_lesion_through_a_deformation_and_on_an_oblique_grid(flip: float) -> None:
    transform = breathing_transform(20.0)
    source = grid((0.9, 0.9, 1.5), turned(10.0), CENTER)
    direction = turned(-25.0) @ np.diag([flip, 1.0, 1.0])
    target = grid((1.0, 0.7, 1.25), direction, np.array(transform.TransformPoint(CENTER.tolist())))
    spaces = VisitSpaces((registration(transform),))
    outline = carried_outline(mask_of(source, lesion), spaces, 0, 1, target)
    index = world_to_index(target, outline.GetOrigin())
    assert np.abs(index - np.rint(index)).max() < 1e-6
    assert outline.GetSpacing() == pytest.approx(target.GetSpacing())
    assert outline.GetDirection() == pytest.approx(target.GetDirection())
    # The truth: a voxel of the later visit is lesion where its exact place at the earlier one is.
    places, known = spaces.carried(1, 0, voxels(target).reshape(-1, 3))
    truth = (lesion(places) & known).reshape(target.GetSize()[::-1])
    assert overlap(outline, target, truth) > 0.95
    # Without the deformation it would miss.
    assert overlap(outline, target, lesion(voxels(target))) < 0.6


def test_the_outline_is_carried_over_several_visits_and_back_and_keeps_its_solid_part() -> None:
    shift = sitk.TranslationTransform(3, (6.0, -4.0, 9.0))
    spaces = VisitSpaces((registration(shift), registration(shift)))
    source = grid((1.0, 1.0, 1.0), np.eye(3), CENTER)
    mask = mask_of(source, lesion)
    core = sitk.Image(mask)
    core[8:12, 6:10, 5:8] = 2
    target = grid((1.0, 1.0, 1.0), np.eye(3), CENTER + (12.0, -8.0, 18.0))
    there = carried_outline(core, spaces, 0, 2, target)
    values = sitk.GetArrayFromImage(there)
    assert int((values == 2).sum()) == 4 * 4 * 3
    assert int((values > 0).sum()) == int((sitk.GetArrayViewFromImage(mask) > 0).sum())
    back = carried_outline(there, spaces, 2, 0, source)
    assert overlap(back, source, lesion(voxels(source))) == 1.0


def test_a_place_outside_the_other_image_and_an_empty_outline_are_refused() -> None:
    source = grid((1.0, 1.0, 1.0), np.eye(3), CENTER)
    mask = mask_of(source, lesion)
    far = VisitSpaces((registration(sitk.TranslationTransform(3, (0.0, 0.0, 300.0))),))
    with pytest.raises(GeometryError, match="outside"):
        carried_outline(mask, far, 0, 1, source)
    with pytest.raises(GeometryError, match="empty"):
        carried_outline(mask * 0, far, 0, 1, source)


def test_a_timeline_carries_the_outline_of_the_nearest_visit() -> None:
    source = grid((1.0, 1.0, 1.0), np.eye(3), CENTER)
    shift = sitk.TranslationTransform(3, (6.0, -4.0, 9.0))
    finding = nodule("a", CENTER.tolist(), 18.0, mask=mask_of(source, lesion))
    visits = (visit("baseline", finding), visit("follow-up"))
    timeline = make_timeline(visits, (registration(shift),), provenance())
    outline = outline_from_neighbour(timeline, 1, 1, info())
    inside = np.argwhere(sitk.GetArrayViewFromImage(outline) > 0)[:, ::-1]
    apart = index_to_world(outline, inside).mean(axis=0) - transform_points(
        shift, voxels(source)[lesion(voxels(source))]
    ).mean(axis=0)
    assert np.linalg.norm(apart) < 0.5
    unregistered = dataclasses.replace(timeline, registrations=(None,))
    with pytest.raises(GeometryError, match="no outline"):
        outline_from_neighbour(unregistered, 1, 1, info())
