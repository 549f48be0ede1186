"""Two visits side by side: each in views of its own, linked among themselves, both at the same lesion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.scene.compare_layout import layout_rows, show_layout, show_layout_number
from AIImagingLogic.scene.coordinates import ras_from_lps
from AIImagingLogic.scene.display_window import display_window
from AIImagingLogic.scene.finding_view import FindingView
from AIImagingLogic.scene.host import load_slicer
from AIImagingLogic.scene.slice_views import fit_to_volume, slice_view_nodes
from AIImagingLogic.scene.volume_info import facts_of_volume_node

if TYPE_CHECKING:
    from AIImagingLogic.records.timeline import Timeline


@dataclass(frozen=True)
class ComparedVisit:
    """A visit on show: its volume, its point list of findings and every node that is shown in its views only."""

    volume: Any
    points: Any
    nodes: tuple[Any, ...]


class CompareView:
    """Shows two visits in two rows of slice views; the volumes stay in their own coordinates.

    Parameters
    ----------
    scene : vtkMRMLScene
    visits : the earlier and the later one
    others : nodes of further visits, hidden meanwhile: they lie in other coordinates

    Raises
    ------
    SceneError
        There are not two, or a list of findings has lost its box.
    """

    def __init__(self, scene: Any, visits: Sequence[ComparedVisit], others: Sequence[Any] = ()) -> None:
        rows = layout_rows()
        if len(visits) != len(rows):
            raise SceneError(f"{len(rows)} visits can be compared, not {len(visits)}.", "Choose a follow-up.")
        self._scene = scene
        self._visits = tuple(visits)
        self._rows = rows
        self._views = [FindingView.from_nodes(visit.points, row["view_group"]) for visit, row in zip(visits, rows)]
        self._layout_before: int | None = None
        self._others = tuple(node for node in others if node.IsA("vtkMRMLDisplayableNode"))
        self._hidden: list[Any] = []

    def show(self) -> None:
        """Switch to the layout, each visit in the middle of its volume, its results in its own views only."""
        before = show_layout(self._scene)
        self._layout_before = before if self._layout_before is None else self._layout_before
        for visit, row in zip(self._visits, self._rows, strict=True):
            _show_in_window(visit.volume)
            identifiers = []
            for entry in row["views"]:
                view, composite = slice_view_nodes(self._scene, entry["tag"], entry["plane"])
                view.SetLayoutLabel(entry["letters"])
                view.SetViewGroup(row["view_group"])
                view.SetOrientationMarkerType(load_slicer().vtkMRMLAbstractViewNode.OrientationMarkerTypeAxes)
                composite.SetBackgroundVolumeID(visit.volume.GetID())
                composite.SetLinkedControl(True)
                view.JumpSliceByCentering(*fit_to_volume(view, visit.volume))
                identifiers.append(view.GetID())
            _show_only_in(visit.nodes, identifiers)
        shown = [node.GetDisplayNode() for node in self._others if node.GetScene() is self._scene]
        self._hidden += [display for display in shown if display is not None and display.GetVisibility()]
        for display in self._hidden:
            display.SetVisibility(False)

    def close(self) -> None:
        """Switch back to the layout that was shown before, with all results in all views again."""
        for visit in self._visits:
            _show_only_in(visit.nodes, [])
        for display in self._hidden:
            display.SetVisibility(True)
        self._hidden = []
        if self._layout_before is not None:
            show_layout_number(self._scene, self._layout_before)
            self._layout_before = None

    def jump_to_lesion(self, timeline: Timeline, number: int) -> tuple[bool, ...]:
        """Move both visits to a lesion, each in its own coordinates, with the box around it where it was seen.

        Where it was not seen, the views go to where the registration expects it.

        Returns
        -------
        tuple of bool
            For each visit, whether its views were moved: False where the lesion was neither seen nor expected.

        Raises
        ------
        SceneError
            The timeline has no lesion of that number.
        """
        lesion = next((entry for entry in timeline.lesions if entry.number == number), None)
        if lesion is None:
            raise SceneError(f"There is no lesion {number}.", f"The follow-up has {len(timeline.lesions)} lesions.")
        moved = []
        for visit, view, uid, expected_mm in zip(
            self._visits, self._views, lesion.observations, lesion.expected_mm, strict=True
        ):
            if uid is not None:
                view.select(uid)
            elif expected_mm is not None:
                view.leave(_world(visit.volume, ras_from_lps(expected_mm)))
            moved.append(uid is not None or expected_mm is not None)
        return tuple(moved)


def _world(volume: Any, point: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return a point of a volume's own coordinates (RAS mm) in the world's: its parent transform applied."""
    world = np.zeros(3)
    volume.TransformPointToWorld(point, world)
    return world


def _show_in_window(volume: Any) -> None:
    """Show a volume in the window of its modality, unless a person or its file chose one."""
    display = volume.GetDisplayNode()
    window = display_window(facts_of_volume_node(volume)["modality"])
    if display is not None and window is not None and display.GetAutoWindowLevel():
        display.AutoWindowLevelOff()
        display.SetWindowLevelMinMax(window.lower, window.upper)


def _show_only_in(nodes: Sequence[Any], view_ids: Sequence[str]) -> None:
    """Show nodes in these views only; in all when there are none."""
    for node in nodes:
        display = node.GetDisplayNode() if node.IsA("vtkMRMLDisplayableNode") else None
        if display is None:
            continue
        was_modifying = display.StartModify()
        display.RemoveAllViewNodeIDs()
        for view_id in view_ids:
            display.AddViewNodeID(view_id)
        display.EndModify(was_modifying)
