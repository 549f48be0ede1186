"""The space of one visit: its scan, its tissues after the motion, and where its lungs end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from AIImagingLogic.images.phantoms.breathing import BreathingField
from AIImagingLogic.images.phantoms.implicit_surfaces import Field
from AIImagingLogic.images.phantoms.recipe import PairRecipe, ScanRecipe
from AIImagingLogic.images.phantoms.scan import Scan, scan_grid
from AIImagingLogic.images.phantoms.thorax import TissueFields, tissue_fields
from AIImagingLogic.images.phantoms.tissue_painting import mottle, parenchyma_hu, stack, table_distance
from AIImagingLogic.images.phantoms.upsampling import CoarseFields


@dataclass(frozen=True)
class ChestVisit:
    """The tissues at a visit, every few millimetres of its grid.

    Attributes
    ----------
    anatomical : (3, k, j, i) the baseline points (z, y, x; LPS mm) that lie at the coarse points
    table : distance to the scanner's table, which does not breathe
    """

    scan: Scan
    fields: TissueFields
    anatomical: NDArray[np.float32]
    table: Field
    first_mm: NDArray[np.float64]

    @property
    def lung_volume_mm3(self) -> float:
        """Volume of both lungs inside the scan, to about 1%."""
        lungs = np.minimum(self.fields.right_lung, self.fields.left_lung)
        share = np.clip(0.5 - lungs / self.scan.coarse_step_mm, 0, 1)
        return float(share.sum(dtype=np.float64)) * self.scan.coarse_step_mm**3

    def lung_distance(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the signed distance (mm, negative inside) of points (..., 3) LPS mm from the border of the lungs."""
        lungs = np.minimum(self.fields.right_lung, self.fields.left_lung)
        grid_mm = (np.asarray(points, float) - self.scan.origin_mm) @ self.scan.axes.T
        indices = np.moveaxis((grid_mm - self.first_mm) / self.scan.coarse_step_mm, -1, 0)[::-1]
        return map_coordinates(lungs, indices, order=1, mode="nearest", prefilter=False, output=np.float64)

    def painted(self, recipe: PairRecipe, inflation: float) -> CoarseFields:
        """Return the fields to render; `inflation`: lung volume here over lung volume at baseline."""
        texture = mottle(self.anatomical, np.random.default_rng([recipe.seed, 3]))
        density = parenchyma_hu(self.anatomical[1], self.anatomical[0], recipe.lung_hu, inflation, texture)
        return CoarseFields(stack(self.fields, self.table, density, texture), self.first_mm, self.scan.coarse_step_mm)


def chest_visit(recipe: PairRecipe, scan_recipe: ScanRecipe, motion: BreathingField) -> ChestVisit:
    """Return the space of a visit that lies `motion` away from baseline."""
    scan = scan_grid(scan_recipe)
    points, first_mm = scan.coarse_points()
    anatomical = np.moveaxis(motion.to_baseline(points), -1, 0)[::-1].astype(np.float32)
    z, y, x = anatomical
    fields = tissue_fields(x, y, z, scan.coarse_step_mm, recipe.physique)
    return ChestVisit(scan, fields, anatomical, table_distance(points[..., 0], points[..., 1]), first_mm)
