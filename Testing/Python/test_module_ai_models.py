"""The module AI Models in the test host: cards, the check of the environment with its repairs, kept results."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from environment_site_packages import add_package

from AIImagingLogic.inference.environment_report import EnvironmentFinding, Repair, Severity
from AIImagingLogic.jobs.recovery import keep, recovered
from AIImagingLogic.jobs.service import shared_service
from AIImagingLogic.models.catalogue import card_summaries, model_card, model_ids
from AIImagingLogic.records.measured_segments import MeasuredSegments
from AIImagingLogic.records.provenance import make_provenance
from Testing.Host import reason_missing

pytestmark = pytest.mark.skipif(reason_missing() is not None, reason=str(reason_missing()))

_MODULE = Path(__file__).resolve().parents[2] / "AIImaging" / "AIModels"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from Testing.Host import running

    monkeypatch.setenv("AIIMAGING_RECOVERY_FOLDER", str(tmp_path / "recovered"))
    monkeypatch.setenv("AIIMAGING_MODELS", str(tmp_path / "models"))
    # Slicer has one service from its start to its end; each host is a Slicer of its own.
    shared_service.cache_clear()
    with running() as started:
        yield started


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on Python's path, for packages that are broken."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def _open(host: Any, tab: int = 0) -> Any:
    panel = host.open_module(_MODULE)
    assert panel.ui.tabs.tabText(0) == "Models"
    panel.ui.tabs.currentIndex = tab
    return panel


def _check(host: Any, panel: Any) -> str:
    panel.click("checkButton")
    host.process_events(until=lambda: panel.ui.checkButton.enabled, timeout=120)
    return panel.ui.environmentLabel.text


def _counts(said: str) -> tuple[int, int]:
    """Return how many problems and warnings a check tells of; another torch on this computer adds a warning."""
    found = re.search(r"(\d+) problems?, (\d+) warnings?", said)
    assert found is not None, said
    return int(found[1]), int(found[2])


def _finding(repair: Repair, *targets: str) -> EnvironmentFinding:
    return EnvironmentFinding("code", Severity.WARNING, "What.", "Why.", "Do.", repair, targets)


def _keep_result(title: str) -> Path:
    return keep(MeasuredSegments((), make_provenance("measure", [], [])), title, "its scene was closed during the run.")


def test_every_model_is_listed_and_the_chosen_one_shows_its_card(host: Any) -> None:
    panel = _open(host)
    table = panel.ui.modelsTable
    ids = [listed.card.id for listed in panel.widget.models.models]
    assert ids[: len(model_ids())] == list(model_ids()) and len(ids) == len(card_summaries())
    assert [table.item(row, 0).text() for row in range(table.rowCount)] == [model_card(key).name for key in ids]
    for key in ("ct-lung-nodules", "brainchop-mindgrab"):
        card = model_card(key)
        table.selectRow(ids.index(key))
        shown = panel.ui.cardBrowser.plainText
        assert card.intended_use in shown and f"{card.licence} {card.licence_url}" in shown
        assert all(limit in shown for limit in card.limits)
        assert all(reference in shown for reference in card.references)


def test_without_a_chosen_model_the_card_asks_for_one(host: Any) -> None:
    panel = _open(host)
    panel.ui.modelsTable.clearSelection()
    assert panel.ui.cardBrowser.plainText == "Choose a model to read its card."


def test_check_shows_what_is_broken_and_the_report_can_be_copied(host: Any, site: Path) -> None:
    import slicer

    add_package(site, "torch", "2.13.0", "import os\nos.abort()\n")
    (site / "~umpy").mkdir()
    before = "torch" in sys.modules
    panel = _open(host, 1)
    problems, warnings = _counts(_check(host, panel))
    assert problems == 1 and ("torch" in sys.modules) == before
    buttons = {button.text: button for button in panel.widget.environment.findingRows.buttons() if button}
    assert "Repair…" in buttons
    panel.click("copyButton")
    text = slicer.app.clipboard().text()
    assert "torch 2.13.0 crashes while it loads" in text and "~umpy" in text
    host.messages.answer(True)
    buttons["Delete…"].click()
    host.process_events(until=lambda: panel.ui.checkButton.enabled, timeout=120)
    assert not (site / "~umpy").exists()
    assert panel.ui.environmentLabel.text.startswith("Leftovers deleted. ")
    assert _counts(panel.ui.environmentLabel.text) == (1, warnings - 1)


@pytest.mark.skipif(os.name == "nt", reason="a process is killed by a signal")
def test_process_that_is_lost_during_the_check_leaves_a_report_of_the_files(host: Any, site: Path) -> None:
    add_package(site, "torch", "2.13.0", "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n")
    panel = _open(host, 1)
    said = _check(host, panel)
    assert "packages were only looked at" in said
    assert panel.widget.environment.findingRows.buttons()
    assert host.messages == []


def test_closing_the_scene_does_not_disturb_a_check_and_cancel_ends_it(host: Any) -> None:
    panel = _open(host, 1)
    panel.click("checkButton")
    host.close_scene()
    assert not panel.ui.checkButton.enabled
    check = panel.widget.environment._check
    check.cancel()
    host.process_events(until=lambda: panel.ui.checkButton.enabled, timeout=30)
    assert check.report is None
    assert panel.ui.environmentLabel.text.startswith("Cancelled.")
    assert host.messages == []


def test_refused_installation_changes_nothing(host: Any) -> None:
    _open(host)
    from AIModelsLib.repairs import repair

    assert repair(_finding(Repair.INSTALL, "openvino>=2024.4")) == "Nothing was installed."
    assert "openvino>=2024.4" in host.messages.texts("question")[0]
    assert host.packaging.asked == []


def test_installation_goes_through_slicer_and_keeps_what_slicer_brings(
    host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np
    import slicer

    _open(host)
    from AIModelsLib.repairs import repair

    asked = {}

    def pip_ensure(requirements: list[str], constraints: Path, **named: Any) -> None:
        asked.update(named, requirements=requirements, constraints=constraints.read_text(encoding="utf-8"))

    monkeypatch.setattr(slicer.packaging, "pip_ensure", pip_ensure)
    host.messages.answer(True)
    assert repair(_finding(Repair.INSTALL, "openvino>=2024.4")) == "openvino>=2024.4 installed."
    assert (asked["requirements"], asked["requester"]) == (["openvino>=2024.4"], "AI Imaging")
    assert f"numpy>={np.__version__}\n" in asked["constraints"]
    assert "==" not in asked["constraints"]


def test_installation_that_stops_half_way_is_told_once_and_checked_again(
    host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer

    panel = _open(host, 1)

    def fails(*arguments: Any, **named: Any) -> None:
        raise subprocess.CalledProcessError(1, "pip")

    monkeypatch.setattr(slicer.packaging, "pip_ensure", fails)
    host.messages.answer(True)
    panel.widget.environment.onRepair(_finding(Repair.INSTALL, "openvino>=2024.4"))
    host.process_events(until=lambda: panel.ui.checkButton.enabled, timeout=120)
    errors = host.messages.texts("error")
    assert len(errors) == 1 and "may be done in part" in errors[0]
    assert panel.ui.environmentLabel.text.startswith("The installation ended with an error (pip: 1)")
    assert panel.ui.copyButton.enabled


def test_half_installed_package_is_forced_since_pip_takes_it_for_complete(host: Any) -> None:
    _open(host)
    from AIModelsLib import repairs

    installed: list[Any] = []
    import slicer

    original = slicer.packaging.pip_install
    slicer.packaging.pip_install = lambda requirements, **named: installed.append(requirements)
    try:
        host.messages.answer(True)
        said = repairs.repair(_finding(Repair.REINSTALL, "jinja2>=3.1"))
    finally:
        slicer.packaging.pip_install = original
    assert installed == [["--force-reinstall", "--no-deps", "jinja2>=3.1"]]
    assert "Restart Slicer" in said


def test_torch_is_left_to_its_extension(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)  # another test may have used it
    _open(host)
    from AIModelsLib import repairs

    said = repairs.repair(_finding(Repair.INSTALL_TORCH, "torch>=2.4"))
    assert "Extensions Manager" in said
    asked = []
    logic = SimpleNamespace(
        uninstallTorch=lambda: asked.append("uninstall"),
        installTorch=lambda **named: asked.append(named) or SimpleNamespace(__version__="2.13.0"),
    )
    monkeypatch.setattr(repairs, "_pyTorchLogic", lambda: logic)
    assert repairs.repair(_finding(Repair.INSTALL_TORCH, "torch>=2.4")) == "torch 2.13.0 installed."
    assert asked == [{"askConfirmation": True, "torchVersionRequirement": ">=2.4"}]
    host.messages.answer(True)
    repairs.repair(_finding(Repair.REINSTALL_TORCH))
    assert asked[1:] == ["uninstall", {"askConfirmation": False, "torchVersionRequirement": ">=2.4"}]
    assert host.packaging.asked == []


def test_kept_results_are_listed_loaded_and_deleted_only_when_agreed(host: Any) -> None:
    _keep_result("Lungs of 'CT chest'")
    panel = _open(host, 2)
    assert panel.ui.tabs.tabText(2) == "Recovered results (1)"
    assert not panel.ui.loadButton.enabled
    panel.ui.recoveredTable.selectRow(0)
    assert panel.ui.recoveredLabel.text == "Its scene was closed during the run."
    tables = host.scene.GetNumberOfNodesByClass("vtkMRMLTableNode")
    panel.click("loadButton")
    assert host.scene.GetNumberOfNodesByClass("vtkMRMLTableNode") == tables + 1
    assert "was added to the scene" in panel.ui.recoveredLabel.text
    panel.click("deleteButton")
    assert len(recovered()) == 1
    host.messages.answer(True)
    panel.click("deleteButton")
    assert recovered() == ()
    assert panel.ui.tabs.tabText(2) == "Recovered results"


def test_damaged_result_is_listed_and_cannot_be_loaded(host: Any) -> None:
    path = _keep_result("Lungs")
    (path / "result.json").write_text("{", encoding="utf-8")
    panel = _open(host, 2)
    panel.ui.recoveredTable.selectRow(0)
    assert panel.ui.recoveredTable.item(0, 2).text().startswith("Damaged:")
    assert not panel.ui.loadButton.enabled and panel.ui.deleteButton.enabled


def test_result_kept_while_the_panel_is_open_is_listed_when_the_scene_has_closed(host: Any) -> None:
    panel = _open(host)
    _keep_result("Lungs")
    host.close_scene()
    assert panel.ui.recoveredTable.rowCount == 1
