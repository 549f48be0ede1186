"""A web server on this computer that behaves badly on purpose, for tests of downloads."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """What the server does when asked for a path.

    Attributes
    ----------
    content : bytes
    drop_after : for each coming answer, after how many bytes of its body the connection is cut
    ranges : False to ignore Range
    compare : False to answer a Range although If-Range names another version
    shift : bytes by which the answer to a Range begins too late
    tagged : True for an ETag of the content
    claimed : Content-Length that is claimed instead of the true one
    chunked : True to send in chunks, without Content-Length
    statuses : for each coming answer, an error that comes instead
    redirect : address to redirect to
    kind : Content-Type
    hold_after : bytes after which the answer stops until `released`
    """

    content: bytes = b""
    drop_after: list[int] = field(default_factory=list)
    ranges: bool = True
    compare: bool = True
    shift: int = 0
    tagged: bool = True
    claimed: int | None = None
    chunked: bool = False
    statuses: list[int] = field(default_factory=list)
    redirect: str = ""
    kind: str = "application/octet-stream"
    hold_after: int | None = None
    holding: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def tag(self) -> str:
        return f'"{hashlib.sha256(self.content).hexdigest()[:16]}"'


class Site:
    """The server: `served` by path, and `asked`: path and Range of every request in order."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.served: dict[str, Served] = {}
        self.asked: list[tuple[str, str | None]] = []

    def url(self, path: str) -> str:
        return self.address + path


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:  # noqa: N802 - called by the standard library
        site: Site = self.server.site
        path = self.path.removeprefix(site.address)
        site.asked.append((self.path, self.headers.get("Range")))
        self.close_connection = True
        served = site.served.get(path)
        if served is None or served.statuses:
            self._empty(served.statuses.pop(0) if served else 404)
        elif served.redirect:
            self._empty(302, served.redirect)
        else:
            self._send(served)

    def _empty(self, status: int, location: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, served: Served) -> None:
        content, start = served.content, 0
        wanted, version = self.headers.get("Range"), self.headers.get("If-Range")
        if wanted and served.ranges and (version in (None, served.tag) or not served.compare):
            start = int(wanted.removeprefix("bytes=").rstrip("-")) + served.shift
            if start >= len(content):
                self._empty(416)
                return
        body = content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if served.tagged:
            self.send_header("ETag", served.tag)
        self.send_header("Content-Type", served.kind)
        if served.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        else:
            self.send_header("Content-Length", str(len(body) if served.claimed is None else served.claimed))
        self.end_headers()
        if served.drop_after:
            body = body[: served.drop_after.pop(0)]
        if served.hold_after is not None:
            self.wfile.write(body[: served.hold_after])
            self.wfile.flush()
            served.holding.set()
            served.released.wait(60)
            body = body[served.hold_after :]
        try:
            self.wfile.write(body)
        except OSError:
            # The other side has left, which tests do.
            return


@contextmanager
def local_web_server() -> Iterator[Site]:
    """Run a `Site` for the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    site = server.site = Site(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
