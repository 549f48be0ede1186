"""Volumes under a transform: the input as its grid lies in the node, and results under the same transform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from AIImagingLogic.records.errors import SceneError

if TYPE_CHECKING:
    import SimpleITK as sitk


def input_image(volume_node: Any) -> sitk.Image:
    """Return the image of a volume node, LPS mm, as a task reads it; a linear parent transform is left out.

    A result made from it lands right when it goes under the same transform: see `place_with`.

    Raises
    ------
    SceneError
        The node is empty, or stands under a non-linear transform, which distances and volumes would ignore.
    """
    from AIImagingLogic.scene.volumes import image_from_volume_node

    require_linear_parent(volume_node)
    return image_from_volume_node(volume_node)


def require_linear_parent(volume_node: Any) -> None:
    """Check that a volume stands under no transform, or a linear one.

    Raises
    ------
    SceneError
        It stands under a non-linear one; the message names it.
    """
    parent = volume_node.GetParentTransformNode()
    if parent is not None and not parent.IsTransformToWorldLinear():
        raise SceneError(
            f"The volume '{volume_node.GetName()}' stands under the non-linear transform '{parent.GetName()}'.",
            "Harden it first (Transforms module, or 'Harden transform' in the Data module).",
        )


def place_with(node: Any, volume_node: Any) -> None:
    """Put a result under the parent transform, or none, of the volume that it was made from."""
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
