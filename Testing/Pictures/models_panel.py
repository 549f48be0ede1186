"""The panel of AI Models: the models with a card, and the check of the environment."""

from __future__ import annotations

from pathlib import Path

from Testing.Host import running
from Testing.Pictures.panels import ROOT


def photograph(folder: Path) -> None:
    """Write panel_models.png and panel_environment.png."""
    with running() as host:
        panel = host.open_module(ROOT / "AIImaging" / "AIModels")
        panel.ui.modelsTable.selectRow(2)
        host.process_events()
        panel.photograph(folder / "panel_models.png")
        panel.ui.tabs.currentIndex = 1
        panel.click("checkButton")
        host.process_events(until=lambda: panel.ui.checkButton.enabled, timeout=180)
        panel.ui.factsCollapsibleButton.collapsed = False
        panel.photograph(folder / "panel_environment.png")
