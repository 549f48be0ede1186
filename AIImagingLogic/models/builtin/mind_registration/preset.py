"""What suits an anatomy: working grid, search, stiffness; the data are in Resources/registration."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource, resource_path


@dataclass(frozen=True)
class Preset:
    """How to register one anatomy.

    Attributes
    ----------
    name : of the anatomy, for people
    spacing_mm : of the isotropic working grid, never finer than the image
    reach_mm : farthest displacement that the dense search tries along an axis, after the affine map
    stiffness : weight of the squared gradient of the velocity
    coarse_iterations, fine_iterations : of the instance optimisation on cells of four and of two voxels
    margin_mm : of the working grid around the mask
    """

    name: str
    spacing_mm: float
    reach_mm: float
    stiffness: float
    coarse_iterations: int
    fine_iterations: int
    margin_mm: float


def preset_names() -> tuple[str, ...]:
    """Return the names by which presets are asked for."""
    return tuple(sorted(path.stem for path in resource_path("registration").glob("*.json")))


def preset(name: str) -> Preset:
    """Return the preset of that name.

    Raises
    ------
    ModelError
        There is none.
    """
    if name not in preset_names():
        raise ModelError(f"There is no registration preset '{name}'.", f"Choose one of {', '.join(preset_names())}.")
    return Preset(**load_resource(f"registration/{name}.json"))
