"""Volume, axes, density, place and identity of lesions against analytic truth."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import SimpleITK as sitk
from analytic_lesions import (
    CALCIFIED_HU,
    GROUND_GLASS_HU,
    OBLIQUE_FLIPPED,
    TISSUE_HU,
    Grid,
    Shape,
    ball,
    cylinder,
    ellipsoid,
    half_space,
    info_of,
    lungs,
    render,
)

from AIImagingLogic.measure.diameters import diameters
from AIImagingLogic.measure.finding import make_finding
from AIImagingLogic.measure.lesion import measure_lesion
from AIImagingLogic.measure.subvoxel_outline import subvoxel_outline
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.segmentation import Segment, Segmentation

MIDDLE = (0.0, 0.0, 0.0)
THICK = Grid(spacing_mm=(0.7, 0.7, 2.5))
GRIDS = pytest.mark.parametrize("grid", [Grid(), THICK, OBLIQUE_FLIPPED], ids=["thin", "thick", "oblique and flipped"])


def drawn(image: sitk.Image, whole: Shape, core: Shape | None = None) -> sitk.Image:
    """Return the mask that a careful reader would draw: voxels whose centres lie inside."""
    mask = lungs(image, whole).image
    return mask if core is None else mask + lungs(image, core).image


def ball_volume(radius_mm: float) -> float:
    return 4.0 / 3.0 * np.pi * radius_mm**3


@GRIDS
@pytest.mark.parametrize("radius_mm", [2.5, 4.0])
def test_volume_is_finer_than_the_voxels(grid: Grid, radius_mm: float) -> None:
    shape = ball((0.2, -0.1, 0.3), radius_mm)
    image = render([(shape, TISSUE_HU)], grid)
    volume = subvoxel_outline(image, drawn(image, shape), lungs(image)).volume_mm3
    # .25 mm of edge, a third of a voxel, is .3 of the volume of a 5 mm ball and .2 of an 8 mm one.
    assert volume / ball_volume(radius_mm) == pytest.approx(1.0, abs=0.17 if radius_mm < 3 else 0.06)


def test_a_mask_drawn_half_a_voxel_too_large_or_small_gives_the_same_volume() -> None:
    image = render([(ball(MIDDLE, 4.0), TISSUE_HU)], Grid())
    volumes = [
        subvoxel_outline(image, drawn(image, ball(MIDDLE, radius)), lungs(image)).volume_mm3 for radius in (3.7, 4.3)
    ]
    assert volumes == pytest.approx([ball_volume(4.0)] * 2, rel=0.05)


def test_what_a_person_cut_off_stays_cut_off() -> None:
    image = render([(ball(MIDDLE, 6.0), TISSUE_HU)], Grid())
    cut = half_space((2.0, 0.0, 0.0), (1.0, 0.0, 0.0))
    kept = drawn(image, lambda points: ball(MIDDLE, 6.0)(points) & ~cut(points))
    cap_mm3 = np.pi * 4.0**2 / 3.0 * (3 * 6.0 - 4.0)
    # The cut runs between voxels .7 mm apart: a third of a voxel over its 100 mm2 is 3 % of the rest.
    volume = subvoxel_outline(image, kept, lungs(image)).volume_mm3
    assert volume == pytest.approx(ball_volume(6.0) - cap_mm3, rel=0.06)


def test_a_6_mm_ball_measures_6_mm() -> None:
    for seed in range(3):
        image = render([(ball(MIDDLE, 3.0), TISSUE_HU)], Grid(), seed=seed)
        outline = subvoxel_outline(image, drawn(image, ball(MIDDLE, 3.0)), lungs(image))
        axes = diameters(outline.patch, outline.whole)
        assert axes is not None
        assert (axes.long_axis_mm, axes.short_axis_mm) == pytest.approx((6.0, 6.0), abs=0.3)


@GRIDS
def test_axes_are_those_of_the_shape_and_end_on_its_surface(grid: Grid) -> None:
    # For the oblique grid, the plane nearest to axial is tilted; the long axis along y lies in it all the same.
    shape = ellipsoid(MIDDLE, (4.0, 7.0, 4.0))
    image = render([(shape, TISSUE_HU)], grid)
    outline = subvoxel_outline(image, drawn(image, shape), lungs(image))
    axes = diameters(outline.patch, outline.whole)
    assert axes is not None
    # Half a patch voxel at each end and the noise's share: .5 mm.
    assert (axes.long_axis_mm, axes.short_axis_mm) == pytest.approx((14.0, 8.0), abs=0.6)
    ends = np.asarray(sorted(axes.long_axis_ends_mm, key=lambda end: end[1]))
    assert ends[:, 1] == pytest.approx([-7.0, 7.0], abs=0.5)
    long_way, short_way = (np.subtract(*np.asarray(pair)) for pair in (axes.long_axis_ends_mm, axes.short_axis_ends_mm))
    assert abs(long_way @ short_way) < 1e-3 * np.linalg.norm(long_way) * np.linalg.norm(short_way)


def test_the_best_of_three_planes_finds_a_long_axis_across_the_slices() -> None:
    shape = ellipsoid(MIDDLE, (3.0, 3.0, 6.0))
    image = render([(shape, TISSUE_HU)], Grid())
    outline = subvoxel_outline(image, drawn(image, shape), lungs(image))
    axial, best = (diameters(outline.patch, outline.whole, planes) for planes in ("axial", "any"))
    assert axial is not None and best is not None
    assert (axial.long_axis_mm, best.long_axis_mm) == pytest.approx((6.0, 12.0), abs=0.6)


@pytest.mark.parametrize(
    ("density_hu", "word"), [(TISSUE_HU, "solid"), (GROUND_GLASS_HU, "ground-glass"), (CALCIFIED_HU, "calcified")]
)
def test_attenuation_density_and_mass_follow_the_density(density_hu: float, word: str) -> None:
    shape = ball(MIDDLE, 5.0)
    image = render([(shape, density_hu)], Grid())
    rows, descriptors = measure_lesion(image, drawn(image, shape), lungs(image))
    values = {row.name: row.value for row in rows}
    assert descriptors["attenuation"] == word
    assert values["mass"] == pytest.approx(values["volume"] * (values["mean_density"] + 1000.0) / 1000.0)
    # The rim's voxels are mixed with lung: the mean over the mask lies below the density inside.
    assert density_hu - 0.25 * (density_hu + 860.0) < values["mean_density"] < density_hu
    assert "solid_volume" not in values


def test_the_solid_part_is_measured_apart() -> None:
    whole, core = ball(MIDDLE, 6.0), ball((1.0, 0.0, 0.0), 3.0)
    image = render([(whole, GROUND_GLASS_HU), (core, TISSUE_HU)], Grid())
    rows, descriptors = measure_lesion(image, drawn(image, whole, core), lungs(image))
    values = {row.name: row.value for row in rows}
    assert descriptors["attenuation"] == "part-solid"
    assert values["mean_diameter"] == pytest.approx(12.0, abs=0.5)
    assert values["solid_mean_diameter"] == pytest.approx(6.0, abs=0.6)


def test_side_third_and_distance_to_the_pleura_are_those_of_the_patient() -> None:
    # The left lung lies at positive x, the upper third at large z, on whatever axes the image has.
    grid = dataclasses.replace(OBLIQUE_FLIPPED, extent_mm=60.0)
    nodule = ball((12.0, 0.0, 12.0), 3.0)
    body = render([(nodule, TISSUE_HU)], grid)
    inside = lungs(body, ball(MIDDLE, 25.0)).image
    left = lungs(body, half_space(MIDDLE, (1.0, 0.0, 0.0))).image
    labels = inside + inside * left
    organs = Segmentation(
        labels,
        (
            Segment(1, "Right lung", concept("lung-right"), (1, 2, 3)),
            Segment(2, "Left lung", concept("lung-left"), (1, 2, 3)),
        ),
    )
    rows, descriptors = measure_lesion(body, drawn(body, nodule), organs)
    assert (descriptors["side"], descriptors["third"]) == ("left", "upper")
    distance = next(row.value for row in rows if row.name == "pleura_distance")
    # The lung's border is drawn to a voxel of up to 1.5 mm; far borders are measured on a 2 mm grid.
    assert distance == pytest.approx(25.0 - np.hypot(12.0, 12.0) - 3.0, abs=1.5)


@pytest.mark.parametrize(("gap_mm", "contact"), [(0.0, "pleura"), (4.0, "none")])
def test_contact_with_the_pleura_is_seen(gap_mm: float, contact: str) -> None:
    wall = half_space((4.0 + gap_mm, 0.0, 0.0), (1.0, 0.0, 0.0))
    nodule = ball(MIDDLE, 4.5 if gap_mm == 0.0 else 4.0)
    image = render([(nodule, TISSUE_HU), (wall, 20.0)], Grid())
    organs = lungs(image, lambda points: ~wall(points))
    mask = drawn(image, lambda points: nodule(points) & ~wall(points))
    assert measure_lesion(image, mask, organs)[1]["contact"] == contact


def test_contact_with_a_vessel_is_seen() -> None:
    nodule = ball(MIDDLE, 4.0)
    image = render([(cylinder(MIDDLE, (1.0, 0.2, 0.0), 1.5), TISSUE_HU), (nodule, TISSUE_HU)], Grid())
    assert measure_lesion(image, drawn(image, nodule), lungs(image))[1]["contact"] == "vessel"


@GRIDS
def test_a_finding_has_a_tight_right_handed_box_and_the_same_uid_again(grid: Grid) -> None:
    shape = ball((1.0, 2.0, -1.0), 4.0)
    image = render([(shape, TISSUE_HU)], grid)
    first, second = (
        make_finding(image, info_of(image), drawn(image, shape), lungs(image), 0.8, number) for number in (1, 2)
    )
    assert first.uid == second.uid
    other = dataclasses.replace(info_of(image), content_hash="another image")
    assert make_finding(image, other, drawn(image, shape), lungs(image), 0.8, 1).uid != first.uid
    assert first.box.center_mm == pytest.approx((1.0, 2.0, -1.0), abs=0.4)
    assert first.box.size_mm == pytest.approx((8.0, 8.0, 8.0), abs=0.8)
    assert np.linalg.det(np.asarray(first.box.axes)) == pytest.approx(1.0, abs=1e-3)
