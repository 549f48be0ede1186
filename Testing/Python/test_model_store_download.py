"""Downloads into the model store: whole and right, or not at all, whatever the server and the disk do."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from local_web_server import Served, Site, local_web_server
from model_store_cards import download_of, fetched_card

from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.store.download import WrongContent
from AIImagingLogic.models.store.licences import LicenceNotAccepted
from AIImagingLogic.models.store.model_store import ModelStore
from AIImagingLogic.models.store.web import NoConnection, Web
from AIImagingLogic.records.errors import Cancelled, ModelError, OutputError
from AIImagingLogic.records.progress import Progress

CONTENT = random.Random(4).randbytes(1_500_000)
OTHER = random.Random(5).randbytes(1_400_000)
GET = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from model_store_cards import download_of, fetched_card
from AIImagingLogic.models.store.model_store import ModelStore
from AIImagingLogic.models.store.web import Web
from AIImagingLogic.records.progress import Progress
from test_model_store_download import CONTENT
card = fetched_card(download_of(sys.argv[2], CONTENT))
print(ModelStore(Path(sys.argv[1]), Web(local_http=True)).get(card, lambda card: True, Progress()).manifest.sha256)
"""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with local_web_server() as running:
        running.served["/net"] = Served(CONTENT)
        yield running


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "store", Web(local_http=True), pause_s=0.0)


def _get(store: ModelStore, card: ModelCard, progress: Progress | None = None, **named: Any) -> bytes:
    stored = store.get(card, lambda card: True, progress or Progress(), **named)
    assert store.installed(card) == stored.folder
    assert store.verify(card.id, Progress()) == ()
    return (stored.folder / card.downloads[0].path).read_bytes()


def _card(site: Site, **fields: Any) -> ModelCard:
    return fetched_card(download_of(site.url("/net"), CONTENT, **fields))


def _cancelled_after(size: int) -> Progress:
    """A progress of a download of `CONTENT` that is cancelled when about `size` bytes came."""
    said: list[float] = []
    fraction = 0.9 * size / len(CONTENT)
    return Progress(lambda done, message: said.append(done), lambda: bool(said) and said[-1] >= fraction)


def _nothing_is_left(store: ModelStore, card: ModelCard) -> bool:
    use = store.disk_use()
    return store.installed(card) is None and use.packages == () and use.unfinished == 0


def test_file_comes_once_and_is_then_found_without_the_network(store: ModelStore, site: Site) -> None:
    fractions: list[float] = []
    assert _get(store, _card(site), Progress(lambda done, message: fractions.append(done))) == CONTENT
    assert fractions == sorted(fractions) and fractions[-1] > 0.8
    assert _get(store, _card(site)) == CONTENT
    assert len(site.asked) == 1


def test_file_of_another_size_is_refused_before_it_comes(store: ModelStore, site: Site) -> None:
    site.served["/net"] = Served(OTHER, drop_after=[0, 0, 0, 0])
    with pytest.raises(WrongContent, match="1400000 bytes instead of 1500000"):
        _get(store, _card(site))
    assert len(site.asked) == 1


def test_answer_to_another_range_than_asked_for_is_not_joined(store: ModelStore, site: Site) -> None:
    served = site.served["/net"]
    served.drop_after, served.shift = [300_000], 5
    assert _get(store, _card(site)) == CONTENT
    assert [wanted for _, wanted in site.asked] == [None, "bytes=300000-", None]


def test_broken_connections_are_gone_on_with(store: ModelStore, site: Site) -> None:
    site.served["/net"].drop_after = [300_000, 0, 0, 500_000]
    assert _get(store, _card(site)) == CONTENT
    assert [wanted for _, wanted in site.asked] == [None, *["bytes=300000-"] * 3, "bytes=800000-"]


def test_cancelled_download_goes_on_the_next_time(store: ModelStore, site: Site) -> None:
    card = _card(site)
    with pytest.raises(Cancelled):
        _get(store, card, _cancelled_after(200_000))
    kept = store.disk_use().unfinished
    assert store.installed(card) is None and 200_000 <= kept < len(CONTENT)
    assert _get(store, card) == CONTENT
    started = int(str(site.asked[-1][1]).removeprefix("bytes=").rstrip("-"))
    assert 200_000 <= started < len(CONTENT)
    assert store.disk_use().unfinished == 0


def test_what_came_of_broken_downloads_can_be_deleted(store: ModelStore, site: Site) -> None:
    card = _card(site)
    with pytest.raises(Cancelled):
        _get(store, card, _cancelled_after(200_000))
    kept = store.disk_use().unfinished
    assert store.remove_unfinished(Progress()) == kept > 0
    assert store.disk_use().unfinished == 0
    assert _get(store, card) == CONTENT
    assert site.asked[-1][1] is None


