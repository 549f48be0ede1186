"""Which prompts are new, and whether others were taken back."""

from __future__ import annotations

from AIImagingLogic.images.geometry import Grid
from AIImagingLogic.models.builtin.prompted_outline.painted_prompts import Mark, click_mark, lasso_marks, stroke_mark
from AIImagingLogic.records.prompts import Prompts


def is_continued(before: Prompts, now: Prompts) -> bool:
    """Whether `now` holds all of `before`, in its order, and may hold more at the ends."""
    return (
        now.inside_mm[: len(before.inside_mm)] == before.inside_mm
        and now.outside_mm[: len(before.outside_mm)] == before.outside_mm
        and now.strokes[: len(before.strokes)] == before.strokes
        and before.box in (None, now.box)
        and before.lasso_mm in ((), now.lasso_mm)
    )


def new_marks(grid: Grid, before: Prompts, now: Prompts) -> tuple[Mark, ...]:
    """Return the marks that came since `before`, each alone: what says most of the object first."""
    marks: list[Mark] = []
    if now.lasso_mm and not before.lasso_mm:
        marks += lasso_marks(grid, now.lasso_mm)
    strokes = [stroke_mark(grid, stroke) for stroke in now.strokes[len(before.strokes) :]]
    marks += [mark for mark in strokes if mark.inside]
    marks += [click_mark(grid, point, True) for point in now.inside_mm[len(before.inside_mm) :]]
    marks += [mark for mark in strokes if not mark.inside]
    marks += [click_mark(grid, point, False) for point in now.outside_mm[len(before.outside_mm) :]]
    return tuple(marks)
