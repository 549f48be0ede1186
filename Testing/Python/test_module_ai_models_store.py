"""The module AI Models in the test host: filters, downloads from a server here, import, packs, removal and trust."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from local_store_work import NEEDS_CODE, LocalService
from local_web_server import Served, Site, local_web_server
from model_store_cards import download_of, fetched_card

from AIImagingLogic.jobs import service as jobs_service
from AIImagingLogic.models import listing
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.catalogue import CardSummary, card_summaries, model_card
from AIImagingLogic.models.safety.trust import trusted_packages
from AIImagingLogic.models.store.whereabouts import installed_sizes
from Testing.Host import reason_missing

pytestmark = pytest.mark.skipif(reason_missing() is not None, reason=str(reason_missing()))

_MODULE = Path(__file__).resolve().parents[2] / "AIImaging" / "AIModels"
_CONTENT = bytes(range(256)) * 4000


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from Testing.Host import running

    monkeypatch.setenv("AIIMAGING_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("AIIMAGING_RECOVERY_FOLDER", str(tmp_path / "recovered"))
    monkeypatch.setattr(jobs_service, "JobService", LocalService)
    jobs_service.shared_service.cache_clear()
    with running() as started:
        yield started


@pytest.fixture
def site() -> Iterator[Site]:
    with local_web_server() as served:
        yield served


@pytest.fixture
def publish(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Add cards to the catalogue."""

    def add(*cards: ModelCard) -> None:
        by_id = {card.id: card for card in cards}
        fields = CardSummary.__dataclass_fields__
        short = tuple(CardSummary(**{field: getattr(card, field) for field in fields}) for card in cards)
        monkeypatch.setattr(
            listing, "card_summaries", lambda *wanted: card_summaries(*wanted) + (() if any(wanted) else short)
        )
        monkeypatch.setattr(listing, "model_card", lambda key: by_id.get(key) or model_card(key))

    return add


def _open(host: Any, model: str = "") -> Any:
    panel = host.open_module(_MODULE)
    if model:
        panel.widget.models.choose(model)
        assert panel.widget.models.chosen.card.id == model
    return panel


def _ids(panel: Any) -> list[str]:
    return [listed.card.id for listed in panel.widget.models.models]


def _finish(host: Any, panel: Any) -> str:
    host.process_events(until=lambda: not panel.widget.store._runs, timeout=60)
    return str(panel.ui.storeLabel.text)


def _choose_action(panel: Any, button: str, text: str) -> None:
    (action,) = [action for action in panel.find(button).menu().actions() if action.text == text]
    assert action.enabled
    action.trigger()


def _own_model(folder: Path, model_id: str = "mine", **fields: Any) -> tuple[Path, Path]:
    """Write a package and its card; return both paths."""
    package, card = folder / model_id, folder / f"{model_id}.json"
    package.mkdir()
    (package / "model.bin").write_bytes(_CONTENT)
    data = {**fetched_card(model_id=model_id, name=f"The model {model_id}").to_json(), **fields}
    written = {key: value for key, value in data.items() if key not in ("record", "schema_version")}
    card.write_text(json.dumps(written), encoding="utf-8")
    return package, card


def _import_own(host: Any, panel: Any, package: Path, card: Path) -> str:
    host.messages.answer(str(card), str(package))
    _choose_action(panel, "importButton", "Folder of a model of your own…")
    return _finish(host, panel)


def test_filters_show_what_they_say_and_what_can_be_used_comes_first(host: Any) -> None:
    panel = _open(host)
    every = card_summaries()
    assert sorted(_ids(panel)) == sorted(card.id for card in every)
    assert _ids(panel)[0] == "ct-body"
    panel.choose("taskComboBox", "Outline")
    panel.choose("modalityComboBox", "MR")
    panel.choose("anatomyLineEdit", "BRAIN")
    brain = {card.id for card in every if "brain" in f"{card.anatomy} {card.name}".lower()}
    outlined = {card.id for card in every if card.task == "segment" and card.modality in ("MR", "")}
    assert set(_ids(panel)) == brain & outlined and len(brain & outlined) > 5
    panel.choose("stateComboBox", "Ready to use")
    assert _ids(panel) == [] and panel.ui.cardBrowser.plainText == "No model passes these filters."
    assert not panel.ui.downloadButton.enabled
    panel.choose("taskComboBox", "Every task")
    panel.choose("modalityComboBox", "Every modality")
    panel.choose("anatomyLineEdit", "")
    assert _ids(panel) == [card.id for card in every if card.source == "builtin"]


