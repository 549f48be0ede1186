"""Offline packs: made on one computer, used on another; what was tampered with is refused."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from model_store_cards import fetched_card

from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.store.licences import LicenceNotAccepted
from AIImagingLogic.models.store.model_store import ModelStore
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress

LIST = "aiimaging-pack.json"
CARDS = (fetched_card(), fetched_card(model_id="b-net"))


def _yes(card: ModelCard) -> bool:
    return True


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    store = ModelStore(tmp_path / "first")
    for number, card in enumerate(CARDS):
        source = tmp_path / f"source{number}"
        (source / "models").mkdir(parents=True)
        (source / "models" / "model.pt").write_bytes(b"weights %d" % number)
        store.import_path(source, card, Progress())
    store.export_pack(CARDS, tmp_path / "models.zip", Progress())
    return tmp_path / "models.zip"


def _changed(pack: Path, change: Callable[[dict[str, Any], dict[str, bytes]], None]) -> Path:
    """A pack whose list and files were changed by someone who keeps the form."""
    with zipfile.ZipFile(pack) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    data = json.loads(files.pop(LIST))
    change(data, files)
    with zipfile.ZipFile(pack, "w") as archive:
        archive.writestr(LIST, json.dumps(data))
        for name, content in files.items():
            archive.writestr(name, content)
    return pack


def test_models_go_from_one_computer_to_another(tmp_path: Path, pack: Path) -> None:
    second = ModelStore(tmp_path / "second")
    asked: list[str] = []
    stored = second.import_pack(pack, lambda card: asked.append(card.licence) is None, Progress())
    assert [model.card.id for model in stored] == ["a-net", "b-net"]
    for number, card in enumerate(CARDS):
        assert (second.installed(card) / "models" / "model.pt").read_bytes() == b"weights %d" % number
        assert second.verify(card.id, Progress()) == ()
        assert second.find(card).manifest.sha256 == ModelStore(tmp_path / "first").find(card).manifest.sha256
    assert asked == ["MIT"]
    assert {model.manifest.origin for model in second.models()} == {"pack"}


def test_pack_needs_the_licence_accepted(tmp_path: Path, pack: Path) -> None:
    second = ModelStore(tmp_path / "second")
    with pytest.raises(LicenceNotAccepted):
        second.import_pack(pack, lambda card: False, Progress())
    assert second.models() == ()


def test_damaged_model_is_not_packed(tmp_path: Path, pack: Path) -> None:
    store = ModelStore(tmp_path / "first")
    (store.installed(CARDS[1]) / "models" / "model.pt").write_bytes(b"weights 9")
    with pytest.raises(ModelError, match="damaged"):
        store.export_pack(CARDS, tmp_path / "other.zip", Progress())
    assert not (tmp_path / "other.zip").exists()
    assert [path for path in tmp_path.iterdir() if path.suffix == ".zip"] == [pack]


def _set(**fields: Any) -> Callable[[dict[str, Any], dict[str, bytes]], None]:
    def change(data: dict[str, Any], files: dict[str, bytes]) -> None:
        data["models"][0]["files"][0].update(fields)

    return change


def _set_card(**fields: Any) -> Callable[[dict[str, Any], dict[str, bytes]], None]:
    def change(data: dict[str, Any], files: dict[str, bytes]) -> None:
        data["models"][0]["card"].update(fields)

    return change


NAME = f"a-net/{CARDS[0].version}/models/model.pt"
TAMPERED: dict[str, Callable[[dict[str, Any], dict[str, bytes]], Any]] = {
    "content": lambda data, files: files.update({NAME: b"wrights 0"}),
    "missing file": lambda data, files: files.pop(NAME),
    "extra file": lambda data, files: files.update({f"{NAME}.exe": b"x"}),
    "file outside": lambda data, files: files.update({"../evil": b"x"}),
    "path that climbs out": _set(path="../../../../evil"),
    "absolute path": _set(path="/evil"),
    "absurd size": _set(size=1 << 60),
    "negative size": _set(size=-1),
    "size as text": _set(size="many"),
    "hash as text": _set(sha256="x" * 64),
    "id that climbs out": _set_card(id="../evil"),
    "version that climbs out": _set_card(version="../../evil"),
    "built-in id": _set_card(id="ct-lungs"),
    "model twice": lambda data, files: data["models"].append(data["models"][0]),
    "no models": lambda data, files: data.update(models=None),
    "newer form": lambda data, files: data.update(pack=99),
    "deep list": lambda data, files: data["models"][0].update(files=json.loads("[" * 500 + "]" * 500)),
}


@pytest.mark.parametrize("change", TAMPERED.values(), ids=list(TAMPERED))
def test_pack_that_was_tampered_with_is_refused(
    tmp_path: Path, pack: Path, change: Callable[[dict[str, Any], dict[str, bytes]], Any]
) -> None:
    second = ModelStore(tmp_path / "second")
    with pytest.raises(ModelError):
        second.import_pack(_changed(pack, change), _yes, Progress())
    assert second.installed(CARDS[0]) is None
    assert [path for path in tmp_path.rglob("*") if "evil" in path.name] == []


@pytest.mark.parametrize("content", [b"", b"not a zip", None])
def test_file_that_is_no_pack_is_refused(tmp_path: Path, pack: Path, content: bytes | None) -> None:
    if content is None:
        content = pack.read_bytes()[:-30]
    (tmp_path / "bad.zip").write_bytes(content)
    with pytest.raises(ModelError, match="pack"):
        ModelStore(tmp_path / "second").import_pack(tmp_path / "bad.zip", _yes, Progress())
    with pytest.raises(ModelError, match="pack"):
        ModelStore(tmp_path / "second").import_pack(tmp_path / "no.zip", _yes, Progress())
