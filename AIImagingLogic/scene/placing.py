"""Letting the next clicks in a view put points of a list, and no longer."""

from __future__ import annotations

from typing import Any

from AIImagingLogic.scene.slice_views import singleton


def start_placing(node: Any, persistent: bool = False) -> None:
    """Let the next click put a point of a markups node; with `persistent` every click, until `stop_placing`."""
    scene = node.GetScene()
    selection = singleton(scene, "vtkMRMLSelectionNode", "Singleton")
    selection.SetReferenceActivePlaceNodeClassName(node.GetClassName())
    selection.SetActivePlaceNodeID(node.GetID())
    interaction = singleton(scene, "vtkMRMLInteractionNode", "Singleton")
    interaction.SetPlaceModePersistence(1 if persistent else 0)
    interaction.SetCurrentInteractionMode(interaction.Place)


def stop_placing(scene: Any) -> None:
    """A click puts no point any more."""
    interaction = singleton(scene, "vtkMRMLInteractionNode", "Singleton")
    interaction.SetPlaceModePersistence(0)
    interaction.SetCurrentInteractionMode(interaction.ViewTransform)
