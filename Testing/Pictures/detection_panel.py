"""The panel of AI Detection with findings, some of them reviewed."""

from __future__ import annotations

from pathlib import Path

from Testing.Host import running
from Testing.Pictures.demo_chest import demo_chest, wait_for
from Testing.Pictures.panels import ROOT


def photograph(folder: Path, other_states: bool = False) -> None:
    """Write panel_detection.png; with `other_states` also the panel empty, running and with an error."""
    with running() as host:
        panel = host.open_module(ROOT / "AIImaging" / "AIDetection")
        if other_states:
            panel.photograph(folder / "panel_detection_empty.png")
        panel.choose("inputSelector", demo_chest(host.scene))
        panel.click("applyButton")
        run = panel.widget._runs[0][0]
        if other_states:
            wait_for(host, run, 0.5)
            panel.photograph(folder / "panel_detection_running.png")
        wait_for(host, run)
        for button in ("next", "accept", "next", "accept", "next", "reject", "next"):
            panel.click(f"{button}Button")
        panel.photograph(folder / "panel_detection.png")
        if other_states:
            empty = host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Not loaded")
            panel.choose("inputSelector", empty)
            panel.click("applyButton")
            panel.photograph(folder / "panel_detection_error.png")
