"""The anatomy of the chest phantom: body wall, bones, mediastinum, lungs, as implicit surfaces in LPS mm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from AIImagingLogic.images.phantoms.implicit_surfaces import (
    Field,
    as_distance,
    capsule_chain,
    ellipsoid,
    intersection,
    smooth_step,
    union,
)

RIGHT_HILUM = (-38.0, 16.0, 4.0)
LEFT_HILUM = (38.0, 20.0, 10.0)
CARINA = (0.0, 20.0, 26.0)
TRACHEA = ((0.0, 2.0, 160.0), (0.0, 8.0, 90.0), CARINA)
TRACHEA_RADIUS_MM = 8.5


@dataclass(frozen=True)
class Physique:
    """How one person differs from another: scales about 1, dimensionless, and the dome's shift in mm."""

    width: float = 1.0
    depth: float = 1.0
    fat: float = 1.0
    heart: float = 1.0
    dome_mm: float = 0.0


@dataclass(frozen=True)
class TissueFields:
    """Signed distances (mm, negative inside) of the tissues, all on one grid.

    Attributes
    ----------
    body, muscle : outer surface; inner border of the fat under the skin
    mediastinum, soft : fat between the lungs; organs in it (heart, great vessels, gullet) and muscle at the spine
    abdomen, gas : below the diaphragm; the gas bubble of the stomach
    bone : ribs, spine, sternum, shoulder blades, collar bones
    right_lung, left_lung : inner border of the pleura
    fissure : distance to the oblique and horizontal fissures, never negative
    """

    body: Field
    muscle: Field
    mediastinum: Field
    soft: Field
    abdomen: Field
    gas: Field
    bone: Field
    right_lung: Field
    left_lung: Field
    fissure: Field


def tissue_fields(x: Field, y: Field, z: Field, step_mm: float, physique: Physique) -> TissueFields:
    """Return the tissues at anatomical points `x`, `y`, `z` (LPS mm) that stand `step_mm` apart on the image's grid."""
    x = x / np.float32(physique.width)
    y = y / np.float32(physique.depth)

    def distance(values: Field) -> Field:
        return as_distance(values.astype(np.float32), step_mm)

    cavity = distance(_cavity(x, y, z))
    mediastinum = _mediastinum(x, y, z, physique)
    domes = _below_diaphragm(x, y, z, physique)
    right, left = _lungs(x, y, z, cavity, mediastinum, domes)
    spread = np.float32(11.0 * physique.fat)
    body = distance(_rounded_box(x, y - 3, 157, 121, 2.5) * 120)
    angle_share = 0.65 + 0.35 * np.abs(x) / 157 + 0.5 * smooth_step((-y - 40) / 60) * smooth_step((np.abs(x) - 25) / 50)
    return TissueFields(
        body=body,
        muscle=body + spread * angle_share.astype(np.float32),
        mediastinum=distance(intersection(cavity, mediastinum, 3.0)),
        soft=distance(_soft_organs(x, y, z, physique)),
        abdomen=distance(intersection(cavity - 1, domes + 2, 3.0)),
        gas=distance(ellipsoid(x, y, z, (66, -22, -98), (26, 20, 13))),
        bone=distance(_bones(x, y, z, cavity)),
        right_lung=distance(right),
        left_lung=distance(left),
        fissure=np.abs(distance(_oblique_fissure(x, y, z))),
    )


def lung_distances(x: Field, y: Field, z: Field, step_mm: float, physique: Physique) -> tuple[Field, Field, Field]:
    """Return the signed distances of right lung, left lung and mediastinum alone."""
    x = x / np.float32(physique.width)
    y = y / np.float32(physique.depth)
    cavity = as_distance(_cavity(x, y, z), step_mm)
    mediastinum = _mediastinum(x, y, z, physique)
    right, left = _lungs(x, y, z, cavity, mediastinum, _below_diaphragm(x, y, z, physique))
    return as_distance(right, step_mm), as_distance(left, step_mm), as_distance(mediastinum, step_mm)


def _rounded_box(x: Field, y: Field, half_width: float, half_depth: float, power: float) -> Field:
    return (np.abs(x / half_width) ** power + np.abs(y / half_depth) ** power) ** (1 / power) - 1


def _cavity(x: Field, y: Field, z: Field) -> Field:
    """Return the inside of the rib cage: a dome above, a barrel below."""
    height = np.maximum(z + 40, 0) / 152
    barrel = 1 + 0.04 * smooth_step((z + 110) / 90)
    ring = np.abs(x / (129 * barrel)) ** 2.4 + np.abs((y - 3) / (88 * barrel)) ** 2.4
    return (((ring + height**2.2) ** (1 / 2.3)) - 1) * 90


