"""The panel of AI Segmentation with a result."""

from __future__ import annotations

from pathlib import Path

from Testing.Host import running
from Testing.Pictures.demo_chest import demo_chest, wait_for
from Testing.Pictures.panels import ROOT


def photograph(folder: Path, other_states: bool = False) -> None:
    """Write panel_segmentation.png; with `other_states` also the panel empty, running and with an error."""
    with running() as host:
        panel = host.open_module(ROOT / "AIImaging" / "AISegmentation")
        if other_states:
            panel.photograph(folder / "panel_segmentation_empty.png")
        panel.choose("inputSelector", demo_chest(host.scene))
        panel.click("applyButton")
        run = panel.widget._runs[0][0]
        if other_states:
            wait_for(host, run, 0.3)
            panel.photograph(folder / "panel_segmentation_running.png")
        wait_for(host, run)
        panel.photograph(folder / "panel_segmentation.png")
        if other_states:
            empty = host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Not loaded")
            panel.choose("inputSelector", empty)
            panel.click("applyButton")
            panel.photograph(folder / "panel_segmentation_error.png")
