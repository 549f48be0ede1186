"""The nodule outline on analytic scenes with known truth, and on a real nodule."""

from __future__ import annotations

from pathlib import Path

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
    outside_ball,
    render,
)

from AIImagingLogic.measure.subvoxel_outline import subvoxel_outline
from AIImagingLogic.models.catalogue import load_model
from AIImagingLogic.models.protocols import Candidate
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.segmentation import Segment, Segmentation

THICK = Grid(spacing_mm=(0.7, 0.7, 2.5))
MIDDLE = (0.0, 0.0, 0.0)
LIDC_CENTER_MM, LIDC_DIAMETER_MM = (-57.43923954, 131.2325201, -520.3592267), 15.48525426

# The project's target for single lesions is a median error of .10 and 95% within .25 of the volume.
VOLUME_TOLERANCE = 0.15


def outlined(
    image: sitk.Image,
    diameter_mm: float,
    seed_mm: tuple[float, float, float] = MIDDLE,
    inside: Shape | None = None,
) -> tuple[sitk.Image, Segmentation]:
    organs = lungs(image, inside)
    candidate = Candidate(seed_mm, diameter_mm, 1.0)
    return load_model("ct-nodule-outline").outline(image, info_of(image), organs, candidate, Progress()), organs


def volume_of(radius_mm: float) -> float:
    return 4.0 / 3.0 * np.pi * radius_mm**3


def volume_ratio(image: sitk.Image, mask: sitk.Image, organs: Segmentation, truth_mm3: float) -> float:
    return subvoxel_outline(image, mask, organs).volume_mm3 / truth_mm3


