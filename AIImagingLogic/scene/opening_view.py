"""How a scene opens in Slicer: which volume the slice views show, and where."""

from __future__ import annotations

from typing import Any

from AIImagingLogic.scene.coordinates import ras_from_lps
from AIImagingLogic.scene.slice_views import fit_to_volume, singleton, slice_view_nodes

_SLICE_VIEWS = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}
_VIEW_SIZE_PIXELS = (512, 512)


def open_at(scene: Any, volume_node: Any, position_mm: tuple[float, float, float] | None) -> None:
    """Let a scene open with a volume in the three slice views.

    Parameters
    ----------
    scene : vtkMRMLScene
    volume_node : volume node to show
    position_mm : (3,) mm, LPS, where the slices lie; the volume's centre when None
    """
    selection = singleton(scene, "vtkMRMLSelectionNode", "Singleton")
    selection.SetActiveVolumeID(volume_node.GetID())
    for name, orientation in _SLICE_VIEWS.items():
        view, composite = slice_view_nodes(scene, name, orientation)
        composite.SetBackgroundVolumeID(volume_node.GetID())
        view.SetName(name)
        view.SetDimensions(*_VIEW_SIZE_PIXELS, 1)
        middle = fit_to_volume(view, volume_node)
        view.JumpSliceByCentering(*(middle if position_mm is None else ras_from_lps(position_mm)))
