"""A vessel beside a nodule: its course outside, carried on into the nodule, and what the scanner shows of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from AIImagingLogic.models.builtin.nodule_blur_profiles import tube_share
from AIImagingLogic.models.builtin.nodule_vessel_courses import Course

# Blood without contrast medium, HU. A denser vessel is taken for a thicker one of this density, which is the same blob.
VESSEL_HU = 40.0
PARAMETERS = 3
LEAST_RADIUS_MM, LARGEST_RADIUS_MM = 0.3, 4.5
# The last stretch of a course, in traced points, that says where it goes on; fewer are no course.
_HEADING_POINTS = 7
_FEWEST_POINTS = 4
_SLOPE_MM = 0.05
# A vessel whose course would pass the centre at more than this share of its distance there runs along the nodule.
_PASSES_BY = 0.6

Spread = Callable[[np.ndarray], np.ndarray]
"""Standard deviation of the blur, mm, along unit vectors (n, 3)."""


@dataclass(frozen=True)
class Vessel:
    """A vessel as a line from the outside in.

    Attributes
    ----------
    line : (n, 3) mm from the nodule's centre, axes of the patch; the last point may move sideways
    sideways : (2, 3) unit vectors across the last stretch
    radius_mm : expected from how bright it is outside the nodule
    """

    line: np.ndarray
    sideways: np.ndarray
    radius_mm: float

    @property
    def remoteness_mm(self) -> float:
        """How little it concerns the nodule: how far it passes from the centre, and how far out it was last seen."""
        return float(np.linalg.norm(self.line[-1]) + 0.5 * np.linalg.norm(self.line[-2]))

    def shown(self, points: np.ndarray, parameters: np.ndarray, spread: Spread) -> np.ndarray:
        """Return the share (0..1) of each point (n, 3) that the blurred vessel fills.

        Parameters
        ----------
        parameters : (3,) radius and the last point's two offsets sideways, mm
        """
        distance, away, _ = self._nearest(points, parameters)
        return tube_share(distance, max(parameters[0], LEAST_RADIUS_MM), spread(away))

    def shown_and_slopes(
        self, points: np.ndarray, parameters: np.ndarray, spread: Spread
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the shares and their slopes (n, 3) by each parameter."""
        distance, away, along_last = self._nearest(points, parameters)
        radius, sigma = max(parameters[0], LEAST_RADIUS_MM), spread(away)
        share = tube_share(distance, radius, sigma)
        thicker = (tube_share(distance, radius + _SLOPE_MM, sigma) - share) / _SLOPE_MM
        farther = (tube_share(distance + _SLOPE_MM, radius, sigma) - share) / _SLOPE_MM
        moved = -(farther * along_last)[:, None] * (away @ self.sideways.T)
        return share, np.column_stack([thicker, moved])

    def _nearest(self, points: np.ndarray, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return distance to the line, direction away from it, and the place (0..1) on the last stretch, else 0."""
        line = self.line.copy()
        line[-1] += parameters[1:] @ self.sideways
        start, along = line[:-1], np.diff(line, axis=0)
        square = np.maximum((along * along).sum(axis=1), 1e-9)
        reached = points @ along.T - (start * along).sum(axis=1)
        share = np.clip(reached / square, 0.0, 1.0)
        squared = (start * start).sum(axis=1) - 2.0 * points @ start.T + share * (share * square - 2.0 * reached)
        piece = squared.argmin(axis=1)
        share = share[np.arange(len(points)), piece]
        offset = points - start[piece] - share[:, None] * along[piece]
        distance = np.linalg.norm(offset, axis=1)
        away = offset / np.maximum(distance, 1e-3)[:, None]
        return distance, away, np.where(piece == len(along) - 1, share, 0.0)


def vessel_from(course: Course, outside_mm: float, through_glass: bool, background: float, sigma_mm: float) -> Vessel:
    """Return the vessel of a traced course.

    Parameters
    ----------
    course : outermost point first
    outside_mm : from this distance on, the course is not the nodule's own
    through_glass : the course was traced within the nodule too, and is believed there; else it is carried on straight
        from the outside to where it comes nearest to the centre
    background : HU of the lung around
    sigma_mm : standard deviation of all blur in the values of the course
    """
    away = np.linalg.norm(course.points_mm, axis=1)
    outside = away >= outside_mm
    if outside.sum() < _FEWEST_POINTS:
        outside = np.arange(len(away)) < _FEWEST_POINTS
    share = float(np.clip((np.median(course.values[outside]) - background) / (VESSEL_HU - background), 0.02, 0.97))
    radius = float(np.clip(sigma_mm * np.sqrt(-2.0 * np.log(1.0 - share)), 0.4, 3.5))
    points = course.points_mm if through_glass else course.points_mm[outside]
    last = points[-_HEADING_POINTS:]
    middle = last.mean(axis=0)
    heading = np.linalg.svd(last - middle)[2][0]
    heading = heading if heading @ (last[-1] - last[0]) > 0 else -heading
    foot = middle + heading * ((last[-1] - middle) @ heading)
    onward = max(-float(foot @ heading), 0.0)
    end = foot + heading * onward
    if through_glass:
        passes = onward > 0 and np.linalg.norm(end) >= _PASSES_BY * np.linalg.norm(foot)
        line = np.array([*points[:-1:2], points[-1], *([end] if passes else [])])
    else:
        line = np.array([*(points[: 1 - _HEADING_POINTS : 2] if len(points) > _HEADING_POINTS else []), last[0], foot])
        line = np.array([*line, end])
    across = np.cross(heading, np.eye(3)[np.abs(heading).argmin()])
    across /= np.linalg.norm(across)
    return Vessel(line, np.stack([across, np.cross(heading, across)]), radius)
