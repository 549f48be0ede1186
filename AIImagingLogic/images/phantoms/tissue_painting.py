"""Tissues turned into Hounsfield units, their borders as soft as the scanner's blur makes them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from AIImagingLogic.images.phantoms.implicit_surfaces import Field
from AIImagingLogic.images.phantoms.thorax import TissueFields

AIR_HU, FAT_HU, MUSCLE_HU, MEDIASTINAL_FAT_HU = -1000.0, -105.0, 52.0, -92.0
SOFT_HU, ABDOMEN_HU, CORTEX_HU, MARROW_HU, GAS_HU = 40.0, 56.0, 620.0, 190.0, -985.0
VESSEL_HU, AIRWAY_WALL_HU, TABLE_HU = 38.0, 20.0, -180.0
_TABLE_Y_MM = 141.0
_TABLE_SAG_PER_MM = 0.0006
_TABLE_HALF_MM = 5.0
_TABLE_SHELL_MM = 0.8
_CORTEX_MM = 1.6
_FISSURE_MM = 0.45
_FISSURE_HU = -150.0
_GRAVITY_HU_PER_MM = 0.42
_TEXTURE_MM = 4.0
_TEXTURE_HU = 16.0
_BASAL_HU_PER_MM = 0.12

RIGHT_LUNG, LEFT_LUNG, PARENCHYMA = 8, 9, 11
"""Where `stack` puts the fields that others ask for."""


def parenchyma_hu(y: Field, z: Field, lung_hu: float, inflation: float, texture: Field) -> Field:
    """Return the density of aerated lung: denser at the back and the base, mottled; `inflation`: lung volume ratio."""
    density = 1000.0 + lung_hu + _GRAVITY_HU_PER_MM * (y - 10) - _BASAL_HU_PER_MM * z + _TEXTURE_HU * texture
    result: Field = (density / inflation - 1000.0).astype(np.float32)
    return result


def mottle(points: NDArray[np.float32], random: np.random.Generator) -> Field:
    """Return a smooth random field of standard deviation 1 at anatomical points (3, ...), order z, y, x."""
    lattice = gaussian_filter(random.standard_normal((84, 72, 96), np.float32), 0.8)
    lattice += 0.6 * gaussian_filter(random.standard_normal((84, 72, 96), np.float32), 3.0) * 8
    lattice /= lattice.std()
    low = np.array([-165.0, -140.0, -190.0])
    indices = [(axis - start) / _TEXTURE_MM for axis, start in zip(points, low)]
    sampled: Field = map_coordinates(lattice, indices, order=1, mode="mirror", prefilter=False)
    return sampled


def table_distance(x: Field, y: Field) -> Field:
    """Return the signed distance (mm) of points, LPS mm, from the shell of the scanner's table."""
    from_middle = np.abs(y - _TABLE_Y_MM + _TABLE_SAG_PER_MM * x * x)
    shell: Field = (np.abs(from_middle - _TABLE_HALF_MM) - _TABLE_SHELL_MM).astype(np.float32)
    return shell


def stack(fields: TissueFields, table: Field, parenchyma: Field, texture: Field) -> NDArray[np.float32]:
    """Return the fields (n, k, j, i) as `paint` expects them."""
    walls = (table, fields.body, fields.muscle, fields.mediastinum, fields.abdomen, fields.soft, fields.bone)
    insides = (fields.gas, fields.right_lung, fields.left_lung, fields.fissure)
    return np.stack([*walls, *insides, parenchyma, texture])


def paint(planes: NDArray[np.float32], blur_mm: float) -> NDArray[np.float32]:
    """Return the Hounsfield units of one plane from its fields (n, rows, columns); nodules and tubes come after."""
    table, body, muscle, mediastinum, abdomen, soft, bone, gas, right, left, fissure, parenchyma, texture = planes
    grain = 5 * texture
    hu = np.full(body.shape, AIR_HU, np.float32)
    for distance, value in (
        (table, np.float32(TABLE_HU)),
        (body, FAT_HU + grain),
        (muscle, MUSCLE_HU + grain),
        (mediastinum, MEDIASTINAL_FAT_HU + grain),
        (abdomen, ABDOMEN_HU + grain),
        (soft, np.float32(SOFT_HU)),
        (bone, np.float32(CORTEX_HU)),
        (bone + np.float32(_CORTEX_MM), MARROW_HU + 4 * grain),
        (gas, np.float32(GAS_HU)),
        (np.minimum(right, left), _with_fissure(parenchyma, fissure, blur_mm)),
    ):
        hu += inside_share(distance, blur_mm) * (value - hu)
    return hu


def inside_share(distance: NDArray[np.float32], blur_mm: float) -> NDArray[np.float32]:
    """Return how much of a blurred point lies inside a surface `distance` mm away (negative inside)."""
    # A cubic ramp of 2.2 sigma either side follows the Gaussian's integral to 0.01 and costs a fifth of it.
    t = np.clip(distance * np.float32(-1 / (2.2 * blur_mm)), -1, 1)
    share: NDArray[np.float32] = 0.5 + t * (np.float32(0.75) - np.float32(0.25) * t * t)
    return share


def _with_fissure(parenchyma: NDArray[np.float32], fissure: NDArray[np.float32], blur_mm: float) -> NDArray[np.float32]:
    peak = np.float32(_FISSURE_MM / (2.507 * blur_mm))
    share = peak * np.exp(-0.5 * (fissure / np.float32(blur_mm)) ** 2)
    result: NDArray[np.float32] = parenchyma + share * (np.float32(_FISSURE_HU) - parenchyma)
    return result
