"""A scene saved while a segment was being edited is read back with the editor's node."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from AIImagingLogic.scene.editor_rules_lattice import lattice_of, segment_in
from AIImagingLogic.scene.save import load_scene, save_scene
from Testing.Python.editor_scene import editor_scene

pytest.importorskip("slicer")


def test_scene_with_an_editor_node_is_read_back_with_its_settings(tmp_path: Path) -> None:
    scene = editor_scene()
    before = scene.segments()["edited"]
    scene.editor.SetMaskMode(scene.segmentation.EditAllowedInsideSingleSegment)
    scene.editor.SetMaskSegmentID("beside")
    scene.editor.SetOverwriteMode(scene.editor.OverwriteNone)
    save_scene(scene.scene, tmp_path / "edited.mrb")
    loaded = load_scene(tmp_path / "edited.mrb")
    editor = loaded.GetFirstNodeByClass("vtkMRMLSegmentEditorNode")
    node = loaded.GetFirstNodeByName("Segmentation")
    assert editor.GetSegmentationNode() is node
    assert editor.GetSourceVolumeNode() is loaded.GetFirstNodeByName("CT")
    assert editor.GetSelectedSegmentID() == "edited"
    assert editor.GetMaskMode() == node.EditAllowedInsideSingleSegment
    assert editor.GetMaskSegmentID() == "beside"
    assert editor.GetOverwriteMode() == editor.OverwriteNone
    lattice = lattice_of(node)
    np.testing.assert_array_equal(segment_in(node, "edited", lattice, lattice.extent), before)