def test_every_task_and_modality_of_the_catalogue_can_be_filtered(host: Any) -> None:
    _open(host)
    from AIModelsLib.card_text import MODALITIES, TASKS

    assert {card.task for card in card_summaries()} <= set(TASKS)
    assert {card.modality for card in card_summaries()} - {""} <= set(MODALITIES)


def test_download_asks_for_the_licence_once_and_shows_how_far_it_is(
    host: Any, site: Site, publish: Callable[..., None]
) -> None:
    held = Served(_CONTENT, hold_after=len(_CONTENT) // 2)
    site.served.update({"/a": held, "/b": Served(_CONTENT[:1000])})
    first = fetched_card(download_of(site.url("/a"), _CONTENT), model_id="a-net", name="Net A")
    second = fetched_card(download_of(site.url("/b"), _CONTENT[:1000]), model_id="b-net", name="Net B")
    publish(first, second)
    panel = _open(host, "a-net")
    panel.click("downloadButton")
    asked = host.messages.texts("question")
    assert len(asked) == 1 and "MIT: https://example.org/licence" in asked[0] and "1.02 MB from 127.0.0.1" in asked[0]
    assert panel.ui.storeLabel.text == "Nothing was downloaded." and site.asked == []
    host.messages.answer(True)
    panel.click("downloadButton")
    (run,) = panel.widget.store._runs.values()
    host.process_events(until=lambda: run.handle.fraction > 0.2, timeout=60)
    assert not panel.ui.downloadButton.enabled
    held.released.set()
    assert _finish(host, panel) == "'Net A' is on this computer now: 1.02 MB."
    assert panel.ui.diskLabel.text.startswith("1 model, 1.03 MB in ")
    host.messages.answer(True)
    panel.widget.models.choose("b-net")
    panel.click("downloadButton")
    assert "was accepted before" in host.messages.texts("question")[-1]
    _finish(host, panel)
    assert set(installed_sizes()) == {("a-net", first.version), ("b-net", second.version)}


def test_cancelled_download_installs_nothing_and_the_next_one_goes_on(
    host: Any, site: Site, publish: Callable[..., None]
) -> None:
    held = site.served["/a"] = Served(_CONTENT, hold_after=len(_CONTENT) // 2)
    publish(fetched_card(download_of(site.url("/a"), _CONTENT), name="Net A"))
    panel = _open(host, "a-net")
    host.messages.answer(True)
    panel.click("downloadButton")
    (run,) = panel.widget.store._runs.values()
    host.process_events(until=lambda: run.handle.fraction > 0.2, timeout=60)
    panel.widget.store._rows._rows[0]._cancel.click()
    said = _finish(host, panel)
    assert said.startswith("Cancelled") and host.messages.texts("error") == [] and not installed_sizes()
    assert "downloads that broke off" in panel.ui.diskLabel.text and panel.ui.downloadButton.enabled
    held.released.set()
    held.hold_after = None
    host.messages.answer(True)
    panel.click("downloadButton")
    _finish(host, panel)
    assert site.asked[-1][1] is not None and len(installed_sizes()) == 1
    assert not panel.find("unfinishedButton").visible


def test_application_that_closes_during_a_download_leaves_a_part_and_no_model(
    host: Any, site: Site, publish: Callable[..., None], tmp_path: Path
) -> None:
    held = site.served["/a"] = Served(_CONTENT, hold_after=len(_CONTENT) // 2)
    publish(fetched_card(download_of(site.url("/a"), _CONTENT), name="Net A"))
    panel = _open(host, "a-net")
    host.messages.answer(True)
    panel.click("downloadButton")
    (run,) = panel.widget.store._runs.values()
    host.process_events(until=lambda: run.handle.fraction > 0.2, timeout=60)
    host.quit()
    held.released.set()
    assert not installed_sizes() and list((tmp_path / "models" / "partial").glob("*.part"))
    assert host.messages.texts("error") == []


def test_worker_that_dies_during_a_download_is_told_once_and_the_next_download_works(
    host: Any, site: Site, publish: Callable[..., None]
) -> None:
    held = site.served["/a"] = Served(_CONTENT, hold_after=len(_CONTENT) // 2)
    publish(fetched_card(download_of(site.url("/a"), _CONTENT), name="Net A"))
    panel = _open(host, "a-net")
    host.messages.answer(True)
    panel.click("downloadButton")
    (run,) = panel.widget.store._runs.values()
    host.process_events(until=lambda: run.handle.fraction > 0.2, timeout=60)
    for line in run._service._lines:
        os.kill(line._process.pid, signal.SIGKILL)
    said = _finish(host, panel)
    assert host.messages.texts("error") == [said] and not installed_sizes()
    held.released.set()
    host.messages.answer(True)
    panel.click("downloadButton")
    assert "is on this computer now" in _finish(host, panel)


def test_file_with_another_hash_is_refused_in_one_line(host: Any, site: Site, publish: Callable[..., None]) -> None:
    site.served["/a"] = Served(b"x" * len(_CONTENT))
    publish(fetched_card(download_of(site.url("/a"), _CONTENT), name="Net A"))
    panel = _open(host, "a-net")
    host.messages.answer(True)
    panel.click("downloadButton")
    said = _finish(host, panel)
    assert host.messages.texts("error") == [said] and not installed_sizes()


def test_own_model_is_imported_verified_and_removed_only_when_agreed(host: Any, tmp_path: Path) -> None:
    panel = _open(host)
    said = _import_own(host, panel, *_own_model(tmp_path))
    assert said == "'The model mine' is on this computer now: 1.02 MB."
    panel.widget.models.choose("mine")
    assert panel.widget.models.chosen.own
    panel.click("verifyButton")
    assert _finish(host, panel) == "The files of 'The model mine' are as they were stored."
    (stored,) = (tmp_path / "models").glob("packages/mine/*/files/model.bin")
    stored.write_bytes(b"y" + _CONTENT[1:])
    panel.click("verifyButton")
    assert "is damaged: model.bin: its content changed" in _finish(host, panel)
    panel.click("removeButton")
    assert stored.exists()
    host.messages.answer(True)
    panel.click("removeButton")
    assert "1.03 MB became free" in _finish(host, panel)
    assert not stored.exists() and "mine" not in _ids(panel) and panel.ui.diskLabel.text.startswith("No models, 0 b")


def test_package_that_lost_a_file_is_shown_as_damaged_and_can_be_removed(
    host: Any, tmp_path: Path, publish: Callable[..., None]
) -> None:
    panel = _open(host)
    package, card = _own_model(tmp_path, "a-net")
    _import_own(host, panel, package, card)
    publish(fetched_card(name="Net A"))
    next((tmp_path / "models").glob("packages/a-net/*/files/model.bin")).unlink()
    panel.exit()
    panel.enter()
    panel.widget.models.choose("a-net")
    row = panel.ui.modelsTable.currentRow()
    assert panel.ui.modelsTable.item(row, 1).text() == "Damaged" and panel.ui.removeButton.enabled


def test_file_that_is_no_card_is_refused(host: Any, tmp_path: Path) -> None:
    panel = _open(host)
    (tmp_path / "card.json").write_text("{}", encoding="utf-8")
    host.messages.answer(str(tmp_path / "card.json"))
    _choose_action(panel, "importButton", "Folder of a model of your own…")
    assert "is not valid" in panel.ui.storeLabel.text and len(host.messages.texts("error")) == 1


def test_pack_goes_to_another_store_when_its_licence_is_accepted(
    host: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = _open(host)
    _import_own(host, panel, *_own_model(tmp_path))
    pack = tmp_path / "pack.zip"
    host.messages.answer(str(pack))
    _choose_action(panel, "exportButton", "All models on this computer…")
    assert _finish(host, panel).startswith(f"{pack}: 1.0") and pack.is_file()
    host.messages.answer(True)
    panel.widget.models.choose("mine")
    panel.click("removeButton")
    _finish(host, panel)
    host.messages.answer(str(pack), False)
    panel.click("importPackButton")
    assert _finish(host, panel) == "Nothing was imported." and not installed_sizes()
    assert "The model mine: MIT https://example.org/licence" in host.messages.texts("question")[-1]
    host.messages.answer(str(pack), True)
    panel.click("importPackButton")
    assert _finish(host, panel) == "Imported: The model mine." and [key for key, _ in installed_sizes()] == ["mine"]


def test_package_that_needs_code_is_trusted_by_its_exact_hash_after_a_question(host: Any, tmp_path: Path) -> None:
    panel = _open(host)
    _import_own(host, panel, *_own_model(tmp_path, NEEDS_CODE, runs="package"))
    panel.widget.models.choose(NEEDS_CODE)
    assert not panel.ui.trustButton.enabled
    panel.click("verifyButton")
    assert "It cannot be used: model.ts: the operator aten::save" in _finish(host, panel)
    panel.click("trustButton")
    assert trusted_packages() == []
    host.messages.answer(True)
    panel.click("trustButton")
    asked = host.messages.texts("question")[-1]
    assert _finish(host, panel) == f"The files of 'The model {NEEDS_CODE}' are as they were stored."
    (trusted,) = trusted_packages()
    assert trusted.package_hash in asked and "model.ts: the operator aten::save" in asked
    assert not panel.ui.trustButton.enabled
