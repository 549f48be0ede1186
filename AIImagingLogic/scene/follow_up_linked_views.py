"""Both visits of the compare layout scrolled, moved and zoomed together, through the registration between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from AIImagingLogic.scene.compare_layout import layout_rows

_Point = npt.NDArray[np.float64]
# Shorter moves are the rounding of matrices.
_LEAST_MM = 1e-4


class LinkedVisits:
    """Lets each view of one visit follow its counterpart of the other.

    The place in the other visit is where the registration says, plus what it was off by when the link began: at a
    lesion both views stay on it, though a registration is never exact.

    Parameters
    ----------
    earlier, later : volume nodes
    transforms : transform node from each visit to the one before, as for `VisitOverlay`; where one is missing, the
        visits are not linked

    Attributes
    ----------
    enabled : whether the views follow
    warped : whether the later visit is shown on the earlier one: then both views stand at the same place
    """

    def __init__(self, earlier: Any, later: Any, transforms: Sequence[Any | None]) -> None:
        scene = earlier.GetScene()
        self._volumes = (earlier, later)
        self._transforms = tuple(transforms)
        rows = (
            [scene.GetSingletonNode(view["tag"], "vtkMRMLSliceNode") for view in row["views"]] for row in layout_rows()
        )
        self._views: list[tuple[Any, Any]] = list(zip(*rows, strict=True))
        self._off: list[_Point] = [np.zeros(3) for _ in self._views]
        self._seen: dict[Any, tuple[float, ...]] = {}
        self._tags: list[tuple[Any, int]] = []
        self._enabled, self._warped = False, False

    @property
    def possible(self) -> bool:
        """Whether the visits are registered, and all transforms between them are still in the scene."""
        return bool(self._transforms) and all(
            node is not None and node.GetScene() is not None for node in self._transforms
        )

    @property
    def enabled(self) -> bool:
        """Whether the views follow each other."""
        return self._enabled

    def enable(self, on: bool) -> None:
        """Let the views follow each other from where they are, or no longer."""
        on = on and self.possible
        self.close()
        self._enabled = on
        if on:
            for pair in self._views:
                self._tags += [(view, view.AddObserver("ModifiedEvent", self._on_modified)) for view in pair]
            self.take_places()

    def show_warped(self, warped: bool) -> None:
        """Say whether the later visit is shown on the earlier one now."""
        self._warped = warped
        self.take_places()

    def take_places(self) -> None:
        """Take it that both visits show the same place now, such as a lesion; they are linked from there on."""
        if not self._enabled:
            return
        for number, (first, second) in enumerate(self._views):
            self._off[number] = (
                np.zeros(3) if self._warped else _center(second) - self._mapped(_center(first), forward=True)
            )
            for view in (first, second):
                self._seen[view] = _state(view)

    def close(self) -> None:
        """Let go of the views."""
        for view, tag in self._tags:
            view.RemoveObserver(tag)
        self._tags, self._enabled = [], False

    def _on_modified(self, view: Any, _event: str) -> None:
        state = _state(view)
        before = self._seen.get(view)
        if before is not None and np.allclose(before, state, rtol=0, atol=_LEAST_MM):
            return
        self._seen[view] = state
        if not self.possible:
            return
        number, forward = next((number, view is pair[0]) for number, pair in enumerate(self._views) if view in pair)
        other = self._views[number][1 if forward else 0]
        center, off = _center(view), self._off[number]
        if self._warped:
            place = center
        elif forward:
            place = self._mapped(center, forward=True) + off
        else:
            place = self._mapped(center - off, forward=False)
        self._move(other, place, view.GetFieldOfView()[0])

    def _move(self, view: Any, place: _Point, width_mm: float) -> None:
        """Move a view without being followed in turn."""
        was_modifying = view.StartModify()
        view.JumpSliceByCentering(*place.tolist())
        across, down, deep = view.GetFieldOfView()
        if abs(across - width_mm) > _LEAST_MM:
            view.SetFieldOfView(width_mm, width_mm * down / across, deep)
        # Known before the event is sent, so that it is not taken for a move of the user.
        self._seen[view] = _state(view)
        view.EndModify(was_modifying)

    def _mapped(self, world: _Point, forward: bool) -> _Point:
        """Return a place (3,) RAS mm, world, of one visit in the other, of the later one where `forward`."""
        start, end = self._volumes if forward else self._volumes[::-1]
        point, result = np.zeros(3), np.zeros(3)
        start.TransformPointFromWorld(world, point)
        for node in self._transforms if forward else self._transforms[::-1]:
            # The nodes hold what takes points of the earlier visit to the later one as 'from parent'.
            transform = node.GetTransformFromParent() if forward else node.GetTransformToParent()  # type: ignore[union-attr]
            point = np.array(transform.TransformPoint(point.tolist()))
        end.TransformPointToWorld(point, result)
        return result


def _center(view: Any) -> _Point:
    matrix = view.GetSliceToRAS()
    return np.array([matrix.GetElement(axis, 3) for axis in range(3)])


def _state(view: Any) -> tuple[float, ...]:
    return (*_center(view).tolist(), view.GetFieldOfView()[0])
