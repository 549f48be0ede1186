"""A Segment Editor without a screen: its parameter node, and its logic with the undo history of the desktop."""

from __future__ import annotations

from typing import Any

from AIImagingLogic.scene.host import load_slicer


def open_editor(segmentation_node: Any, segment_id: str, volume_node: Any) -> tuple[Any, Any]:
    """Return an editor of a segment.

    Returns
    -------
    editor_node : vtkMRMLSegmentEditorNode, added to the scene; it edits everywhere and overwrites all segments
    logic : vtkSlicerSegmentEditorLogic with `SaveStateForUndo`, `Undo` and `Redo`
    """
    slicer = load_slicer()
    _let_labelmaps_be_copied(slicer)
    scene = segmentation_node.GetScene()
    editor_node = scene.AddNode(slicer.vtkMRMLSegmentEditorNode())
    editor_node.SetAndObserveSegmentationNode(segmentation_node)
    editor_node.SetAndObserveSourceVolumeNode(volume_node)
    editor_node.SetSelectedSegmentID(segment_id)
    logic = slicer.vtkSlicerSegmentEditorLogic()
    logic.SetMRMLScene(scene)
    logic.SetSegmentEditorNode(editor_node)
    return editor_node, logic


def _let_labelmaps_be_copied(slicer: Any) -> None:
    """Register a rule that knows labelmaps: without one, a saved state holds no voxels (the desktop has them all)."""
    factory = slicer.vtkSegmentationConverterFactory.GetInstance()
    rule = slicer.vtkBinaryLabelmapToClosedSurfaceConversionRule()
    if not any(known.IsA(rule.GetClassName()) for known in factory.GetConverterRules()):
        factory.RegisterConverterRule(rule)
