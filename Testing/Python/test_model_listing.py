"""The models as a list shows them, and what the worker does with the store only when a licence was accepted."""

from __future__ import annotations

from pathlib import Path

import pytest
from local_web_server import Served, local_web_server
from model_store_cards import download_of, fetched_card

from AIImagingLogic.models import store_work
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.catalogue import card_summaries, model_card
from AIImagingLogic.models.listing import ListedModel, listed_card, listed_models
from AIImagingLogic.models.store.layout import Layout, default_folder
from AIImagingLogic.models.store.licences import LicenceNotAccepted
from AIImagingLogic.models.store.manifest import Manifest, StoredFile
from AIImagingLogic.models.store.model_store import ModelStore
from AIImagingLogic.models.store.web import Web
from AIImagingLogic.models.store.whereabouts import installed, installed_sizes
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.json_form import save_record
from AIImagingLogic.records.progress import Progress

KNOWN = "brainchop-mindgrab"


@pytest.fixture(autouse=True)
def _store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIIMAGING_MODELS", str(tmp_path / "models"))


def _import(folder: Path, card: ModelCard) -> Path:
    source = folder / f"{card.id}-{card.version}.bin"
    source.write_bytes(b"weights")
    return ModelStore().import_path(source, card, Progress()).folder


def _place(card: ModelCard) -> Path:
    """Put a package into the store as an earlier version of this program may have left it."""
    package = Layout(default_folder()).package_of(card)
    (package / "files").mkdir(parents=True)
    (package / "files" / "model.bin").write_bytes(b"weights")
    save_record(Manifest(card, (StoredFile("model.bin", 7, "0" * 64),), "download"), package / "manifest.json")
    return package / "files" / "model.bin"


def _listed(model_id: str) -> ListedModel:
    (found,) = [listed for listed in listed_models() if listed.card.id == model_id]
    return found


def test_an_empty_store_lists_the_catalogue_and_only_built_in_models_are_usable() -> None:
    listed = listed_models()
    assert [item.card for item in listed] == list(card_summaries())
    assert {item.card.source for item in listed if item.usable} == {"builtin"}
    assert all(item.size is None and not item.own for item in listed)


def test_a_package_is_usable_until_a_file_of_it_is_gone() -> None:
    file = _place(model_card(KNOWN))
    assert (_listed(KNOWN).size, _listed(KNOWN).usable, _listed(KNOWN).damaged) == (7, True, False)
    file.unlink()
    assert (_listed(KNOWN).size, _listed(KNOWN).usable, _listed(KNOWN).damaged) == (None, False, True)


def test_another_version_is_told_and_is_not_usable() -> None:
    data = model_card(KNOWN).to_json()
    _place(ModelCard.from_json({**data, "version": "1.0.0"}))
    assert _listed(KNOWN).other_version and not _listed(KNOWN).here and not _listed(KNOWN).damaged


def test_a_model_of_the_users_own_is_listed_in_its_newest_version_and_filtered_like_any_other(tmp_path: Path) -> None:
    data = fetched_card(model_id="mine", name="My liver", anatomy="abdomen").to_json()
    _import(tmp_path, ModelCard.from_json({**data, "version": "9.0.0"}))
    newest = _import(tmp_path, ModelCard.from_json({**data, "version": "10.0.0"}))
    assert _listed("mine").own and _listed("mine").card.version == listed_card("mine").version == "10.0.0"
    assert "mine" in {item.card.id for item in listed_models("segment", "CT", "LIVER")}
    assert "mine" not in {item.card.id for item in listed_models(modality="MR")}
    assert str(newest) in str(installed(listed_card("mine")))


def test_a_model_that_nobody_knows_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match="There is no model 'nothing'"):
        listed_card("nothing")


def test_the_worker_fetches_nothing_without_an_accepted_licence() -> None:
    with local_web_server() as site:
        site.served["/a"] = Served(b"weights")
        card = fetched_card(download_of(site.url("/a"), b"weights"))
        with pytest.raises(LicenceNotAccepted):
            store_work.get(card, False, Progress(), ModelStore(web=Web(local_http=True)))
        assert site.asked == []


def test_the_worker_takes_nothing_from_a_pack_without_an_accepted_licence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _import(tmp_path, fetched_card(model_id="mine"))
    pack = str(tmp_path / "pack.zip")
    store_work.export_pack(["mine"], pack, Progress())
    monkeypatch.setenv("AIIMAGING_MODELS", str(tmp_path / "other"))
    (content,) = store_work.pack_content(pack, Progress())["models"]
    assert (content["id"], content["licence"], content["accepted"]) == ("mine", "MIT", False)
    with pytest.raises(LicenceNotAccepted):
        store_work.import_pack(pack, [], Progress())
    assert installed_sizes() == {}
    store_work.import_pack(pack, ["mine"], Progress())
    assert store_work.pack_content(pack, Progress())["models"][0]["accepted"]
