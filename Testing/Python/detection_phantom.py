"""A CT phantom of two bright bodies with known boxes, and a detector made by hand that measures bright bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.inference.detection.recipe import AnchorShapes, DetectionRecipe
from AIImagingLogic.inference.intensity import ScaleRange
from AIImagingLogic.inference.network import Network
from AIImagingLogic.inference.recipe import NetworkRecipe

STEP = (4, 4, 2)
_ANCHOR = (8.0, 8.0, 8.0)
_KERNEL = (25, 25, 17)


@dataclass(frozen=True)
class Body:
    """An ellipsoid: centre (LPS mm) and full lengths along the columns of the phantom's frame."""

    center_mm: tuple[float, float, float]
    size_mm: tuple[float, float, float]


# No plane of symmetry: a mirrored or swapped axis puts every body elsewhere.
BODIES = (Body((-22.0, 14.0, 131.0), (18.0, 10.0, 14.0)), Body((25.0, -30.0, 95.0), (9.0, 13.0, 11.0)))
CENTER_MM = np.array([4.0, -6.0, 110.0])


def frame(degrees: float) -> np.ndarray:
    """Return the (3, 3) rotation, columns LPS, of a patient who lies askew."""
    turn = sitk.Euler3DTransform()
    turn.SetRotation(np.radians(degrees), np.radians(degrees / 2), -np.radians(degrees / 3))
    return np.array(turn.GetMatrix()).reshape(3, 3)


def phantom(
    direction: np.ndarray, spacing: Sequence[float], rotation: np.ndarray, extent_mm: float = 104.0
) -> sitk.Image:
    """Return the two bodies (100 HU) in air on a grid with the given axes, edges softened by partial volume."""
    size = [round(extent_mm / step) for step in spacing]
    middle = (np.array(size) - 1) / 2 * np.array(spacing)
    origin = CENTER_MM - direction @ middle
    i, j, k = np.meshgrid(*(np.arange(n) for n in size), indexing="ij")
    points = np.stack([i, j, k], -1) * np.array(spacing) @ direction.T + origin
    share = np.zeros(size)
    for body in BODIES:
        local = (points - body.center_mm) @ rotation / (np.array(body.size_mm) / 2)
        radius = np.linalg.norm(local, axis=-1)
        # Linear over about a voxel around the surface.
        share = np.maximum(share, np.clip((1 - radius) * min(body.size_mm) / 2 + 0.5, 0, 1))
    image = sitk.GetImageFromArray((share * 1100 - 1000).transpose(2, 1, 0).astype(np.int16))
    image.SetSpacing([float(step) for step in spacing])
    image.SetOrigin(origin.tolist())
    image.SetDirection(direction.ravel().tolist())
    return image


def recipe(axes: str = "RAS", window: tuple[int, int, int] | None = (80, 80, 64)) -> DetectionRecipe:
    """Return how the detector made by hand is fed and read."""
    feeding = NetworkRecipe(
        1, 1, (1,), axes, (1.0, 1.1, 1.3), ((ScaleRange(-1000, 100, clip=True),),), window=window, overlap=0.35
    )
    return DetectionRecipe(feeding, AnchorShapes((_ANCHOR,), (1.0,), (STEP,)), ("body",), STEP, 0.5, 100, 0.1)


def _along(axis: int) -> tuple[int, int]:
    return _KERNEL[axis], STEP[axis]


def body_finder() -> Network:
    """Return a network that is sure where the brightness around a place is centred there, and gives its extent.

    The extent of a body follows from the variance of its voxels' places: a fifth of its half length squared.
    """
    import torch

    class BodyFinder(torch.nn.Module):
        def forward(self, image: Any) -> Any:
            before = [kernel // 2 - step // 2 for kernel, step in zip(_KERNEL, STEP)]
            after = [kernel - step - first for kernel, step, first in zip(_KERNEL, STEP, before)]
            sides = [side for pair in reversed(list(zip(before, after))) for side in pair]

            def around(values: Any) -> Any:
                values = torch.nn.functional.pad(values, sides)
                for axis in range(3):
                    kernel, step = ([length if other == axis else 1 for other in range(3)] for length in _along(axis))
                    values = torch.nn.functional.avg_pool3d(values, kernel, step)
                return values

            brightness = around(image)
            mass = brightness.clamp(min=1e-6)
            distance, shifts, edges = 0.0, [], []
            for axis in range(3):
                shape = [-1 if dim == axis + 2 else 1 for dim in range(5)]
                places = torch.arange(image.shape[axis + 2], dtype=torch.float32).reshape(shape)
                middle = around(image * places) / mass
                spread = (around(image * places**2) / mass - middle**2).clamp(min=1e-3)
                own = torch.arange(brightness.shape[axis + 2], dtype=torch.float32).reshape(shape) * STEP[axis]
                shift = middle - (own + STEP[axis] // 2)
                distance = distance + (shift / STEP[axis]) ** 2
                shifts.append(shift / _ANCHOR[axis])
                edges.append(torch.log(2 * torch.sqrt(5 * spread) / _ANCHOR[axis]))
            logit = torch.where(brightness > 0.02, 6 - 6 * distance, torch.full_like(brightness, -20.0))
            return torch.cat([logit, *shifts, *edges], 1).flatten(2).transpose(1, 2)

    return Network(BodyFinder().eval())
