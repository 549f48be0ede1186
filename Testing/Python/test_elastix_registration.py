"""elastix behind the same Protocol: its transform is the one it found, on grids that differ."""

from __future__ import annotations

import numpy as np
import pytest
from registration_phantom import AXES, Points, points_inside, scanned

from AIImagingLogic.images.geometry import transform_points
from AIImagingLogic.models.catalogue import load_model
from AIImagingLogic.records.progress import Progress


def _bent(points: Points) -> Points:
    x, y, z = points.T
    return points + np.stack([6 * np.sin(z / 30), 5 * np.cos(x / 28) - 5, 7 * np.sin(y / 32 + 0.5)], axis=-1)


def test_a_known_bend_is_found_on_oblique_and_flipped_grids() -> None:
    pytest.importorskip("itk.itkElastixRegistrationMethodPython", reason="itk-elastix is not installed")
    fixed = scanned(_bent, AXES["oblique"], (2.5, 2.0, 3.0), width_mm=(150, 150, 160))
    moving = scanned(lambda points: points, AXES["flipped"], (2.5, 2.5, 2.5), seed=1)
    found = load_model("deformable-elastix").register(fixed, moving, None, None, Progress())
    points = points_inside() * 0.9
    errors = np.linalg.norm(transform_points(found.transform, points) - _bent(points), axis=1)
    # A voxel; before it was six millimetres.
    assert errors.mean() < 2.5
    assert found.quality.similarity_after > found.quality.similarity_before
