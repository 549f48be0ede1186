"""Packages in the model store: brought by the user, unpacked, verified, removed; archives that attack are refused."""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from local_web_server import Served, local_web_server
from model_store_cards import download_of, fetched_card

from AIImagingLogic.models.catalogue import model_card
from AIImagingLogic.models.store import installed, installed_sizes
from AIImagingLogic.models.store.model_store import ModelStore
from AIImagingLogic.models.store.safe_path import safe_relative_path
from AIImagingLogic.models.store.web import Web
from AIImagingLogic.records.errors import Cancelled, ModelError
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.progress import Progress

FILES = {"configs/inference.json": b"{}", "models/model.pt": b"weights" * 1000, "LICENSE": b"MIT"}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    monkeypatch.setenv("AIIMAGING_MODELS", str(tmp_path / "store"))
    return ModelStore()


def _folder(parent: Path, files: dict[str, bytes] = FILES) -> Path:
    for path, content in files.items():
        target = parent / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return parent


def _zip(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return buffer.getvalue()


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_folder_is_copied_whole_without_what_does_not_belong_to_it(store: ModelStore, tmp_path: Path) -> None:
    source = _folder(tmp_path / "bundle", {**FILES, ".git/config": b"x", "scripts/__pycache__/a.pyc": b"x"})
    card = fetched_card()
    stored = store.import_path(source, card, Progress())
    assert _files(stored.folder) == FILES
    assert installed(card) == store.installed(card) == stored.folder
    assert stored.manifest.origin == "import"
    assert store.verify(card.id, Progress()) == ()


def test_archive_comes_without_its_outermost_folder(tmp_path: Path) -> None:
    content = _zip({f"bundle/{path}": data for path, data in FILES.items()} | {"__MACOSX/._x": b"junk"})
    with local_web_server() as site:
        site.served["/bundle.zip"] = Served(content)
        item = download_of(
            site.url("/bundle.zip"),
            content,
            ".",
            sha256=None,
            unpack=True,
            published_hash=f"sha1:{hashlib.sha1(content, usedforsecurity=False).hexdigest()}",
        )
        store = ModelStore(tmp_path / "store", Web(local_http=True))
        stored = store.get(fetched_card(item), lambda card: True, Progress())
    assert _files(stored.folder) == FILES
    assert store.disk_use().unfinished == 0
    # The same archive, brought by hand, passes; another one does not.
    assert store.import_path(_written(tmp_path / "b.zip", content), fetched_card(item), Progress()).folder
    with pytest.raises(ModelError, match="that the card names"):
        store.import_path(_written(tmp_path / "c.zip", _zip(FILES)), fetched_card(item), Progress())
    assert store.verify("a-net", Progress()) == ()


def test_file_by_hand_must_be_the_one_that_the_card_names(store: ModelStore, tmp_path: Path) -> None:
    card = fetched_card(download_of("https://example.org/a", b"weights", "net/model.bin"))
    stored = store.import_path(_written(tmp_path / "download(1).bin", b"weights"), card, Progress())
    assert _files(stored.folder) == {"net/model.bin": b"weights"}
    with pytest.raises(ModelError, match="not the file"):
        store.import_path(_written(tmp_path / "x", b"wrights"), card, Progress())
    with pytest.raises(ModelError, match="missing"):
        store.import_path(_folder(tmp_path / "empty", {"other": b""}), card, Progress())
    assert _files(store.installed(card)) == {"net/model.bin": b"weights"}


def test_link_in_a_folder_is_refused(store: ModelStore, tmp_path: Path) -> None:
    source = _folder(tmp_path / "bundle")
    (source / "models" / "extra").symlink_to("/etc/passwd")
    with pytest.raises(ModelError, match="link"):
        store.import_path(source, fetched_card(), Progress())
    assert store.disk_use().size == 0


def _link() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("models")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc")
        archive.writestr("models2/passwd", b"x")
    return buffer.getvalue()


def _longer_than_declared() -> bytes:
    content = bytearray(_zip({"big.bin": b"0" * 100_000}, zipfile.ZIP_STORED))
    central = content.index(b"PK\x01\x02")
    content[central + 24 : central + 28] = (10).to_bytes(4, "little")
    return bytes(content)


def _declares_terabytes() -> bytes:
    content = bytearray(_zip({"big.bin": b"0" * 100}))
    central = content.index(b"PK\x01\x02")
    content[central + 24 : central + 28] = (0xFFFFFFFE).to_bytes(4, "little")
    return bytes(content) if len(content) else b""


def _encrypted() -> bytes:
    content = bytearray(_zip({"a.bin": b"0" * 100}))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def _flipped_byte() -> bytes:
    content = bytearray(_zip({"a.bin": b"0123456789" * 10}, zipfile.ZIP_STORED))
    content[60] ^= 1
    return bytes(content)


ATTACKS = {
    "climbs out": _zip({"../evil": b"x"}),
    "climbs out below": _zip({"a/../../evil": b"x"}),
    "absolute": _zip({"/tmp/evil": b"x"}),
    "drive": _zip({"C:/evil": b"x"}),
    "backslash": _zip({"a\\..\\..\\evil": b"x"}),
    "stream": _zip({"model.pt:evil": b"x"}),
    "device": _zip({"models/NUL.txt": b"x"}),
    "trailing dot": _zip({"models./a": b"x"}),
    "control character": _zip({"a\nb": b"x"}),
    "same but for case": _zip({"Model.pt": b"x", "model.PT": b"y"}),
    "file as folder": _zip({"a": b"x", "a/b": b"y"}),
    "link": _link(),
    "encrypted": _encrypted(),
    "longer than declared": _longer_than_declared(),
    "wrong checksum": _flipped_byte(),
    "cut off": _zip(FILES)[:-40],
    "empty": _zip({}),
    "many files": _zip({f"f{number}": b"" for number in range(20_001)}),
}


@pytest.mark.parametrize("content", ATTACKS.values(), ids=list(ATTACKS))
def test_archive_that_attacks_is_refused_and_leaves_nothing(store: ModelStore, tmp_path: Path, content: bytes) -> None:
    archive = _written(tmp_path / "package.zip", content)
    with pytest.raises(ModelError):
        # A damaged archive would be taken for a plain file: the card says that it is one to unpack.
        card = fetched_card(download_of("https://example.org/a.zip", content, ".", unpack=True))
        from AIImagingLogic.models.store.building import building
        from AIImagingLogic.models.store.unpack import unpack

        with building(store.layout, card.id, Progress()) as package:
            unpack(archive, package.files, ".", Progress())
    assert store.disk_use().size == 0
    outside = [path for path in tmp_path.rglob("*") if "evil" in path.name]
    assert outside == []


def test_archive_that_declares_more_than_the_disk_holds_is_refused(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from AIImagingLogic.models.store import unpack as unpack_module
    from AIImagingLogic.records.errors import OutputError

    asked: list[int] = []

    def refuse(folder: Path, needed: int) -> None:
        asked.append(needed)
        raise OutputError("no room")

    monkeypatch.setattr(unpack_module, "check_room", refuse)
    with pytest.raises(OutputError, match="no room"):
        store.import_path(_written(tmp_path / "p.zip", _declares_terabytes()), fetched_card(), Progress())
    assert asked == [0xFFFFFFFE]


@given(st.text(st.sampled_from("a/.\\: \0CONnul~$"), max_size=12))
def test_name_that_is_allowed_stays_in_its_folder(name: str) -> None:
    try:
        safe_relative_path(name)
    except ModelError:
        return
    folder = Path("/store/files")
    resolved = (folder / name).resolve()
    assert resolved.is_relative_to(folder) and resolved != folder
    assert "\\" not in name and ":" not in name


def test_damage_is_named_file_by_file_and_a_package_that_lacks_one_is_fetched_again(tmp_path: Path) -> None:
    with local_web_server() as site:
        site.served["/a"], site.served["/b"] = Served(b"weights"), Served(b"biases")
        card = fetched_card(download_of(site.url("/a"), b"weights", "a"), download_of(site.url("/b"), b"biases", "b"))
        store = ModelStore(tmp_path / "store", Web(local_http=True))
        folder = store.get(card, lambda card: True, Progress()).folder
        (folder / "a").write_bytes(b"wrights")
        (folder / "extra").write_bytes(b"")
        assert store.verify(card.id, Progress()) == ("a: its content changed", "extra: does not belong to the package")
        (folder / "b").write_bytes(b"bia")
        assert store.installed(card) is None
        (folder / "b").unlink()
        assert store.verify(card.id, Progress())[1] == "b: missing"
        assert store.installed(card) is None
        folder = store.get(card, lambda card: True, Progress()).folder
        assert _files(folder) == {"a": b"weights", "b": b"biases"}


def test_what_is_installed_is_known_without_decoding_a_card(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = fetched_card()
    folder = store.import_path(_folder(tmp_path / "bundle"), card, Progress()).folder
    monkeypatch.setattr(Record, "from_json", lambda *_: pytest.fail("a record was decoded"))
    assert installed(card) == folder
    assert installed_sizes() == {("a-net", card.version): sum(len(content) for content in FILES.values())}
    (folder / "LICENSE").write_bytes(b"")
    assert installed(card) is None and installed_sizes() == {}


def test_damaged_list_of_files_counts_as_not_installed_and_can_be_removed(store: ModelStore, tmp_path: Path) -> None:
    card = fetched_card()
    stored = store.import_path(_folder(tmp_path / "bundle"), card, Progress())
    (stored.folder.parent / "manifest.json").write_text('{"card": 1', encoding="utf-8")
    assert store.installed(card) is None and store.models() == ()
    assert len(store.verify(card.id, Progress())) == 1
    store.remove(card.id, Progress())
    assert store.disk_use().size == 0


def test_replacing_a_package_that_fails_half_way_leaves_the_earlier_one(store: ModelStore, tmp_path: Path) -> None:
    card = fetched_card()
    store.import_path(_folder(tmp_path / "first"), card, Progress())
    second = _folder(tmp_path / "second", {f"f{number}": b"x" for number in range(9)})
    with pytest.raises(Cancelled):
        store.import_path(second, card, Progress(is_cancelled=lambda: (store.layout.building / card.id).exists()))
    assert _files(store.installed(card)) == FILES
    store.import_path(second, card, Progress())
    assert len(_files(store.installed(card))) == 9
    assert list(store.layout.building.iterdir()) == []


def test_package_that_a_dead_process_had_moved_away_comes_back(store: ModelStore, tmp_path: Path) -> None:
    card = fetched_card()
    store.import_path(_folder(tmp_path / "first"), card, Progress())
    moved = store.layout.building / f"{card.id}.replaced"
    moved.mkdir()
    store.layout.package_of(card).rename(moved / card.version)
    with pytest.raises(ModelError, match="does not exist"):
        store.import_path(tmp_path / "nothing", card, Progress())
    assert _files(store.installed(card)) == FILES


def test_disk_use_is_listed_and_freed(store: ModelStore, tmp_path: Path) -> None:
    store.import_path(_folder(tmp_path / "bundle"), fetched_card(), Progress())
    use = store.disk_use()
    size = sum(len(content) for content in FILES.values())
    assert [(item.id, item.version) for item in use.packages] == [("a-net", fetched_card().version)]
    assert size < use.size < size + 10_000
    assert store.remove("a-net", Progress()) == use.size
    assert store.disk_use().size == 0
    with pytest.raises(ModelError, match="not on this computer"):
        store.remove("a-net", Progress())


def test_built_in_model_can_neither_be_fetched_nor_replaced(store: ModelStore, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="comes with AI Imaging"):
        store.get(model_card("ct-lungs"), lambda card: True, Progress())
    with pytest.raises(ModelError, match="built-in"):
        store.import_path(_folder(tmp_path / "bundle"), fetched_card(model_id="ct-lungs"), Progress())
    assert not store.layout.root.exists()
