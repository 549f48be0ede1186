"""Oriented boxes in patient space."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.records.json_form import Record

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class OrientedBox(Record):
    """A box that need not follow the scanner's axes.

    Attributes
    ----------
    center_mm : (3,) mm, LPS
    size_mm : (3,) mm, full edge lengths along `axes`
    axes : (3, 3) unit vectors, one row an axis, LPS, right-handed
    """

    center_mm: Vector
    size_mm: Vector
    axes: tuple[Vector, Vector, Vector] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
