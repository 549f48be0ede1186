"""A heat map as a volume node with its own colours and a legend, ready to be laid over its image."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.scene.host import load_slicer
from AIImagingLogic.scene.volumes import volume_node_from_image

_COLOURS_TAG = "AIImagingHeatMap"
_COLOURS = 256


def heat_map_node(heat_map: sitk.Image, scene: Any, name: str, class_name: str, volume: Any | None) -> Any:
    """Add a heat map to a scene, with a colour legend; no view is changed.

    Parameters
    ----------
    heat_map : 3D, 0..1, on the grid of the image it explains
    scene : vtkMRMLScene
    name : of the node
    class_name : of the class that it is about; stands in the legend
    volume : volume node of the image, whose transform the heat map shares; None when it is not in the scene

    Raises
    ------
    SceneError
        Slicer's classes are not installed.
    """
    look = load_resource("display/heat_map.json")
    node = volume_node_from_image(heat_map, scene, name, window=(0.0, 1.0))
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(_colour_node(scene).GetID())
    display.SetThreshold(look["threshold"], 1.0)
    display.ApplyThresholdOn()
    if volume is not None:
        node.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    legend = _legend_node(display, scene)
    legend.SetTitleText(f"Heat map: {class_name}")
    legend.SetNumberOfLabels(look["legend_labels"])
    legend.SetLabelFormat("%.2f")
    return node


def _legend_node(display: Any, scene: Any) -> Any:
    slicer = load_slicer()
    legend = slicer.vtkMRMLColorLegendDisplayNode()
    if scene.GetClassNameByTag(legend.GetNodeTagName()) is None:
        # The Colors module does this in the application; without it nobody has.
        scene.RegisterNodeClass(legend)
    return slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(display)


def _colour_node(scene: Any) -> Any:
    """Return the colours of heat maps, one node for all of a scene: no table that the user made is touched."""
    node = scene.GetSingletonNode(_COLOURS_TAG, "vtkMRMLColorTableNode")
    if node is not None:
        return node
    node = scene.CreateNodeByClass("vtkMRMLColorTableNode")
    node.UnRegister(None)
    node.SetName("Heat map colours")
    node.SetSingletonTag(_COLOURS_TAG)
    node.SetTypeToUser()
    node.SetNumberOfColors(_COLOURS)
    node.SetHideFromEditors(True)
    steps = np.array(load_resource("display/heat_map.json")["colours"])
    levels = np.linspace(0.0, 1.0, _COLOURS)
    for index, level in enumerate(levels):
        red, green, blue = (float(np.interp(level, steps[:, 0], steps[:, channel])) for channel in (1, 2, 3))
        node.SetColor(index, f"{level:.2f}", red, green, blue, 1.0)
    return scene.AddNode(node)
