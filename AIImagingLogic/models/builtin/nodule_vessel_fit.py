"""Fits the model of a nodule with its vessels to the image; robust against what is not modelled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from AIImagingLogic.models.builtin.nodule_star_surface import directions
from AIImagingLogic.models.builtin.nodule_vessel_model import NoduleModel, Shown, surface_radii

# A residual of this many times the noise has half its weight gone and more: another vessel, an airway.
_FOREIGN = 3.0
# Nothing near the centre is foreign: there a residual counts in full up to this many times the noise.
_LARGEST_INNER = 5.0
_INNER_SHARE = 0.6
_OUTLIER_WEIGHT = 0.05
_TRIALS = 5
_SETTLED = 1e-3


@dataclass(frozen=True)
class Fitted:
    """The best parameters of a model, what they show, and what is left unexplained (negative log likelihood x 2)."""

    model: NoduleModel
    parameters: np.ndarray
    shown: Shown
    cost: float

    @property
    def volume_mm3(self) -> float:
        """Volume of the nodule."""
        return float(4.0 / 3.0 * np.pi * (surface_radii(self.parameters) ** 3).mean())

    @property
    def radius_mm(self) -> float:
        """Radius of the ball of the same volume."""
        return float((0.75 * self.volume_mm3 / np.pi) ** (1.0 / 3.0))

    @property
    def middle_mm(self) -> np.ndarray:
        """Centre of mass, mm from the centre of the model."""
        radii = surface_radii(self.parameters)
        moment: np.ndarray = 0.75 * (directions() * radii[:, None] ** 4).mean(axis=0)
        return moment / (radii**3).mean()


def fit(model: NoduleModel, values: np.ndarray, noise: float, weight: float, steps: int) -> Fitted:
    """Fit a model from its start by Levenberg-Marquardt steps.

    Parameters
    ----------
    values : (n,) HU at the model's points
    noise : standard deviation of what the model leaves unexplained where it is right, HU
    weight : of a value; below 1 where neighbours show the same noise
    steps : at most
    """
    inner = model.distance < _INNER_SHARE * model.radius_mm
    mean, sd = model.prior
    precision = 1.0 / sd**2

    def cost_of(parameters: np.ndarray, shown: Shown) -> float:
        square = ((values - shown.image) / noise) ** 2
        robust = np.where(inner, np.minimum(square, _LARGEST_INNER**2), square / (1.0 + square / _FOREIGN**2))
        return float(weight * robust.sum() + (precision * (parameters - mean) ** 2).sum())

    parameters = model.start
    shown = model.show(parameters)
    cost, damping = cost_of(parameters, shown), 1e-2
    for _ in range(steps):
        slopes = model.slopes(parameters, shown)
        residual = values - shown.image
        square = (residual / noise) ** 2
        near = np.where(square < _LARGEST_INNER**2, 1.0, _OUTLIER_WEIGHT)
        share = np.where(inner, near, 1.0 / (1.0 + square / _FOREIGN**2) ** 2) * weight / noise**2
        curvature = (slopes * share[:, None]).T @ slopes + np.diag(precision)
        gradient = slopes.T @ (share * residual) - precision * (parameters - mean)
        before = cost
        for _ in range(_TRIALS):
            change = np.linalg.solve(curvature + np.diag(damping * (np.diag(curvature) + 1e-9)), gradient)
            trial = model.within_limits(parameters + change)
            trial_shown = model.show(trial)
            trial_cost = cost_of(trial, trial_shown)
            if trial_cost < cost:
                parameters, shown, cost, damping = trial, trial_shown, trial_cost, max(damping / 5.0, 1e-4)
                break
            damping *= 5.0
        if before - cost < _SETTLED * max(cost, 1.0):
            break
    return Fitted(model, parameters, shown, cost)
