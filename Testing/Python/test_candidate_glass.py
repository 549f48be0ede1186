"""Even ground glass in a candidate: a disc of glass has it, a vessel's blurred edge has not."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.models.builtin.candidate_contrast import LungContrast
from AIImagingLogic.models.builtin.candidate_glass import glass_plateau
from AIImagingLogic.models.builtin.candidate_rays import directions

GLASS = np.array((25.0, 25.0, 25.0))
VESSEL = np.array((25.0, 25.0, 60.0))
SOLID = np.array((25.0, 60.0, 25.0))


def test_even_glass_is_told_from_the_edge_of_a_vessel_and_from_solid_tissue() -> None:
    points = np.indices((50, 90, 90)).transpose(1, 2, 3, 0).astype(float)
    hu = np.random.default_rng(6).normal(0.0, 15.0, points.shape[:3])
    for center, added in ((GLASS, 240.0), (SOLID, 880.0)):
        hu += added / (1.0 + np.exp((np.linalg.norm(points - center, axis=-1) - 5.0) / 0.4))
    across = np.linalg.norm((points - VESSEL)[..., 1:], axis=-1)
    hu += 880.0 / (1.0 + np.exp((across - 2.0) / 0.4))
    contrast = LungContrast(hu.astype(np.float32), np.ones(hu.shape, bool), 15.0, sitk.Image(1, 1, 1, sitk.sitkUInt8))
    glass, vessel, solid = glass_plateau(
        contrast, np.array([GLASS, VESSEL, SOLID]), np.array([5.0, 3.5, 5.0]), directions()
    )
    # The outermost shell lies within the blur of the edge.
    assert glass > 0.75
    assert vessel < 0.15
    assert solid < 0.15
