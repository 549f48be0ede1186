"""Patches in the planes of a cube: where their pixels lie, on any grid, and what is outside."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.models.builtin.multi_view_patches import AIR_HU, plane_axes, sample_views

SPACING_MM, SIDE = 0.8, 24
CENTER_MM = np.array((-31.0, 47.0, 212.0))
GRIDS = {
    "along the patient, thick slices": (np.eye(3), (0.7, 0.7, 2.5)),
    "flipped": (np.diag((-1.0, 1.0, -1.0)), (0.9, 0.6, 1.2)),
    "mirrored": (np.diag((1.0, -1.0, 1.0)), (0.8, 1.1, 1.5)),
    "axes exchanged": (np.array(((0.0, 0, 1), (1, 0, 0), (0, 1, 0))), (1.0, 0.7, 0.5)),
    "oblique": (
        np.array(sitk.VersorTransform((0.4, -0.7, 0.5), 0.83).GetMatrix()).reshape(3, 3),
        (0.6, 0.9, 1.4),
    ),
}


def grid(name: str, extent_mm: float = 60.0) -> tuple[sitk.Image, np.ndarray]:
    """Return an empty image (float32) around CENTER_MM, and the LPS mm (k, j, i, 3) of its voxels."""
    direction, spacing = GRIDS[name]
    size = np.ceil(extent_mm / np.array(spacing)).astype(int)
    image = sitk.Image(size.tolist(), sitk.sitkFloat32)
    image.SetSpacing(spacing)
    image.SetDirection(direction.ravel().tolist())
    image.SetOrigin((CENTER_MM + (0.3, -0.2, 0.4) - direction @ ((size - 1) / 2 * spacing)).tolist())
    indices = np.moveaxis(np.indices(size[::-1]), 0, -1)[..., ::-1]
    return image, np.array(image.GetOrigin()) + (indices * spacing) @ direction.T


def with_voxels(image: sitk.Image, voxels: np.ndarray) -> sitk.Image:
    result = sitk.GetImageFromArray(voxels.astype(np.float32))
    result.CopyInformation(image)
    return result


def pixels_mm(position: np.ndarray) -> np.ndarray:
    """Return where the pixels of the nine views lie, (9, SIDE, SIDE, 3), worked out pixel by pixel."""
    result = np.empty((9, SIDE, SIDE, 3))
    for view, (along, down) in enumerate(plane_axes()):
        for row in range(SIDE):
            for column in range(SIDE):
                steps = np.array((column, row)) - (SIDE - 1) / 2
                result[view, row, column] = position + SPACING_MM * (steps[0] * along + steps[1] * down)
    return result


def test_planes_are_the_nine_symmetry_planes_of_a_cube() -> None:
    axes = plane_axes()
    assert axes.shape == (9, 2, 3)
    np.testing.assert_allclose(np.einsum("vai,vbi->vab", axes, axes), np.tile(np.eye(2), (9, 1, 1)), atol=1e-12)
    mirrors = {tuple(np.round(_mirror(normal), 6).ravel() + 0.0) for normal in np.cross(axes[:, 0], axes[:, 1])}
    # A mirror at a symmetry plane of the cube exchanges or turns round its axes.
    assert len(mirrors) == 9
    assert all(set(np.abs(mirror)) <= {0.0, 1.0} for mirror in mirrors)


def _mirror(normal: np.ndarray) -> np.ndarray:
    return np.eye(3) - 2.0 * np.outer(normal, normal)


@pytest.mark.parametrize("name", GRIDS)
def test_a_ramp_is_read_exactly_at_every_pixel(name: str) -> None:
    image, points = grid(name)
    # Linear interpolation of what is linear in x, y, z is exact; three slopes tell every exchange and flip.
    slopes = np.array((3.0, -7.0, 11.0))
    ramp = with_voxels(image, (points - CENTER_MM) @ slopes)
    positions = CENTER_MM + np.array(((0.0, 0.0, 0.0), (4.2, -5.1, 3.3)))
    views = sample_views(ramp, positions, SPACING_MM, SIDE)
    assert views.shape == (2, 9, SIDE, SIDE)
    wanted = np.stack([(pixels_mm(position) - CENTER_MM) @ slopes for position in positions])
    np.testing.assert_allclose(views, wanted, atol=0.02)


@pytest.mark.parametrize("name", GRIDS)
def test_an_ellipsoid_is_seen_as_its_analytic_sections(name: str) -> None:
    image, points = grid(name)
    turn = np.array(sitk.VersorTransform((1.0, 2.0, -0.5), 0.6).GetMatrix()).reshape(3, 3)
    half_axes, center = np.array((4.0, 7.0, 10.0)), CENTER_MM + (1.5, -2.0, 0.5)

    def hu(where: np.ndarray) -> np.ndarray:
        radius = np.linalg.norm(((where - center) @ turn) / half_axes, axis=-1)
        return -850.0 + 900.0 / (1.0 + np.exp((radius - 1.0) * 4.0))

    views = sample_views(with_voxels(image, hu(points)), CENTER_MM, SPACING_MM, SIDE)[0]
    error = np.abs(views - hu(pixels_mm(CENTER_MM)))
    # h^2 / 8 times the largest second derivative, about 56 HU/mm^2 across the shortest axis, over up to 2.5 mm.
    assert error.max() < 56.0 * max(GRIDS[name][1]) ** 2 / 8 * 2
    assert error.mean() < 8.0


def test_planes_of_each_point_are_its_own() -> None:
    image, points = grid("oblique")
    ramp = with_voxels(image, (points - CENTER_MM) @ np.array((3.0, -7.0, 11.0)))
    turned = plane_axes()[:, ::-1]
    both = sample_views(ramp, np.stack([CENTER_MM] * 2), SPACING_MM, SIDE, np.stack([plane_axes(), turned]))
    np.testing.assert_allclose(both[1], np.swapaxes(both[0], 1, 2), atol=1e-3)


def test_outside_of_the_image_there_is_air() -> None:
    image, points = grid("flipped")
    tissue = with_voxels(image, np.full(points.shape[:3], 40.0))
    corner = np.array(tissue.TransformContinuousIndexToPhysicalPoint((0.0, 0.0, 0.0)))
    views = sample_views(tissue, [corner, corner + (500.0, 0.0, 0.0)], SPACING_MM, SIDE)
    assert set(np.unique(views[0])) == {np.float32(AIR_HU), np.float32(40.0)}
    assert np.all(views[1] == AIR_HU)
    # Each plane that holds two of the image's axes has one quarter of its pixels inside of this corner.
    assert (views[0, :3] == 40.0).mean() == pytest.approx(0.25)


def test_no_points_give_no_patches() -> None:
    image, _ = grid("oblique")
    assert sample_views(image, np.empty((0, 3)), SPACING_MM, SIDE).shape == (0, 9, SIDE, SIDE)