def test_files_that_came_whole_are_not_fetched_again_when_a_later_one_fails(store: ModelStore, site: Site) -> None:
    second = download_of(site.url("/second"), OTHER, "weights/second.bin")
    card = fetched_card(_card(site).downloads[0], second)
    with pytest.raises(ModelError, match="404"):
        _get(store, card)
    assert store.installed(card) is None
    site.served["/second"] = Served(OTHER)
    assert _get(store, card) == CONTENT
    assert (store.installed(card) / "weights" / "second.bin").read_bytes() == OTHER
    assert [path for path, _ in site.asked] == ["/net", "/second", "/second"]


def test_file_that_changed_meanwhile_is_fetched_from_the_start(store: ModelStore, site: Site) -> None:
    card = _card(site, sha256=None, size=None)
    with pytest.raises(Cancelled):
        _get(store, card, Progress(is_cancelled=lambda: store.disk_use().unfinished > 100_000))
    site.served["/net"].content = OTHER
    assert _get(store, card) == OTHER
    assert site.asked[-1][1] is not None


@pytest.mark.parametrize("manner", [{"ranges": False}, {"tagged": False, "compare": False}])
def test_parts_of_two_versions_are_never_joined(store: ModelStore, site: Site, manner: dict[str, bool]) -> None:
    site.served["/net"] = Served(OTHER, **manner)
    with pytest.raises(Cancelled):
        _get(store, _card(site, size=None), _cancelled_after(0))
    assert store.disk_use().unfinished > 0
    site.served["/net"].content = CONTENT
    assert _get(store, _card(site)) == CONTENT


@pytest.mark.parametrize(
    ("fields", "said"),
    [({}, "bytes instead of"), ({"size": None}, "SHA-256"), ({"size": None, "sha256": None}, "MD5")],
)
def test_wrong_file_is_refused_and_nothing_stays(
    store: ModelStore, site: Site, fields: dict[str, Any], said: str
) -> None:
    site.served["/net"].content = OTHER
    card = _card(site, published_hash=f"md5:{hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()}", **fields)
    with pytest.raises(WrongContent, match=said):
        _get(store, card)
    assert _nothing_is_left(store, card)


@pytest.mark.parametrize("fields", [{}, {"size": None, "sha256": None}])
def test_server_that_never_sends_all_it_claims_is_given_up(
    store: ModelStore, site: Site, fields: dict[str, Any]
) -> None:
    site.served["/net"] = Served(CONTENT[:-1000], ranges=False, claimed=len(CONTENT))
    card = _card(site, **fields)
    with pytest.raises(NoConnection, match="broke off"):
        _get(store, card)
    assert store.installed(card) is None
    assert len(site.asked) <= 6
    site.served["/net"] = Served(CONTENT)
    assert _get(store, card) == CONTENT


def test_file_in_chunks_comes_whole_and_a_cut_one_is_noticed(store: ModelStore, site: Site) -> None:
    site.served["/net"] = Served(CONTENT, chunked=True, ranges=False, drop_after=[1000, 500_000])
    assert _get(store, _card(site, size=None, sha256=None)) == CONTENT
    assert len(site.asked) == 3


def test_busy_server_is_asked_again_and_a_missing_file_is_not(store: ModelStore, site: Site) -> None:
    site.served["/net"].statuses = [503, 429]
    assert _get(store, _card(site)) == CONTENT
    with pytest.raises(ModelError, match="404"):
        _get(store, fetched_card(download_of(site.url("/no"), CONTENT), model_id="other"))
    assert len(site.asked) == 4


@pytest.mark.parametrize(
    "target", ["http://example.org/net", "file:///etc/passwd", "ftp://example.org/net", "https://me:word@example.org/"]
)
def test_redirect_to_anything_but_https_is_refused(store: ModelStore, site: Site, target: str) -> None:
    site.served["/net"].redirect = target
    # Python itself refuses some schemes.
    with pytest.raises(ModelError, match="not https|302"):
        _get(store, _card(site))
    assert _nothing_is_left(store, _card(site))


def test_http_is_refused_before_anything_is_asked(tmp_path: Path, site: Site) -> None:
    with pytest.raises(ModelError, match="not https"):
        _get(ModelStore(tmp_path / "store"), _card(site))
    assert site.asked == []


