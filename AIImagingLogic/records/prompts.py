"""What a person shows of one object: clicks, strokes, a box, a lasso."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.records.boxes import OrientedBox, Vector
from AIImagingLogic.records.json_form import Record


@dataclass(frozen=True)
class Stroke(Record):
    """A scribble.

    Attributes
    ----------
    points_mm : its line, in order, LPS mm
    inside : whether it lies in the object; else beside it
    radius_mm : of the pen; 0 marks the voxels on the line alone
    """

    points_mm: tuple[Vector, ...]
    inside: bool
    radius_mm: float = 0.0


@dataclass(frozen=True)
class Prompts(Record):
    """All that was shown of one object so far, in the order in which it was shown where that matters.

    Attributes
    ----------
    inside_mm, outside_mm : clicks in the object and beside it, LPS mm
    strokes : scribbles
    box : the object lies in it; it may be one slice thick
    lasso_mm : a closed line in one slice, LPS mm, around the object there
    """

    inside_mm: tuple[Vector, ...] = ()
    outside_mm: tuple[Vector, ...] = ()
    strokes: tuple[Stroke, ...] = ()
    box: OrientedBox | None = None
    lasso_mm: tuple[Vector, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing was shown."""
        return self == Prompts()
