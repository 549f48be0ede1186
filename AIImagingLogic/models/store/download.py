"""One file from the web: resumed where it broke off, and checked against its size and hashes while it comes."""

from __future__ import annotations

import hmac
import http.client
import re
import time
from dataclasses import dataclass

from AIImagingLogic.models.card import Download
from AIImagingLogic.models.store.disk_space import check_room, size_text
from AIImagingLogic.models.store.part_file import PartFile
from AIImagingLogic.models.store.stream import Stream
from AIImagingLogic.models.store.web import NoConnection, RangeRefused, Web
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress

# Connections that brought nothing, in a row, after which the user is told.
_TRIES = 4
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


@dataclass(frozen=True)
class Fetched:
    """What came of an address: bytes and SHA-256."""

    size: int
    sha256: str


class WrongContent(ModelError):  # noqa: N818 - named as the user is told
    """What came is not the file that the card names."""


class Downloader:
    """Fetches one file into a part.

    Parameters
    ----------
    item : Download
    known : Fetched or None
        What came of this address at an earlier time; None at the first.
    part : PartFile
    web : Web
    pause_s : float
        Seconds before the second try; doubled for each further one.
    """

    def __init__(self, item: Download, known: Fetched | None, part: PartFile, web: Web, pause_s: float = 1.0) -> None:
        self._item = item
        self._part = part
        self._web = web
        self._pause_s = pause_s
        if item.sha256:
            known = None
        self._size = item.size if item.size is not None else (known.size if known else None)
        self._sha256 = item.sha256 or (known.sha256 if known else None)
        kind, _, self._other_hash = item.published_hash.partition(":")
        self._kinds: tuple[str, ...] = ("sha256", kind) if kind else ("sha256",)
        self._host = item.url.split("/")[2]

    def fetch(self, progress: Progress) -> Fetched:
        """Return what came; the part then holds the whole file.

        Raises
        ------
        NoConnection
            The server could not be reached, or broke off again and again; what came is kept for the next time.
        WrongContent
            It is not the file that the card names, or that came of this address before; nothing is kept.
        OutputError
            The disk is full or gone.
        Cancelled
            The user cancelled; what came is kept for the next time.
        """
        failures = 0
        while True:
            before = self._part.size()
            try:
                return self._attempt(before, progress)
            except NoConnection:
                failures = 1 if self._part.size() > before else failures + 1
                if failures >= _TRIES:
                    raise
                self._wait(failures, progress)
            except (WrongContent, RangeRefused):
                # Two versions of a file may have been joined: once more from the start tells.
                self._part.remove()
                if before == 0:
                    raise

    def _attempt(self, start: int, progress: Progress) -> Fetched:
        if self._part.whole() or (start > 0 and start == self._size):
            return self._checked(start, self._part.hashes(self._kinds, progress))
        headers = {}
        validator = self._part.validator()
        if start > 0 and (validator or self._sha256) and (self._size is None or start < self._size):
            headers["Range"] = f"bytes={start}-"
            if validator:
                headers["If-Range"] = validator
        with Stream(lambda: self._web.open(self._item.url, headers), progress) as stream:
            return self._receive(stream, start if headers else 0, progress)

    def _receive(self, stream: Stream, start: int, progress: Progress) -> Fetched:
        answer = stream.answer()
        start, whole = self._extent(answer, start)
        if whole is not None:
            check_room(self._part.path.parent, whole - start)
        writer = self._part.go_on(self._kinds, progress) if start else self._part.begin(self._kinds)
        if not start:
            self._part.note(_validator(answer))
        with writer:
            for chunk in stream.chunks():
                start += len(chunk)
                if whole is not None and start > whole:
                    raise self._wrong(f"is longer than {size_text(whole)}", whole)
                writer.write(chunk)
                progress.report(start / whole if whole else 0.0, self._message(start, whole))
        if whole is not None and start < whole:
            raise NoConnection(
                f"'{self._host}' broke off after {size_text(start)} of {size_text(whole)}.",
                "Run again: it goes on from there.",
            )
        return self._checked(start, writer.hashes())

    def _extent(self, answer: http.client.HTTPResponse, start: int) -> tuple[int, int | None]:
        """Return at which byte the answer begins and how long the whole file is; None when the server does not say."""
        whole: int | None
        if answer.status == http.client.PARTIAL_CONTENT:
            found = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
            if found is None or int(found[1]) != start or start == 0:
                raise RangeRefused(self._item.url)
            whole = int(found[2])
        else:
            start, whole = 0, _length(answer)
            if answer.headers.get_content_type() == "text/html" and not self._item.path.endswith((".html", ".htm")):
                raise ModelError(
                    f"'{self._host}' answered with a web page instead of the file.",
                    "Sign in to the network, or look at the model's home page and import the file by hand.",
                )
        if self._size is not None and whole is not None and whole != self._size:
            raise self._wrong(f"has {whole} bytes instead of {self._size}", self._item.size)
        if whole is None and self._size is None and self._sha256 is None and not answer.chunked:
            raise ModelError(f"'{self._host}' does not say how long the file is.", "Import the file by hand.")
        return start, whole if whole is not None else self._size

    def _checked(self, size: int, hashes: tuple[str, ...]) -> Fetched:
        if self._size is not None and size != self._size:
            raise self._wrong(f"has {size} bytes instead of {self._size}", self._item.size)
        if self._sha256 and not hmac.compare_digest(hashes[0], self._sha256):
            how = f"has the SHA-256 {hashes[0][:12]}… instead of {self._sha256[:12]}…"
            raise self._wrong(how, self._item.sha256)
        if self._other_hash and not hmac.compare_digest(hashes[1], self._other_hash):
            how = f"has the {self._kinds[1].upper()} {hashes[1][:12]}… instead of {self._other_hash[:12]}…"
            raise self._wrong(how, self._other_hash)
        self._part.note_whole()
        return Fetched(size, hashes[0])

    def _wrong(self, how: str, published: int | str | None) -> WrongContent:
        """Return the error for a file that differs from what is `published`, or from an earlier download (None)."""
        if published is not None:
            what, advice = "the file that the model's card names", "It is not used. Tell who published the card."
        else:
            what, advice = (
                "the file that came from there before",
                "It is not used. When its publisher says that it was replaced, get it with --accept-changed.",
            )
        return WrongContent(f"'{self._item.url}' is not {what}: it {how}.", advice)

    def _message(self, done: int, whole: int | None) -> str:
        name = self._item.url.rsplit("/", 1)[-1][:40]
        return f"Fetching {name}: {size_text(done)}" + (f" of {size_text(whole)}" if whole else "")

    def _wait(self, failures: int, progress: Progress) -> None:
        until = time.monotonic() + self._pause_s * 2 ** (failures - 1)
        while (left := until - time.monotonic()) > 0:
            progress.check_cancelled()
            time.sleep(min(left, 0.1))


def _length(answer: http.client.HTTPResponse) -> int | None:
    # Of the headers: `answer.length` falls while another thread reads the body.
    stated = answer.headers.get("Content-Length", "")
    return int(stated) if stated.isdecimal() and not answer.chunked else None


def _validator(answer: http.client.HTTPResponse) -> str:
    """Return what tells this version of the file from another; a weak tag may stand for other bytes."""
    tag = answer.headers.get("ETag", "")
    return tag if tag.startswith('"') else answer.headers.get("Last-Modified", "")