def _mediastinum(x: Field, y: Field, z: Field, physique: Physique) -> Field:
    column = ellipsoid(x, y, z, (1, 6, 0), (27, 54, 1e4))
    septum = np.maximum(np.abs(x - 2) - 4, np.abs(y + 20) - 80)
    gutter = ellipsoid(x, y, z, (0, 72, 0), (24, 32, 1e4))
    hila = union(ellipsoid(x, y, z, RIGHT_HILUM, (15, 15, 20)), ellipsoid(x, y, z, LEFT_HILUM, (15, 15, 20)), 4.0)
    joined = union(union(column, septum, 12.0), union(gutter, hila, 4.0), 10.0)
    return union(joined, _heart(x, y, z, physique) - 4, 6.0)


def _heart(x: Field, y: Field, z: Field, physique: Physique) -> Field:
    scale = physique.heart
    shape = ellipsoid(x, y, z, (21, -27, -42), (60 * scale, 41 * scale, 47 * scale), turn_z=-0.55)
    return union(shape, ellipsoid(x, y, z, (-14, -10, -18), (26 * scale, 30 * scale, 40 * scale)), 8.0)


def _below_diaphragm(x: Field, y: Field, z: Field, physique: Physique) -> Field:
    """Return a function that is negative below the diaphragm's two domes."""

    def dome(center_x: float, center_y: float, top: float) -> Field:
        square = ((x - center_x) / 70) ** 2 + ((y - center_y) / 86) ** 2
        return top - 50 * square**1.25 - 0.10 * (y - center_y)

    top = -46 + physique.dome_mm
    surface = -union(-dome(-60, -8, top), -dome(60, -2, top - 13), 10.0)
    return (z - surface).astype(np.float32)


def _lungs(x: Field, y: Field, z: Field, cavity: Field, mediastinum: Field, domes: Field) -> tuple[Field, Field]:
    outer = intersection(intersection(cavity + 2.5, -domes, 7.0), -mediastinum, 7.0)
    return intersection(outer, x + 2, 3.0), intersection(outer, 2 - x, 3.0)


def _soft_organs(x: Field, y: Field, z: Field, physique: Physique) -> Field:
    aorta = capsule_chain(
        x,
        y,
        z,
        ((4, -18, -20), (-14, -22, 20), (-10, -14, 42), (4, 4, 52), (18, 26, 48), (22, 34, 30), (18, 38, -150)),
        12.5,
    )
    veins = capsule_chain(x, y, z, ((-20, -12, -20), (-22, -14, 60), (-10, -20, 130)), 9)
    branches = capsule_chain(x, y, z, ((4, 2, 52), (16, 0, 90), (26, 6, 160)), 6)
    gullet = capsule_chain(x, y, z, ((2, 20, 160), (2, 34, 30), (2, 33, -150)), 6)
    trunk = capsule_chain(x, y, z, ((20, -20, -10), (14, -14, 16), (0, 4, 14), RIGHT_HILUM), 12)
    left_trunk = capsule_chain(x, y, z, ((14, -14, 16), LEFT_HILUM), 11)
    atrium = ellipsoid(x, y, z, (2, 16, -14), (34, 18, 20))
    soft = _heart(x, y, z, physique)
    for organ in (aorta, veins, branches, gullet, trunk, left_trunk, atrium):
        soft = union(soft, organ, 3.0)
    beside_spine = union(
        ellipsoid(x, y, z, (-27, 98, 0), (25, 14, 1e4)), ellipsoid(x, y, z, (27, 98, 0), (25, 14, 1e4)), 2.0
    )
    return union(soft, beside_spine, 2.0)


def _bones(x: Field, y: Field, z: Field, cavity: Field) -> Field:
    around = z - np.float32(0.42) * y
    from_middle = np.abs(np.mod(around, 25) - 12.5)
    ribs = (np.sqrt(((cavity - 6.5) / 4.2) ** 2 + (from_middle / 6.2) ** 2) - 1) * 4.2
    ribs = np.maximum(ribs, 14 - np.abs(x))
    body = _rounded_box(x, y - 59, 17, 13, 2.5) * 13
    disc = 2.5 - np.abs(np.mod(z, 25) - 12.5)
    vertebrae = np.maximum(body, disc)
    canal = np.sqrt(x * x + (y - 79) ** 2)
    arch = np.maximum(np.abs(canal - 10) - 2.5, disc - 4)
    spine_process = np.maximum(np.maximum(np.abs(x) - 3, np.abs(y - 96) - 9), disc - 1)
    sternum = np.maximum(_rounded_box(x, y + 97, 18, 6, 3.0) * 6, np.abs(z - 30) - 62)
    side = np.abs(x)
    blade = ellipsoid(side, y, z, (92, 72, 62), (36, 4.2, 52), turn_z=-0.6)
    collar = capsule_chain(side, y, z, ((14, -84, 96), (60, -72, 108), (120, -30, 122)), 6)
    bones = ribs
    for part in (vertebrae, arch, spine_process, sternum, blade, collar):
        bones = np.minimum(bones, part)
    return bones


def _oblique_fissure(x: Field, y: Field, z: Field) -> Field:
    """Return a function that is zero on the oblique fissure of either lung, gently curved."""
    tilt = np.where(x < 0, np.float32(0.95), np.float32(1.15))
    return (z - tilt * (y - 10) + 12 * np.cos(x / 45)) / np.sqrt(1 + tilt * tilt)
