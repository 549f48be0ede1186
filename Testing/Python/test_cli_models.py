"""`aiimaging models`: the whole way of a model on the command line, and what is said when something is wrong."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest
from local_web_server import Served, local_web_server
from model_store_cards import download_of, fetched_card

from AIImagingLogic.cli import main, models_command
from AIImagingLogic.models.catalogue import card_summaries
from AIImagingLogic.models.safety.trust import package_hash, trusted
from AIImagingLogic.models.store import web
from AIImagingLogic.records.resources import load_resource


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIIMAGING_MODELS", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "model.onnx").write_bytes(b"weights")
    return tmp_path / "net"


@pytest.fixture
def card(tmp_path: Path) -> Path:
    data = {
        **load_resource("models/ct-lungs.json"),
        "id": "my-net",
        "anatomy": "knee",
        "source": "onnx",
        "runs": "not yet",
        "licence": "MIT",
    }
    path = tmp_path / "card.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def _json(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["models", *argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def _listed(capsys: pytest.CaptureFixture[str], *argv: str) -> list[str]:
    return [model["id"] for model in _json(capsys, "list", *argv)["models"]]


def test_model_is_imported_listed_packed_removed_and_brought_back(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, package: Path, card: Path
) -> None:
    taken = _json(capsys, "import", str(package), "--card", str(card))
    assert Path(taken["folder"], "model.onnx").read_bytes() == b"weights"
    assert _listed(capsys, "--installed") == ["my-net"]
    assert _json(capsys, "show", "my-net")["sha256"] == taken["sha256"]
    pack = str(tmp_path / "pack.zip")
    _json(capsys, "export-pack", pack, "my-net")
    assert _json(capsys, "remove", "my-net")["freed"] > 0
    assert _listed(capsys, "--installed") == []
    assert main(["models", "import-pack", pack]) == 7
    assert "--accept-licence" in capsys.readouterr().err
    _json(capsys, "import-pack", pack, "--accept-licence")
    assert _json(capsys, "verify") == {"models": [{"id": "my-net", "problems": []}]}


def test_model_is_fetched_once_its_licence_is_accepted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(web, "Web", functools.partial(web.Web, local_http=True))
    with local_web_server() as site:
        site.served["/net"] = Served(b"weights")
        fetched = fetched_card(download_of(site.url("/net"), b"weights", sha256=None))
        monkeypatch.setattr(models_command, "_card", lambda model, store: fetched)
        assert main(["models", "get", "a-net"]) == 7
        assert "--accept-licence" in capsys.readouterr().err and site.asked == []
        folder = _json(capsys, "get", "a-net", "--accept-licence")["models"][0]["folder"]
        assert Path(folder, "model.bin").read_bytes() == b"weights"
        _json(capsys, "remove", "a-net")
        site.served["/net"].content = b"wrights"
        assert main(["models", "get", "a-net"]) == 7
        assert "--accept-changed" in capsys.readouterr().err
        _json(capsys, "get", "a-net", "--accept-changed")
        assert [path for path, _ in site.asked] == ["/net"] * 3


def test_list_is_filtered(capsys: pytest.CaptureFixture[str], package: Path, card: Path) -> None:
    _json(capsys, "import", str(package), "--card", str(card))
    assert _listed(capsys) == [*(summary.id for summary in card_summaries()), "my-net"]
    assert _listed(capsys, "--anatomy", "Knee") == ["my-net"]
    assert _listed(capsys, "--task", "register", "--anatomy", "knee") == []
    assert {"rigid", "affine", "deformable"} <= set(_listed(capsys, "--task", "register", "--modality", "mr"))
    assert "ct-lungs" not in _listed(capsys, "--modality", "MR")


def test_a_modality_that_no_model_is_for_is_refused_with_those_that_exist(
    capsys: pytest.CaptureFixture[str], package: Path, card: Path
) -> None:
    assert main(["models", "list", "--modality", "xx"]) == 7
    said = capsys.readouterr()
    known = sorted({card.modality for card in card_summaries()} - {""})
    assert "'xx'" in said.err and ", ".join(known) in said.err and not said.out
    assert {"CT", "MR", "DX"} <= set(known)
    # A model of the user's own adds its modality.
    assert main(["models", "list", "--modality", "OPT"]) == 7
    card.write_text(json.dumps({**json.loads(card.read_text()), "modality": "OPT"}), encoding="utf-8")
    _json(capsys, "import", str(package), "--card", str(card))
    assert "my-net" in _listed(capsys, "--modality", "opt")


def test_damage_is_named_and_changes_the_exit_code(
    capsys: pytest.CaptureFixture[str], package: Path, card: Path
) -> None:
    folder = _json(capsys, "import", str(package), "--card", str(card))["folder"]
    Path(folder, "model.onnx").write_bytes(b"wrights")
    assert main(["models", "verify"]) == 7
    assert "model.onnx: its content changed" in capsys.readouterr().err


def test_card_is_shown_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "show", "ct-lungs"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    data = load_resource("models/ct-lungs.json")
    for text in (*data["limits"], *data["references"], data["intended_use"], data["training_data"], "Apache-2.0"):
        assert text in said


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["show", "no-such-model"], "no model"),
        (["get", "ct-lungs"], "comes with AI Imaging"),
        (["verify", "ct-lungs"], "not on this computer"),
        (["remove"], "--unfinished"),
        (["import", "nowhere", "--card", "nowhere.json"], "cannot be read"),
        (["export-pack", "pack.zip", "ct-lungs"], "not on this computer"),
        (["import-pack", "nowhere.zip"], "pack"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], store: Path, argv: list[str], said: str
) -> None:
    assert main(["models", *argv]) == 7
    error = capsys.readouterr().err
    assert said in error and error.startswith("Error: ") and len(error.splitlines()) == 1
    assert not list(store.glob("packages/*"))


def test_package_is_trusted_until_it_changes(capsys: pytest.CaptureFixture[str], package: Path) -> None:
    assert _json(capsys, "trust")["trusted"] == []
    (row,) = _json(capsys, "trust", str(package), "--what", "from the ward")["trusted"]
    assert row["what"] == "from the ward"
    assert trusted(package_hash(package)) and row["package_hash"] == package_hash(package)
    (package / "model.onnx").write_bytes(b"Weights")
    assert not trusted(package_hash(package))
    assert _json(capsys, "distrust", row["package_hash"])["trusted"] == []
    assert main(["models", "distrust", row["package_hash"]]) == 7
    assert main(["models", "trust", "no such package"]) == 7


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "../evil"}, "not a model id"),
        ({"version": "1"}, "not a version"),
        ({"limits": "none"}, "'limits'"),
        ({"task": "guess"}, "'task'"),
        ({"surprise": 1}, "'surprise'"),
        ({"source": "builtin"}, "which format"),
        ({"labels": [{"name": "no value"}]}, "value"),
    ],
)
def test_card_of_the_user_that_is_not_valid_is_refused(
    capsys: pytest.CaptureFixture[str], package: Path, card: Path, change: dict[str, Any], said: str
) -> None:
    data = {**json.loads(card.read_text(encoding="utf-8")), **change}
    card.write_text(json.dumps(data), encoding="utf-8")
    assert main(["models", "import", str(package), "--card", str(card)]) == 7
    assert said in capsys.readouterr().err
