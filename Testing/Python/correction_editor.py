"""The Segment Editor effect in the test host, on a bright box of which the proposal holds one half."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.scene.editor_rules_editor import open_editor
from AIImagingLogic.scene.editor_rules_lattice import lattice_of, segment_in
from AIImagingLogic.scene.volumes import volume_node_from_image
from Testing.Python.editor_scene import segmentation_of
from Testing.Python.segment_editor_stand_in import Interactor, ScriptedEffect, SliceView, modules

MODULE = Path(__file__).resolve().parents[2] / "AIImaging" / "SegmentEditorAICorrection"
NAME = MODULE.name
SHAPE = (30, 50, 60)
OBJECT = np.s_[8:22, 12:36, 15:45]
PROPOSED = np.s_[8:22, 12:36, 15:30]


class CorrectionEditor:
    """The effect as Slicer runs it, on a bright box of which the proposal holds one half."""

    def __init__(self, host: Any) -> None:
        import vtk

        self.host, self.events = host, vtk.vtkCommand
        rng = np.random.default_rng(0)
        voxels = rng.normal(-50, 8, SHAPE).astype(np.int16)
        voxels[OBJECT] += 150
        image = sitk.GetImageFromArray(voxels)
        self.volume = volume_node_from_image(image, host.scene, "CT")
        labels = np.zeros(SHAPE, np.uint8)
        labels[PROPOSED] = 1
        self.segmentation = segmentation_of(host.scene, self.volume, [(image, labels, ("box",))])
        self.node, self.logic = open_editor(self.segmentation, "box", self.volume)
        (self.scripted,) = ScriptedEffect.registered
        self.scripted.edit(self.node, self.logic)
        self.effect = self.scripted.self()
        self.effect.setupOptionsFrame()
        self.effect.setMRMLDefaults()
        self.effect.activate()
        self.view = SliceView(self._slice_node())

    def _slice_node(self) -> Any:
        import slicer

        # An axial slice at k = 15, a pixel a voxel: RAS is (-i, -j, k).
        node = slicer.vtkMRMLSliceNode()
        node.SetLayoutName("Test")
        node.SetDimensions(60, 50, 1)
        node.SetFieldOfView(60, 50, 1)
        node.SetOrientationToAxial()
        node.JumpSliceByCentering(-30.0, -25.0, 15.0)
        self.host.scene.AddNode(node)
        node.UpdateMatrices()
        return node

    def pixel(self, i: float, j: float) -> tuple[int, int]:
        import vtk

        inverse = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(self.view.sliceLogic().GetSliceNode().GetXYToRAS(), inverse)
        x, y, *_ = inverse.MultiplyPoint((-i, -j, 15.0, 1.0))
        return round(x), round(y)

    def send(self, event: int, **what: Any) -> bool:
        return bool(self.effect.processInteractionEvents(Interactor(**what), event, self.view))

    def drag(self, *points: tuple[int, int], control: bool = False) -> None:
        pixels = [self.pixel(*point) for point in points]
        assert self.send(self.events.LeftButtonPressEvent, xy=pixels[0], control=control)
        for xy in pixels[1:]:
            assert self.send(self.events.MouseMoveEvent, xy=xy, control=control)
        assert self.send(self.events.LeftButtonReleaseEvent, xy=pixels[-1], control=control)
        self.settle()

    def key(self, name: str) -> bool:
        taken = self.send(self.events.KeyPressEvent, key=name)
        self.settle()
        return taken

    def settle(self) -> None:
        tool = self.effect._tool
        self.host.process_events(until=lambda: tool is None or not tool.waiting, timeout=300)

    def mask(self) -> np.ndarray:
        lattice = lattice_of(self.segmentation)
        return segment_in(self.segmentation, "box", lattice, lattice.extent)

    def dice(self) -> float:
        truth = np.zeros(SHAPE, bool)
        truth[OBJECT] = True
        mask = self.mask()
        return float(2 * (truth & mask).sum() / (truth.sum() + mask.sum()))

    @property
    def said(self) -> str:
        return str(self.effect.ui.statusLabel.text)


@contextmanager
def correction_host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give a host that has what effects need, and finds the module."""
    from Testing.Host import running

    for name, module in modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(ScriptedEffect, "registered", [])
    with running() as started:
        monkeypatch.syspath_prepend(str(MODULE.parent))
        monkeypatch.syspath_prepend(str(MODULE))
        yield started


@contextmanager
def correction_editor(host: Any) -> Iterator[CorrectionEditor]:
    """Register the effect as Slicer does at its start, and open it."""
    import slicer

    from Testing.Host.application.modules import qSlicerScriptedLoadableModule
    from Testing.Host.pythonqt import unwrap, wrap

    module = __import__(NAME)
    declared = wrap(qSlicerScriptedLoadableModule(NAME, str(MODULE / f"{NAME}.py")))
    getattr(module, NAME)(declared)
    assert declared.hidden and f"{NAME}Lib" not in sys.modules
    unwrap(slicer.app).startupCompleted.emit()
    made = CorrectionEditor(host)
    yield made
    made.effect.deactivate()
    made.effect.cleanup()
