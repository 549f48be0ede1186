"""A heat map over its image in the slice views, and the views as they were before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from AIImagingLogic.records.resources import load_resource

# On the heat map's node: what each slice view showed before, so that a saved scene can be put back too.
_BEFORE = "AIImaging.HeatMapBefore"


def show_heat_map(heat_map: Any, volume: Any | None) -> None:
    """Lay a heat map over its image in every slice view.

    Parameters
    ----------
    heat_map : made by `heat_map_node`
    volume : volume node of its image; None: what the views show stays behind it
    """
    if heat_map.GetAttribute(_BEFORE) is None:
        views = {view.GetID(): _state(view) for view in _views(heat_map.GetScene())}
        heat_map.SetAttribute(_BEFORE, json.dumps(views))
    for view in _views(heat_map.GetScene()):
        if volume is not None:
            view.SetBackgroundVolumeID(volume.GetID())
        view.SetForegroundVolumeID(heat_map.GetID())
        view.SetForegroundOpacity(load_resource("display/heat_map.json")["opacity"])


def hide_heat_map(heat_map: Any) -> None:
    """Take a heat map off the slice views; those that still show it get back what they showed before."""
    scene = heat_map.GetScene()
    before = json.loads(heat_map.GetAttribute(_BEFORE) or "{}")
    heat_map.RemoveAttribute(_BEFORE)
    for view in _views(scene):
        if view.GetForegroundVolumeID() != heat_map.GetID():
            continue
        background, foreground, opacity = before.get(view.GetID(), (view.GetBackgroundVolumeID(), None, 0.0))
        # A volume that is gone by now cannot come back.
        view.SetForegroundVolumeID(foreground if foreground and scene.GetNodeByID(foreground) else None)
        view.SetForegroundOpacity(opacity)
        if background and scene.GetNodeByID(background):
            view.SetBackgroundVolumeID(background)


def is_shown(heat_map: Any) -> bool:
    """Whether a slice view shows a heat map."""
    return any(view.GetForegroundVolumeID() == heat_map.GetID() for view in _views(heat_map.GetScene()))


def _views(scene: Any) -> Iterator[Any]:
    nodes = scene.GetNodesByClass("vtkMRMLSliceCompositeNode")
    nodes.UnRegister(None)
    for index in range(nodes.GetNumberOfItems()):
        yield nodes.GetItemAsObject(index)


def _state(view: Any) -> tuple[str | None, str | None, float]:
    return view.GetBackgroundVolumeID(), view.GetForegroundVolumeID(), view.GetForegroundOpacity()
