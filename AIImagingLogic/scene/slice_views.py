"""The nodes of slice views: where a view cuts, and which volume it shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from AIImagingLogic.scene.host import load_slicer

_MARGIN = 1.05


def slice_view_nodes(scene: Any, name: str, orientation: str) -> tuple[Any, Any]:
    """Return slice node and composite node of the view `name`, made where they are not in the scene yet.

    Parameters
    ----------
    scene : vtkMRMLScene
    name : layout name of the view, such as ``Red``
    orientation : ``Axial``, ``Coronal`` or ``Sagittal``
    """
    load_slicer().vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    view = singleton(scene, "vtkMRMLSliceNode", name)
    view.SetLayoutName(name)
    view.SetOrientation(orientation)
    composite = singleton(scene, "vtkMRMLSliceCompositeNode", name)
    composite.SetLayoutName(name)
    return view, composite


def fit_to_volume(view: Any, volume_node: Any) -> npt.NDArray[np.float64]:
    """Let a slice view be as wide as its volume at its widest. Returns the middle of the volume, (3,) mm, RAS world."""
    bounds = np.zeros(6)
    volume_node.GetRASBounds(bounds)
    low, high = bounds[::2], bounds[1::2]
    width_mm = float((high - low).max()) * _MARGIN
    across, down, _ = view.GetDimensions()
    view.SetFieldOfView(width_mm, width_mm * down / across, 1.0)
    middle: npt.NDArray[np.float64] = (low + high) / 2
    return middle


def singleton(scene: Any, kind: str, tag: str) -> Any:
    """Return the one node of a kind and tag, made where it is not there; Slicer takes it for its own."""
    node = scene.GetSingletonNode(tag, kind)
    if node is not None:
        return node
    node = scene.CreateNodeByClass(kind)
    node.UnRegister(None)
    node.SetSingletonTag(tag)
    return scene.AddNode(node)
