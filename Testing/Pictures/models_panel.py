"""The panel of AI Models: the list with the card of an installed model, and the check of the environment."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from AIImagingLogic.models.catalogue import model_card
from AIImagingLogic.models.store.model_store import ModelStore
from AIImagingLogic.records.progress import Progress
from Testing.Benchmarks.reporting import shared_data
from Testing.Host import running
from Testing.Pictures.panels import ROOT

# Two networks, and where the data for tests have them.
_INSTALLED = {"brainchop-meshnet-gwm": "model11_gw_ae", "brainchop-mindgrab": "mindgrab"}


def photograph(folder: Path) -> None:
    """Write panel_models.png and panel_environment.png."""
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["AIIMAGING_MODELS"] = str(Path(temporary) / "models")
        _install()
        with running() as host:
            panel = host.open_module(ROOT / "AIImaging" / "AIModels")
            panel.choose("anatomyLineEdit", "brain")
            panel.widget.models.choose("brainchop-mindgrab")
            host.process_events()
            panel.photograph(folder / "panel_models.png")
            panel.ui.tabs.currentIndex = 1
            panel.click("checkButton")
            host.process_events(until=lambda: panel.ui.checkButton.enabled, timeout=180)
            panel.ui.factsCollapsibleButton.collapsed = False
            panel.photograph(folder / "panel_environment.png")


def _install() -> None:
    """Import the networks that the data for tests have; without the data, the picture shows none installed."""
    data = shared_data()
    for model_id, name in _INSTALLED.items():
        package = data / "weights" / "brainchop_meshnet" / name if data else None
        if package and package.is_dir():
            ModelStore().import_path(package, model_card(model_id), Progress())