def test_web_page_of_a_network_that_wants_a_sign_in_is_not_taken_for_the_file(store: ModelStore, site: Site) -> None:
    site.served["/net"] = Served(b"<html>Welcome</html>", kind="text/html; charset=utf-8")
    with pytest.raises(ModelError, match="web page"):
        _get(store, _card(site, size=None, sha256=None))
    assert _nothing_is_left(store, _card(site))


def test_proxy_of_the_environment_is_used(store: ModelStore, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with local_web_server() as proxy:
        proxy.served[site.url("/net")] = Served(CONTENT)
        monkeypatch.setenv("http_proxy", proxy.address)
        monkeypatch.setenv("no_proxy", "")
        assert _get(store, _card(site)) == CONTENT
        assert proxy.asked == [(site.url("/net"), None)]
    assert site.asked == []


def test_without_a_published_hash_the_first_download_is_the_measure_of_later_ones(
    store: ModelStore, site: Site
) -> None:
    card = _card(site, size=None, sha256=None)
    assert _get(store, card) == CONTENT
    store.remove(card.id, Progress())
    site.served["/net"].content = CONTENT[:-1] + b"!"
    with pytest.raises(WrongContent, match="came from there before"):
        _get(store, card)
    assert store.installed(card) is None
    assert _get(store, card, accept_changed=True) == site.served["/net"].content


def test_silent_server_does_not_hold_up_a_cancel(store: ModelStore, site: Site) -> None:
    served = site.served["/net"]
    served.hold_after = 100_000
    part = store.layout.part(site.url("/net"))
    asked: list[bool] = []

    def is_cancelled() -> bool:
        # Not at once, when the last bytes are told of, but while nothing comes any more.
        if part.exists() and part.stat().st_size == served.hold_after:
            asked.append(True)
        return len(asked) > 3

    with pytest.raises(Cancelled):
        _get(store, _card(site), Progress(is_cancelled=is_cancelled))
    assert not served.released.is_set() and part.stat().st_size == served.hold_after
    served.released.set()


def test_licence_is_asked_once_and_before_anything_is_fetched(store: ModelStore, site: Site) -> None:
    shown: list[str] = []

    def answer(yes: bool) -> Callable[[ModelCard], bool]:
        return lambda card: shown.append(card.licence) is None and yes

    with pytest.raises(LicenceNotAccepted, match="MIT"):
        store.get(_card(site), answer(False), Progress())
    assert site.asked == [] and not store.licence_is_accepted(_card(site))
    store.get(_card(site), answer(True), Progress())
    store.remove("a-net", Progress())
    store.get(_card(site), answer(False), Progress())
    assert shown == ["MIT", "MIT"]


def test_no_room_is_said_before_anything_is_fetched(
    store: ModelStore, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=65 << 20))
    with pytest.raises(OutputError, match="room"):
        _get(store, _card(site))
    assert site.asked == []
    with pytest.raises(OutputError, match="room"):
        _get(store, _card(site, size=None, sha256=None))
    assert store.installed(_card(site)) is None


@pytest.mark.skipif(os.name == "nt", reason="the size of files cannot be limited")
def test_disk_that_fills_up_leaves_nothing_broken(store: ModelStore, site: Site) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, hard))
    try:
        with pytest.raises(OutputError, match="Could not write"):
            _get(store, _card(site))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert store.installed(_card(site)) is None
    assert _get(store, _card(site)) == CONTENT


def _start(folder: Path, url: str) -> subprocess.Popen[str]:
    here = Path(__file__).resolve()
    command = [sys.executable, "-c", GET, str(folder), url, str(here.parent), str(here.parents[2])]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_that_want_one_model_fetch_it_once(store: ModelStore, site: Site) -> None:
    served = site.served["/net"]
    served.hold_after = 100_000
    processes = [_start(store.layout.root, site.url("/net")) for _ in range(2)]
    assert served.holding.wait(60)
    served.released.set()
    answers = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], answers
    assert answers[0][0] == answers[1][0]
    assert len(site.asked) == 1


@pytest.mark.skipif(os.name == "nt", reason="a process is killed by a signal")
def test_download_of_a_killed_process_is_taken_over(store: ModelStore, site: Site) -> None:
    served = site.served["/net"]
    served.hold_after = 800_000
    process = _start(store.layout.root, site.url("/net"))
    assert served.holding.wait(60)
    part = store.layout.part(site.url("/net"))
    with contextlib.suppress(subprocess.TimeoutExpired):
        while not (part.exists() and part.stat().st_size > 0):
            process.wait(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    served.hold_after = None
    served.released.set()
    assert _get(store, _card(site)) == CONTENT
    assert site.asked[-1][1] is not None
