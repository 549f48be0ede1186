"""The baseline of the demo phantom (`aiimaging phantom`) as a volume of a host's scene."""

from __future__ import annotations

from typing import Any


def demo_chest(scene: Any, name: str = "Chest CT phantom") -> Any:
    """Add the volume, known as a CT as it is when loaded from DICOM, and return its node."""
    import slicer

    from AIImagingLogic.images.phantoms.chest_pair import make_chest_pair
    from AIImagingLogic.images.phantoms.exam import demo_recipe
    from AIImagingLogic.scene.volumes import volume_node_from_image

    node = volume_node_from_image(make_chest_pair(demo_recipe()).baseline, scene, name)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    modality = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMSeriesModalityAttributeName()
    hierarchy.SetItemAttribute(hierarchy.CreateItem(hierarchy.GetSceneItemID(), node), modality, "CT")
    return node


def wait_for(host: Any, run: Any, fraction: float = 1.0) -> None:
    """Let the host's events pass until a run is that far, or has finished; a run that failed is an error."""
    host.process_events(until=lambda: run.finished or run.handle.fraction >= fraction, timeout=600)
    if fraction >= 1.0:
        host.process_events(until=lambda: run.finished, timeout=600)
    if run.error is not None:
        raise run.error
