"""How a scene opens in Slicer: which volume the slice views show, and where."""

from __future__ import annotations

from typing import Any

import numpy as np

from AIImagingLogic.scene.coordinates import ras_from_lps
from AIImagingLogic.scene.host import load_slicer

_SLICE_VIEWS = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}
_VIEW_SIZE_PIXELS = (512, 512)
_MARGIN = 1.05


def open_at(scene: Any, volume_node: Any, position_mm: tuple[float, float, float] | None) -> None:
    """Let a scene open with a volume in the three slice views.

    Parameters
    ----------
    scene : vtkMRMLScene
    volume_node : volume node to show
    position_mm : (3,) mm, LPS, where the slices lie; the volume's centre when None
    """
    slicer = load_slicer()
    bounds = np.zeros(6)
    volume_node.GetRASBounds(bounds)
    low, high = bounds[::2], bounds[1::2]
    position = (low + high) / 2 if position_mm is None else ras_from_lps(position_mm)
    field_of_view_mm = float((high - low).max()) * _MARGIN
    selection = _singleton(scene, "vtkMRMLSelectionNode", "Singleton")
    selection.SetActiveVolumeID(volume_node.GetID())
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    for name, orientation in _SLICE_VIEWS.items():
        composite = _singleton(scene, "vtkMRMLSliceCompositeNode", name)
        composite.SetLayoutName(name)
        composite.SetBackgroundVolumeID(volume_node.GetID())
        view = _singleton(scene, "vtkMRMLSliceNode", name)
        view.SetLayoutName(name)
        view.SetName(name)
        view.SetOrientation(orientation)
        view.SetDimensions(*_VIEW_SIZE_PIXELS, 1)
        view.SetFieldOfView(field_of_view_mm, field_of_view_mm, 1.0)
        view.JumpSliceByCentering(*position)


def _singleton(scene: Any, kind: str, tag: str) -> Any:
    """Add the one node of a kind and tag: Slicer merges it with its own when it loads the scene."""
    node = scene.CreateNodeByClass(kind)
    node.UnRegister(None)
    node.SetSingletonTag(tag)
    return scene.AddNode(node)
