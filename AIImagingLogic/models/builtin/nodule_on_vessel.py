"""A nodule that vessels touch, told from them: their courses outside and the nodule are fitted to the image together.

A level cannot part a solid nodule from a vessel as thick as itself, and takes a vessel in ground glass for a core. But
outside the nodule the vessel's course and thickness can be seen, and a nodule is nearly an ellipsoid: both, blurred by
the scanner, explain the image with the vessel's part outside the nodule left out of its volume.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import ndimage

from AIImagingLogic.measure.blurred_levels import POINT_SPREAD_MM, Levels, blur_sigma_mm
from AIImagingLogic.measure.fine_patch import FinePatch
from AIImagingLogic.models.builtin.nodule_regions import NoduleRegions
from AIImagingLogic.models.builtin.nodule_star_surface import directions
from AIImagingLogic.models.builtin.nodule_vessel import Vessel, vessel_from
from AIImagingLogic.models.builtin.nodule_vessel_courses import trace_courses
from AIImagingLogic.models.builtin.nodule_vessel_fit import Fitted, fit
from AIImagingLogic.models.builtin.nodule_vessel_model import (
    BACKGROUND,
    CORE,
    DENSITY,
    SURFACE,
    NoduleModel,
    radius_basis,
    surface_radii,
)

_SMOOTHING_MM, _TRACK_MM = 0.4, 0.9
_FIRST_STEPS, _STEPS = 6, 10
_MOST_VESSELS = 8
_MOST_SAMPLES = 4200
_LEAST_SAMPLES = 60
# Values nearer to each other than this show the same noise, mm3 each.
_NOISE_MM3 = 3.0
_LEAST_NOISE_HU = 30.0
# A vessel's spot stands out this much of the lung, HU, or of the ground glass that it runs through.
_SPOT_HU = 110.0
_THROUGH_GLASS_BELOW_HU = -400.0
_CORE_FROM_HU, _CORE_HU, _GLASS_HU = -350.0, 25.0, -600.0
# A core has to explain this much more than one density, and its rim to be seen: volume mm3, share of its values that
# are those of ground glass.
_CORE_COST = 0.97
_LEAST_RIM_MM3, _RIM_SHARE, _THINNEST_RIM_MM = 5.0, 0.6, 0.8
# A vessel touches where it fills this much of a place just outside the nodule's surface.
_TOUCH_MM, _TOUCH_SHARE, _LEAST_TOUCHED = 0.5, 0.25, 0.01
_SIZE_LIMITS = (0.4, 1.9)


def find_on_vessel(
    patch: FinePatch, lung: np.ndarray, center: np.ndarray, diameter_mm: float, background: float, noise: float
) -> NoduleRegions | None:
    """Outline the nodule at `center` (z, y, x index of the patch) when a vessel touches it, else None.

    Parameters
    ----------
    lung : (z, y, x) bool, inside of the pleura
    diameter_mm : expected, may be off by a third
    background, noise : of the lung around, HU
    """
    scene = _Scene(patch, lung, center, diameter_mm, background, noise)
    if len(scene.values) < _LEAST_SAMPLES:
        return None
    fitted = scene.one_density()
    if fitted is None:
        return None
    with_core = scene.with_core()
    if with_core is not None and with_core[1].cost < _CORE_COST * fitted[1].cost:
        fitted = with_core
    middle, best = fitted
    return scene.regions(middle, best) if scene.is_likely(best) else None


@dataclass(frozen=True)
class _Scene:
    patch: FinePatch
    lung: np.ndarray
    center: np.ndarray
    diameter_mm: float
    background: float
    noise: float

    @cached_property
    def smooth(self) -> np.ndarray:
        return ndimage.gaussian_filter(self.patch.values, _SMOOTHING_MM / self.patch.spacing_mm, mode="nearest")

    @cached_property
    def track(self) -> np.ndarray:
        values = np.minimum(self.patch.values, 200.0)
        smoothed = ndimage.gaussian_filter(values, _TRACK_MM / self.patch.spacing_mm, mode="nearest")
        return np.where(self.lung, smoothed, -1000.0)

    @cached_property
    def stride(self) -> int:
        reach = 0.65 * self.diameter_mm + 3.5
        wanted = (4.2 * reach**3 / _MOST_SAMPLES) ** (1.0 / 3.0) / self.patch.spacing_mm
        return max(2, int(np.ceil(wanted)))

    @cached_property
    def index(self) -> np.ndarray:
        """The (n, 3) index of the samples: near the nodule, in the lung, off the wall."""
        axes = [np.arange(0, count, self.stride) for count in self.lung.shape]
        index = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        near = np.linalg.norm((index - self.center) * self.patch.spacing_mm, axis=1) < 0.65 * self.diameter_mm + 3.5
        index = index[near]
        steps = max(1, round(0.7 / self.patch.spacing_mm))
        inner = ndimage.binary_erosion(self.lung, iterations=steps, border_value=1)
        return index[inner[tuple(index.T)]]

    @cached_property
    def values(self) -> np.ndarray:
        return self.smooth[tuple(self.index.T)].astype(float)

    def points(self, middle: np.ndarray) -> np.ndarray:
        return (self.index - middle) * self.patch.spacing_mm

    def vessels(self, middle: np.ndarray, radius_mm: float, glass: float | None = None) -> list[Vessel]:
        """Return what may touch a nodule of this radius; within it too when it is ground glass of this density."""
        moved_mm = np.abs((middle - self.center) * self.patch.spacing_mm).max()
        outer = min(0.8 * self.diameter_mm + 5.5 - moved_mm, radius_mm + 6.0)
        lowest = self.background + _SPOT_HU

        def least(distance_mm: float) -> float:
            return lowest if glass is None or distance_mm > radius_mm + 1.2 else max(lowest, glass + _SPOT_HU)

        inner = radius_mm + 0.8 if glass is None else 1.0
        courses = trace_courses(self.track, middle, self.patch.spacing_mm, least, inner, outer)
        sigma = float(np.sqrt(POINT_SPREAD_MM**2 + 0.4 + _TRACK_MM**2))
        found = [vessel_from(course, radius_mm + 1.0, glass is not None, self.background, sigma) for course in courses]
        return sorted(found, key=lambda vessel: vessel.remoteness_mm)[:_MOST_VESSELS]

    def fitted(
        self,
        middle: np.ndarray,
        radius_mm: float,
        density: float,
        vessels: list[Vessel],
        steps: int,
        core: tuple[float, float, float, float, float] | None = None,
    ) -> Fitted:
        sigma = blur_sigma_mm(self.patch, _SMOOTHING_MM)
        model = NoduleModel(
            *(self.points(middle), sigma, self.diameter_mm, radius_mm, density, self.background, vessels, core)
        )
        weight = min(1.0, (self.stride * self.patch.spacing_mm) ** 3 / _NOISE_MM3)
        return fit(model, self.values, max(_LEAST_NOISE_HU, self.noise), weight, steps)

    def one_density(self) -> tuple[np.ndarray, Fitted] | None:
        """Return the best nodule of one density and its middle; None when no vessel comes near."""
        radius = 0.45 * self.diameter_mm
        inner = self.values[np.linalg.norm(self.points(self.center), axis=1) < 0.5 * radius]
        contrast = 1.3 * (float(np.median(inner)) - self.background) if len(inner) else 500.0
        density = self.background + float(np.clip(contrast, 200.0, 600.0 - self.background))
        vessels = self.vessels(self.center, radius)
        if not vessels:
            return None
        first = self.fitted(self.center, radius, density, vessels, _FIRST_STEPS)
        middle, radius = self.moved(self.center, first)
        density = float(np.clip(first.parameters[DENSITY], self.background + 150.0, 600.0))
        vessels = self.vessels(middle, radius, density if density < _THROUGH_GLASS_BELOW_HU else None)
        second = self.fitted(middle, radius, density, vessels, _STEPS)
        return (middle, second) if _touched(second) else None

    def with_core(self) -> tuple[np.ndarray, Fitted] | None:
        """Return the best part-solid nodule and its middle; None when nothing dense is in it or no rim is seen."""
        radius = 0.5 * self.diameter_mm
        points = self.points(self.center)
        dense = (np.linalg.norm(points, axis=1) < 0.75 * radius) & (self.values > _CORE_FROM_HU)
        if dense.sum() < 5:
            return None
        place = np.average(points[dense], axis=0, weights=self.values[dense] - _CORE_FROM_HU)
        volume = float(dense.sum()) * (self.stride * self.patch.spacing_mm) ** 3
        size = float(np.clip((0.75 * volume / np.pi) ** (1.0 / 3.0), 0.8, 0.7 * radius))
        core = (*(float(value) for value in place), size, _CORE_HU)
        first = self.fitted(
            *(self.center, radius, _GLASS_HU, self.vessels(self.center, radius), _FIRST_STEPS),
            (core[0], core[1], core[2], size, _CORE_HU),
        )
        middle, radius = self.moved(self.center, first)
        place = first.parameters[CORE : CORE + 3] - (middle - self.center) * self.patch.spacing_mm
        z, y, x = (float(value) for value in place)
        core = (z, y, x, float(first.parameters[CORE + 3]), _CORE_HU)
        best = self.fitted(middle, radius, _GLASS_HU, self.vessels(middle, radius), _STEPS, core)
        return (middle, best) if self.rim_is_seen(best) else None

    def moved(self, middle: np.ndarray, fitted: Fitted) -> tuple[np.ndarray, float]:
        """Return the middle of what was found, not too far away at once, and its radius, mm."""
        shift, radius = fitted.middle_mm, fitted.radius_mm
        shift = shift * min(1.0, 0.6 * radius / max(float(np.linalg.norm(shift)), 1e-6))
        return middle + shift / self.patch.spacing_mm, float(np.clip(radius, 1.2, 0.8 * self.diameter_mm))

    def rim_is_seen(self, fitted: Fitted) -> bool:
        """Return whether ground glass is to be seen between the core and the surface, off the vessels."""
        parameters, model = fitted.parameters, fitted.model
        if fitted.radius_mm - parameters[CORE + 3] < _THINNEST_RIM_MM:
            return False
        from_core = np.linalg.norm(model.points - parameters[CORE : CORE + 3], axis=1) - parameters[CORE + 3]
        rim = (model.distance < model.basis @ parameters[:SURFACE] - 0.5) & (from_core > 1.0)
        if len(fitted.shown.vessels):
            rim &= fitted.shown.vessels.max(axis=0) < 0.1
        if rim.sum() * (self.stride * self.patch.spacing_mm) ** 3 < _LEAST_RIM_MM3:
            return False
        lung, glass = parameters[BACKGROUND], parameters[DENSITY]
        values = self.values[rim]
        return float(((values > lung + 0.4 * (glass - lung)) & (values < glass + 200.0)).mean()) >= _RIM_SHARE

    def is_likely(self, fitted: Fitted) -> bool:
        """Return whether the size is near to what was expected."""
        low, high = _SIZE_LIMITS
        return low < 2.0 * fitted.radius_mm / self.diameter_mm < high

    def regions(self, middle: np.ndarray, fitted: Fitted) -> NoduleRegions:
        """Return the fitted nodule on the patch."""
        parameters = fitted.parameters
        offset = (np.indices(self.lung.shape, dtype=np.float32) - middle[:, None, None, None]) * self.patch.spacing_mm
        distance = np.sqrt((offset**2).sum(axis=0))
        near = (distance < 1.1 * surface_radii(parameters).max()) & self.lung
        unit = (offset[:, near] / np.maximum(distance[near], 1e-6)).T
        whole = np.zeros(self.lung.shape, bool)
        whole[near] = distance[near] <= radius_basis(unit) @ parameters[:SURFACE]
        background, density = float(parameters[BACKGROUND]), float(parameters[DENSITY])
        contrasts: tuple[float, ...] = (density - background,)
        core = None
        if fitted.model.core is not None:
            place = parameters[CORE : CORE + 3][:, None, None, None]
            core = whole & (np.sqrt(((offset - place) ** 2).sum(axis=0)) <= parameters[CORE + 3])
            contrasts += (float(parameters[CORE + 4]) - density,)
        residual = float(((self.values - fitted.shown.image) ** 2).mean())
        return NoduleRegions(whole, core, Levels(background, contrasts, residual))


def _touched(fitted: Fitted) -> bool:
    """Return whether a vessel fills a place just outside of the surface."""
    if not fitted.model.vessels:
        return False
    points = directions() * (surface_radii(fitted.parameters) + _TOUCH_MM)[:, None]
    outside = replace(fitted.model, points=points).show(fitted.parameters)
    return float((outside.vessels.max(axis=0) > _TOUCH_SHARE).mean()) >= _LEAST_TOUCHED
