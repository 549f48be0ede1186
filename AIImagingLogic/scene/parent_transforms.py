"""Volumes under a transform: the input as its grid lies in the node, and results under the same transform."""

from __future__ import annotations

from typing import Any

import SimpleITK as sitk

from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.scene.volumes import image_from_volume_node


def input_image(volume_node: Any) -> sitk.Image:
    """Return the image of a volume node, LPS mm, as a task reads it; a linear parent transform is left out.

    A result made from it lands right when it goes under the same transform: see `place_with`.

    Raises
    ------
    SceneError
        The node is empty, or stands under a non-linear transform, which distances and volumes would ignore.
    """
    parent = volume_node.GetParentTransformNode()
    if parent is not None and not parent.IsTransformToWorldLinear():
        raise SceneError(
            f"The volume '{volume_node.GetName()}' stands under the non-linear transform '{parent.GetName()}'.",
            "Harden it first (Transforms module, or 'Harden transform' in the Data module).",
        )
    return image_from_volume_node(volume_node)


def place_with(node: Any, volume_node: Any) -> None:
    """Put a result under the parent transform, or none, of the volume that it was made from."""
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
