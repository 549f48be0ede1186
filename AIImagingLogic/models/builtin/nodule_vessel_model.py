"""A nodule and the vessels on it as one model of the image: a star-shaped body, a round core, tubes, all blurred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from AIImagingLogic.models.builtin.nodule_blur_profiles import ball_share
from AIImagingLogic.models.builtin.nodule_star_surface import DEGREE, directions, surface_basis
from AIImagingLogic.models.builtin.nodule_vessel import (
    LARGEST_RADIUS_MM,
    LEAST_RADIUS_MM,
    PARAMETERS,
    VESSEL_HU,
    Spread,
    Vessel,
)

# Order of the parameters: surface, density, background, log of the blur's change, core (centre, radius, density),
# then radius and two offsets of each vessel.
SURFACE = (DEGREE + 1) ** 2
DENSITY, BACKGROUND, BLUR, CORE = SURFACE, SURFACE + 1, SURFACE + 2, SURFACE + 3
CORE_PARAMETERS = 5
# How far nodules depart from a ball: standard deviation of each coefficient of degree 1, 2, .. as a share of the
# radius. A degree has several; the first moves the whole.
_SHAPE_SD = (0.25, 0.06, 0.03, 0.02)
# Standard deviations: radius (share of the expected diameter), background HU, log blur, core's centre (share of the
# radius), density of core and of ground glass HU, radius and offsets of a vessel mm.
_SIZE_SD, _BACKGROUND_SD, _BLUR_SD = 0.2, 15.0, 0.04
_CORE_PLACE_SD, _CORE_DENSITY_SD, _GLASS_DENSITY_SD = 0.3, 60.0, 80.0
_VESSEL_SD = (0.35, 0.5, 0.5)
_BLUR_LIMITS = (-0.2, 0.25)
_LEAST_MM = 0.3
# A nodule denser than this hides the vessel in it; in a fainter one the vessel is seen.
HIDES_VESSEL_HU = -250.0
_STEP = 0.03


@dataclass(frozen=True)
class Shown:
    """What a set of parameters shows at the samples: the image, HU, and the share of each that each part fills."""

    image: np.ndarray
    whole: np.ndarray
    whole_slope: np.ndarray
    core: np.ndarray | None
    vessels: np.ndarray


@dataclass(frozen=True)
class NoduleModel:
    """A nodule with its vessels, seen at some points.

    Attributes
    ----------
    points : (n, 3) mm from the nodule's centre, axes of the patch
    sigma_mm : blur along the patch's axes
    expected_mm : diameter
    radius_mm, density, background : where the fit starts, mm and HU
    vessels : those that may touch
    core : start of the core's centre (3), mm, radius, mm, and density, HU; None: one density
    """

    points: np.ndarray
    sigma_mm: tuple[float, float, float]
    expected_mm: float
    radius_mm: float
    density: float
    background: float
    vessels: Sequence[Vessel]
    core: tuple[float, float, float, float, float] | None = None
    basis: np.ndarray = field(init=False)
    distance: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        distance = np.linalg.norm(self.points, axis=1)
        object.__setattr__(self, "distance", distance)
        object.__setattr__(self, "basis", radius_basis(self.points / np.maximum(distance, 1e-6)[:, None]))

    @property
    def first_vessel(self) -> int:
        """Place of the first vessel's parameters."""
        return CORE if self.core is None else CORE + CORE_PARAMETERS

    @cached_property
    def start(self) -> np.ndarray:
        """Where the fit starts."""
        surface = [self.radius_mm, *np.zeros(SURFACE - 1)]
        vessels = [value for vessel in self.vessels for value in (vessel.radius_mm, 0.0, 0.0)]
        return np.array([*surface, self.density, self.background, 0.0, *(self.core or ()), *vessels])

    @cached_property
    def prior(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each parameter before the image is seen."""
        mean = self.start.copy()
        mean[0] = 0.5 * self.expected_mm
        degrees = np.concatenate([[degree] * (2 * degree + 1) for degree in range(1, DEGREE + 1)])
        shape = [_SHAPE_SD[degree - 1] * self.radius_mm for degree in degrees]
        density = np.inf if self.core is None else _GLASS_DENSITY_SD
        place = _CORE_PLACE_SD * self.radius_mm
        core = () if self.core is None else (place, place, place, np.inf, _CORE_DENSITY_SD)
        vessels = _VESSEL_SD * len(self.vessels)
        sd = [_SIZE_SD * self.expected_mm, *shape, density, _BACKGROUND_SD, _BLUR_SD, *core, *vessels]
        return mean, np.array(sd)

    def within_limits(self, parameters: np.ndarray) -> np.ndarray:
        """Return parameters moved to where they make sense."""
        result = parameters.copy()
        result[0] = np.clip(result[0], 0.8, 1.9 * self.radius_mm + 2.0)
        result[DENSITY] = np.clip(result[DENSITY], result[BACKGROUND] + 100.0, 1500.0)
        result[BLUR] = np.clip(result[BLUR], *_BLUR_LIMITS)
        if self.core is not None:
            result[CORE + 3] = np.clip(result[CORE + 3], _LEAST_MM, 1.5 * self.radius_mm)
        radii = slice(self.first_vessel, None, PARAMETERS)
        result[radii] = np.clip(result[radii], LEAST_RADIUS_MM, LARGEST_RADIUS_MM)
        return result

    def show(self, parameters: np.ndarray) -> Shown:
        """Return what the scanner would show."""
        spread = self._spread(parameters)
        radius = np.maximum(self.basis @ parameters[:SURFACE], _LEAST_MM)
        whole, slope = ball_share(self.distance, radius, self._sigma * np.exp(parameters[BLUR]))
        vessels = [
            vessel.shown(self.points, part, spread)
            for vessel, part in zip(self.vessels, self._vessel_parts(parameters))
        ]
        core = None if self.core is None else self._core(parameters, spread)
        shares = np.array(vessels) if vessels else np.zeros((0, len(self.points)))
        return Shown(self._image(parameters, whole, core, shares), whole, slope, core, shares)

    def slopes(self, parameters: np.ndarray, shown: Shown) -> np.ndarray:
        """Return the slopes (n, parameters) of the image by each parameter."""
        result = np.zeros((len(self.points), len(parameters)))
        vessel = shown.vessels.max(axis=0) if len(shown.vessels) else np.zeros(len(self.points))
        uncovered = 1.0 - vessel * self._covers(parameters, shown.whole, shown.core)
        contrast = parameters[DENSITY] - parameters[BACKGROUND]
        by_share = uncovered * contrast
        if shown.core is None and parameters[DENSITY] > HIDES_VESSEL_HU:
            by_share -= vessel * (VESSEL_HU - self._nodule(parameters, shown.whole, None))
        result[:, :SURFACE] = (by_share * shown.whole_slope)[:, None] * self.basis
        result[:, DENSITY] = uncovered * (shown.whole if shown.core is None else shown.whole - shown.core)
        result[:, BACKGROUND] = uncovered * (1.0 - shown.whole)
        moved = parameters.copy()
        moved[BLUR] += _STEP
        result[:, BLUR] = (self.show(moved).image - shown.image) / _STEP
        if shown.core is not None:
            for number in range(CORE, CORE + 4):
                moved = parameters.copy()
                moved[number] += _STEP
                core = self._core(moved, self._spread(moved))
                image = self._image(moved, shown.whole, core, shown.vessels)
                result[:, number] = (image - shown.image) / _STEP
            result[:, CORE + 4] = uncovered * shown.core
        if len(shown.vessels):
            self._add_vessel_slopes(parameters, shown, result)
        return result

    def _add_vessel_slopes(self, parameters: np.ndarray, shown: Shown, result: np.ndarray) -> None:
        nodule = self._nodule(parameters, shown.whole, shown.core)
        contrast = (VESSEL_HU - nodule) * self._covers(parameters, shown.whole, shown.core)
        thickest, spread = shown.vessels.argmax(axis=0), self._spread(parameters)
        for number, (vessel, part) in enumerate(zip(self.vessels, self._vessel_parts(parameters))):
            _, slopes = vessel.shown_and_slopes(self.points, part, spread)
            first = self.first_vessel + PARAMETERS * number
            result[:, first : first + PARAMETERS] = (contrast * (thickest == number))[:, None] * slopes

    @cached_property
    def _sigma(self) -> np.ndarray:
        unit = self.points / np.maximum(self.distance, 1e-6)[:, None]
        return np.sqrt(unit**2 @ np.asarray(self.sigma_mm) ** 2)

    def _spread(self, parameters: np.ndarray) -> Spread:
        squared, scale = np.asarray(self.sigma_mm) ** 2, float(np.exp(parameters[BLUR]))
        return lambda unit: np.maximum(np.sqrt(unit**2 @ squared), 0.2) * scale

    def _vessel_parts(self, parameters: np.ndarray) -> np.ndarray:
        return parameters[self.first_vessel :].reshape(-1, PARAMETERS)

    def _core(self, parameters: np.ndarray, spread: Spread) -> np.ndarray:
        offset = self.points - parameters[CORE : CORE + 3]
        distance = np.linalg.norm(offset, axis=1)
        radius = np.full(len(distance), max(parameters[CORE + 3], _LEAST_MM))
        return ball_share(distance, radius, spread(offset / np.maximum(distance, 1e-6)[:, None]))[0]

    def _nodule(self, parameters: np.ndarray, whole: np.ndarray, core: np.ndarray | None) -> np.ndarray:
        density, background = parameters[DENSITY], parameters[BACKGROUND]
        image: np.ndarray = background + whole * (density - background)
        return image if core is None else image + core * (parameters[CORE + 4] - density)

    def _image(
        self, parameters: np.ndarray, whole: np.ndarray, core: np.ndarray | None, vessels: np.ndarray
    ) -> np.ndarray:
        image = self._nodule(parameters, whole, core)
        if not len(vessels):
            return image
        return image + vessels.max(axis=0) * self._covers(parameters, whole, core) * (VESSEL_HU - image)

    def _covers(self, parameters: np.ndarray, whole: np.ndarray, core: np.ndarray | None) -> np.ndarray:
        """Return how much of the vessel is seen: ground glass does not hide it, solid tissue does."""
        if core is not None:
            return 1.0 - core
        return 1.0 - whole if parameters[DENSITY] > HIDES_VESSEL_HU else np.ones_like(whole)


def radius_basis(unit: np.ndarray) -> np.ndarray:
    """Return the surface's functions at unit vectors (..., 3); the first is 1, so its coefficient is the radius."""
    basis = surface_basis(unit)
    basis[..., 0] = 1.0
    return basis


def surface_radii(parameters: np.ndarray) -> np.ndarray:
    """Return the radius, mm, along each of `directions()`."""
    return np.maximum(radius_basis(directions()) @ parameters[:SURFACE], _LEAST_MM)
