"""Published statements of how far two measurements of something unchanged differ."""

from __future__ import annotations

import math
from dataclasses import dataclass

from AIImagingLogic.records.resources import load_resource

Z_95 = 1.959964
"""Half width of the central 95% of a normal distribution, in standard deviations."""

_TABLE = "rules/repeatability.json"


@dataclass(frozen=True)
class Repeatability:
    """One statement of Resources/rules/repeatability.json.

    Attributes
    ----------
    key, name : of the statement
    kind : ``limits``, ``cv_by_diameter``, ``absolute``, ``percent_and_absolute``
    source : where it was read
    confidence : A, B or C, as Docs/quantities.md explains
    applies_to : to what it was found to apply
    """

    key: str
    name: str
    kind: str
    source: str
    confidence: str
    applies_to: str
    limits_percent: tuple[float, float] | None = None
    logarithmic: bool = False
    limit: float | None = None
    limit_percent: float | None = None
    cv_by_diameter_mm: tuple[tuple[float, float], ...] = ()

    def half_widths(
        self, before: float, after: float, diameters_mm: tuple[float, float] | None
    ) -> tuple[float, float] | None:
        """Return how far below and above `after` - `before` the 95% interval of the change reaches, in their unit.

        Parameters
        ----------
        before, after : > 0
        diameters_mm : mean diameters at both visits; without them, those of spheres of the two volumes (mm3)

        Returns
        -------
        tuple or None
            None where the statement says nothing of this size.
        """
        if self.kind == "percent_and_absolute":
            reach = max((self.limit_percent or 0.0) / 100 * before, self.limit or 0.0)
            return reach, reach
        if self.kind == "absolute":
            return self.limit or 0.0, self.limit or 0.0
        if self.logarithmic:
            half = Z_95 * math.sqrt(2) * self._limit_share()
            return after - after * math.exp(-half), after * math.exp(half) - after
        shares = self.variations(before, after, diameters_mm)
        if shares is None:
            return None
        half = Z_95 * math.hypot(before * shares[0], after * shares[1])
        return half, half

    def variations(
        self, before: float, after: float, diameters_mm: tuple[float, float] | None
    ) -> tuple[float, float] | None:
        """Return the standard deviation of each of two measurements as a share of its value, None when not stated."""
        if self.kind == "absolute":
            deviation = (self.limit or 0.0) / (Z_95 * math.sqrt(2))
            return deviation / before, deviation / after
        if self.kind == "percent_and_absolute":
            reach = max((self.limit_percent or 0.0) / 100, (self.limit or 0.0) / before)
            return reach / (Z_95 * math.sqrt(2)), reach / (Z_95 * math.sqrt(2))
        sizes = diameters_mm or (sphere_diameter_mm(before), sphere_diameter_mm(after))
        first, second = (self.variation_at(size) for size in sizes)
        return None if first is None or second is None else (first, second)

    def variation_at(self, diameter_mm: float) -> float | None:
        """Return the standard deviation of one measurement as a share of it, None where nothing is stated."""
        if self.limits_percent is not None:
            return self._limit_share()
        points = self.cv_by_diameter_mm
        if not points or diameter_mm < points[0][0]:
            return None
        for (low, low_cv), (high, high_cv) in zip(points, points[1:]):
            if diameter_mm <= high:
                return low_cv + (high_cv - low_cv) * (diameter_mm - low) / (high - low)
        return points[-1][1]

    def words(self, unit: str) -> str:
        """Return the statement in a few words, such as ``±27%, MILD trial``."""
        sign = "\N{PLUS-MINUS SIGN}"
        if self.kind == "absolute":
            return f"{self.limit:g} {unit}"
        if self.kind == "percent_and_absolute":
            return f"{sign}{self.limit_percent:.0f}% and {sign}{self.limit:g}, {self.name}"
        if self.limits_percent is None:
            return self.name
        low, high = self.limits_percent
        shown = f"{sign}{high:.0f}%" if low == -high else f"{low:+.0f}% to {high:+.0f}%"
        return f"{shown}, {self.name}"

    def _limit_share(self) -> float:
        """Return what 95% limits of a relative difference, or of the log of a ratio, say of one measurement."""
        low, high = self.limits_percent or (0.0, 0.0)
        linear, logarithmic = high / 100, (math.log1p(high / 100) - math.log1p(low / 100)) / 2
        reach = logarithmic if self.logarithmic else linear
        return reach / (Z_95 * math.sqrt(2))


def repeatability(name: str, statement: str | None = None) -> Repeatability | None:
    """Return what is stated of a measurement.

    Parameters
    ----------
    name : key of Resources/measurements.json
    statement : key of ``statements`` in the table; default: the one that the table gives the measurement

    Returns
    -------
    Repeatability or None
        None where nothing is stated.

    Raises
    ------
    KeyError
        There is no such statement.
    """
    table = load_resource(_TABLE)
    key = statement or table["changes"].get(name, {}).get("statement")
    if key is None:
        return None
    entry = table["statements"][key]
    limits = entry.get("limits_percent")
    return Repeatability(
        key=key,
        name=entry["name"],
        kind=entry["kind"],
        source=entry["source"],
        confidence=entry["confidence"],
        applies_to=entry["applies_to"],
        limits_percent=(float(limits[0]), float(limits[1])) if limits else None,
        logarithmic=entry.get("scale") == "log",
        limit=entry.get("limit"),
        limit_percent=entry.get("limit_percent"),
        cv_by_diameter_mm=tuple((float(size), float(cv)) for size, cv in entry.get("cv_by_diameter_mm", ())),
    )


def sphere_diameter_mm(volume_mm3: float) -> float:
    """Return the diameter of a sphere of a volume."""
    return (6 * volume_mm3 / math.pi) ** (1 / 3)