def dice(mask: sitk.Image, image: sitk.Image, shape: Shape) -> float:
    """Overlap with the voxels whose centres lie in `shape`."""
    truth = lungs(image, shape).image
    whole = sitk.Resample(mask > 0, image, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    found, wanted = (sitk.GetArrayFromImage(entry).astype(bool) for entry in (whole, truth))
    return 2.0 * float((found & wanted).sum()) / float(found.sum() + wanted.sum())


@pytest.mark.parametrize("grid", [Grid(), THICK, OBLIQUE_FLIPPED], ids=["thin", "thick", "oblique and flipped"])
@pytest.mark.parametrize("density_hu", [TISSUE_HU, GROUND_GLASS_HU, CALCIFIED_HU], ids=["solid", "glass", "calcified"])
def test_a_nodule_of_any_density_is_outlined_at_its_edge_on_any_grid(grid: Grid, density_hu: float) -> None:
    shape = ellipsoid(MIDDLE, (5.0, 4.0, 3.5))
    image = render([(shape, density_hu)], grid)
    mask, organs = outlined(image, 8.0)
    labels = sitk.GetArrayViewFromImage(mask)
    assert set(np.unique(labels)) == {0, 1}, "one density: no solid part apart"
    # Half a voxel of doubt all around leaves .85 on 2.5 mm slices.
    assert dice(mask, image, shape) > (0.82 if grid is THICK else 0.87)
    assert volume_ratio(image, mask, organs, volume_of(1.0) * 5.0 * 4.0 * 3.5) == pytest.approx(1.0, abs=0.1)


def test_the_mask_lies_on_the_voxels_of_the_image() -> None:
    image = render([(ball(MIDDLE, 4.0), TISSUE_HU)], OBLIQUE_FLIPPED)
    mask, _ = outlined(image, 8.0)
    assert mask.GetPixelID() == sitk.sitkUInt8
    assert mask.GetSpacing() == image.GetSpacing() and mask.GetDirection() == image.GetDirection()
    first = np.asarray(image.TransformPhysicalPointToContinuousIndex(mask.GetOrigin()))
    assert np.abs(first - np.rint(first)).max() < 1e-6


def test_a_seed_off_by_a_third_of_the_diameter_gives_the_same_volume() -> None:
    image = render([(ball(MIDDLE, 5.0), TISSUE_HU)], Grid(), noise_hu=40.0)
    ratios = []
    for seed, diameter in (((3.2, 0.0, 0.0), 13.0), ((0.0, -2.3, 2.3), 7.0), (MIDDLE, 10.0)):
        mask, organs = outlined(image, diameter, seed)
        ratios.append(volume_ratio(image, mask, organs, volume_of(5.0)))
    # One voxel of the surface's 900 is .1 %; noise of 40 HU moves the edge by hundredths of a millimetre.
    assert ratios == pytest.approx([1.0] * 3, abs=0.06)


@pytest.mark.parametrize("radius_mm", [3.0, 6.0])
def test_a_vessel_that_runs_into_the_nodule_is_cut_off(radius_mm: float) -> None:
    vessel = cylinder(MIDDLE, (1.0, 0.5, 0.3), 0.38 * radius_mm)
    image = render([(vessel, TISSUE_HU), (ball(MIDDLE, radius_mm), TISSUE_HU)], Grid())
    mask, organs = outlined(image, 2.0 * radius_mm)
    assert dice(mask, image, ball(MIDDLE, radius_mm)) > 0.85
    assert volume_ratio(image, mask, organs, volume_of(radius_mm)) == pytest.approx(1.0, abs=VOLUME_TOLERANCE)


def vessel_along(radius_mm: float, thickness_mm: float) -> Shape:
    """A vessel of radius `thickness_mm` that passes a ball at the origin and is sunk a little into it."""
    point = np.array([0.6, 0.64, -0.48]) * (thickness_mm + 0.6 * radius_mm)
    there = (float(point[0]), float(point[1]), float(point[2]))
    ways = [cylinder(there, way, thickness_mm) for way in ((0.8, -0.48, 0.36), (-0.8, 0.48, -0.36))]
    return lambda points: ways[0](points) | ways[1](points)


@pytest.mark.parametrize("grid", [Grid(), OBLIQUE_FLIPPED], ids=["thin", "oblique and flipped"])
@pytest.mark.parametrize(("radius_mm", "thickness_mm"), [(2.6, 2.2), (3.2, 3.2), (5.0, 2.4)])
def test_a_nodule_on_a_vessel_as_thick_as_itself_keeps_its_own_volume(
    grid: Grid, radius_mm: float, thickness_mm: float
) -> None:
    layers = [(vessel_along(radius_mm, thickness_mm), TISSUE_HU), (ball(MIDDLE, radius_mm), TISSUE_HU)]
    image = render(layers, grid)
    mask, organs = outlined(image, 2.2 * radius_mm, (0.5, -0.6, 0.4))
    # What cannot be seen is the ball's cap in the vessel: a fifth of it here.
    assert volume_ratio(image, mask, organs, volume_of(radius_mm)) == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("core_mm", [0.0, 2.5], ids=["ground glass", "part-solid"])
def test_a_vessel_along_ground_glass_neither_hides_nor_enlarges_it(core_mm: float) -> None:
    layers = [(ball(MIDDLE, 5.0), GROUND_GLASS_HU), (vessel_along(5.0, 1.5), TISSUE_HU)]
    if core_mm:
        layers.append((ball((-1.0, -0.8, 0.5), core_mm), TISSUE_HU))
    image = render(layers, OBLIQUE_FLIPPED)
    mask, organs = outlined(image, 9.0, (0.6, -0.5, 0.6))
    assert (sitk.GetArrayViewFromImage(mask) == 2).any() == bool(core_mm)
    assert volume_ratio(image, mask, organs, volume_of(5.0)) == pytest.approx(1.0, abs=VOLUME_TOLERANCE)


@pytest.mark.parametrize("radius_mm", [3.0, 6.0])
def test_a_nodule_on_the_pleura_ends_where_the_lung_ends(radius_mm: float) -> None:
    wall = half_space(MIDDLE, (1.0, 0.3, 0.2))
    image = render([(ball(MIDDLE, radius_mm), TISSUE_HU), (wall, 20.0)], OBLIQUE_FLIPPED)
    mask, organs = outlined(image, 1.6 * radius_mm, (-0.35 * radius_mm, 0.0, 0.0), lambda points: ~wall(points))
    ratio = volume_ratio(image, mask, organs, volume_of(radius_mm) / 2.0)
    assert ratio == pytest.approx(1.0, abs=VOLUME_TOLERANCE)


def test_the_pleura_is_found_where_the_lung_mask_is_off_by_a_millimetre() -> None:
    # A round chest wall under the nodule; the mask stops a millimetre short of it.
    wall = outside_ball((0.0, 0.0, 70.0), 70.0)
    image = render([(ball(MIDDLE, 5.0), TISSUE_HU), (wall, 20.0)], Grid())
    mask, organs = outlined(image, 8.0, (0.0, 0.0, 2.0), ball((0.0, 0.0, 70.0), 69.0))
    inside = np.random.default_rng(0).uniform(-5.0, 5.0, (200_000, 3))
    truth = 1000.0 * float((ball(MIDDLE, 5.0)(inside) & ~wall(inside)).mean())
    # The mask alone would lose a slab of a millimetre: 30 % of this half ball.
    assert volume_ratio(image, mask, organs, truth) == pytest.approx(1.0, abs=VOLUME_TOLERANCE)


@pytest.mark.parametrize("grid", [Grid(), OBLIQUE_FLIPPED], ids=["thin", "oblique and flipped"])
def test_the_solid_core_of_a_part_solid_nodule_is_labelled_apart(grid: Grid) -> None:
    core = ball((1.0, 0.5, 0.0), 3.0)
    image = render([(ball(MIDDLE, 6.0), GROUND_GLASS_HU), (core, TISSUE_HU)], grid)
    mask, organs = outlined(image, 12.0)
    outline = subvoxel_outline(image, mask, organs)
    assert outline.volume_mm3 / volume_of(6.0) == pytest.approx(1.0, abs=0.1)
    # A core of 6 mm has a third of its volume in the outermost half voxel.
    assert outline.core_volume_mm3 / volume_of(3.0) == pytest.approx(1.0, abs=0.25)
    assert dice(mask == 2, image, core) > 0.8


def test_a_vessel_through_ground_glass_is_no_solid_part() -> None:
    vessel = cylinder((-20.0, 0.0, 0.0), (1.0, 0.2, 0.1), 1.3)
    image = render([(ball(MIDDLE, 6.0), GROUND_GLASS_HU), (vessel, TISSUE_HU)], Grid())
    mask, _ = outlined(image, 12.0)
    assert not (sitk.GetArrayViewFromImage(mask) == 2).any()


def test_nothing_is_outlined_in_empty_lung() -> None:
    mask, _ = outlined(render([], Grid(), noise_hu=30.0), 6.0)
    assert not sitk.GetArrayViewFromImage(mask).any()


@pytest.mark.parametrize("name", ["lidc0314_ct_whole_1p6mm", "lidc0314_ct_rightlung_native"])
def test_the_real_nodule_has_the_size_that_four_radiologists_gave_it(shared_data: Path, name: str) -> None:
    image = sitk.ReadImage(str(shared_data / "chest_ct" / f"{name}.nii.gz"))
    middle = np.asarray(image.TransformPhysicalPointToIndex(LIDC_CENTER_MM))
    reach = np.ceil(35.0 / np.asarray(image.GetSpacing())).astype(int)
    first = np.maximum(middle - reach, 0)
    last = np.minimum(middle + reach, np.asarray(image.GetSize()) - 1)
    crop = sitk.RegionOfInterest(image, [int(v) for v in last - first + 1], [int(v) for v in first])
    # A plain lung mask is enough here: air, closed over nodule and vessels.
    radius = [int(9.0 / spacing) for spacing in crop.GetSpacing()]
    closed = sitk.Cast(sitk.BinaryMorphologicalClosing(crop < -400, radius), sitk.sitkUInt8)
    organs = Segmentation(closed, (Segment(1, "Right lung", concept("lung-right"), (202, 164, 140)),))
    x, y, z = LIDC_CENTER_MM
    candidate = Candidate((x + 2.0, y + 2.0, z + 2.0), 13.0, 1.0)
    mask = load_model("ct-nodule-outline").outline(crop, info_of(crop), organs, candidate, Progress())
    volume = subvoxel_outline(crop, mask, organs).volume_mm3
    diameter = 2.0 * (0.75 * volume / np.pi) ** (1.0 / 3.0)
    # Four readers of this collection differ by about a fifth of the diameter.
    assert 0.8 <= diameter / LIDC_DIAMETER_MM <= 1.2
