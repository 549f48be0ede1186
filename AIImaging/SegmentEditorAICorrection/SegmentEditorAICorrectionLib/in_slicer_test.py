"""The test that runs inside Slicer: the effect is registered, and a click on a bright box outlines it."""

import slicer


def run():
    """Raise when the effect does not do what it says.

    Raises
    ------
    AssertionError
    """
    import numpy as np

    slicer.mrmlScene.Clear()
    voxels = np.full((40, 60, 80), -50, dtype=np.int16)
    voxels[10:30, 20:40, 25:55] = 120
    volume = slicer.util.addVolumeFromArray(voxels, name="Box")
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Segmentation")
    segmentation.CreateDefaultDisplayNodes()
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    segment_id = segmentation.GetSegmentation().AddEmptySegment("Box", "Box")
    editor = slicer.qMRMLSegmentEditorWidget()
    editor.setMRMLScene(slicer.mrmlScene)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
    editor.setMRMLSegmentEditorNode(node)
    editor.setSegmentationNode(segmentation)
    editor.setSourceVolumeNode(volume)
    node.SetSelectedSegmentID(segment_id)
    editor.setActiveEffectByName("AI correction")
    effect = editor.activeEffect()
    assert effect is not None, "The effect is not registered."
    _click_in_the_middle(effect.self(), volume)
    labels = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, segment_id, volume)
    truth = voxels > 0
    dice = 2 * np.count_nonzero((labels > 0) & truth) / (np.count_nonzero(labels) + np.count_nonzero(truth))
    editor.setActiveEffectByName("")
    assert dice > 0.8, f"The box was outlined with a Dice of {dice:.2f} only."


def _click_in_the_middle(effect, volume):
    import time

    from AIImagingLogic.scene.segment_correction_prompts import click

    bounds = [0.0] * 6
    volume.GetRASBounds(bounds)
    middle = [(bounds[2 * axis] + bounds[2 * axis + 1]) / 2 for axis in range(3)]
    effect._show(click(volume, middle, True))
    end = time.monotonic() + 60
    while effect._tool.waiting and time.monotonic() < end:
        slicer.app.processEvents()
        effect.poll()
