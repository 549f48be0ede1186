"""The panel of AI Detection with findings, some of them reviewed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from Testing.Host import running
from Testing.Pictures.demo_chest import demo_chest, wait_for
from Testing.Pictures.panels import ROOT
from Testing.Pictures.scene_views import photograph_slices, photograph_table, stand_at

_VIEWS = ("Red", "Green", "Yellow")
_FIELD_OF_VIEW_MM = 120.0


def photograph(folder: Path, other_states: bool = False) -> None:
    """Write the panel, the slice views and the table.

    With `other_states` also the panel empty, running and with an error.
    """
    with running() as host:
        panel = host.open_module(ROOT / "AIImaging" / "AIDetection")
        if other_states:
            panel.photograph(folder / "panel_detection_empty.png")
        volume = demo_chest(host.scene)
        panel.choose("inputSelector", volume)
        panel.click("applyButton")
        run = panel.widget._runs[0][0]
        if other_states:
            wait_for(host, run, 0.5)
            panel.photograph(folder / "panel_detection_running.png")
        wait_for(host, run)
        for button in ("next", "accept", "next", "accept", "next", "reject", "next"):
            panel.click(f"{button}Button")
        panel.photograph(folder / "panel_detection.png")
        _photograph_views(host.scene, volume, run.nodes, folder)
        if other_states:
            empty = host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Not loaded")
            panel.choose("inputSelector", empty)
            panel.click("applyButton")
            panel.photograph(folder / "panel_detection_error.png")


def _photograph_views(scene: Any, volume: Any, nodes: Any, folder: Path) -> None:
    """Write the slice views where the current finding is, near enough to judge it, and the table."""
    middle = [0.0, 0.0, 0.0]
    nodes.box.GetCenterWorld(middle)
    stand_at(scene, _VIEWS, middle, _FIELD_OF_VIEW_MM)
    photograph_slices(scene, [("", volume, _VIEWS)], folder / "findings_slices.png")
    photograph_table(scene, nodes.table, folder / "findings_table.png")
