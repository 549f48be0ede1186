"""Messages between the application and a worker: a JSON header, raw bytes, and open files (POSIX)."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

_LENGTHS = struct.Struct("!IQ")
_PART = 1 << 20
_MOST_FILES = 8


@dataclass(frozen=True)
class Message:
    """What came through: `header` (JSON), `body` (bytes), `files` (open file descriptors, now the receiver's)."""

    header: dict[str, Any]
    body: bytes = b""
    files: tuple[int, ...] = field(default=())


class _Link(Protocol):
    """Bytes to and from the other side."""

    def send(self, data: bytes, files: Sequence[int]) -> None: ...

    def receive(self, most: int, files: list[int]) -> bytes: ...

    def close(self) -> None: ...


class Channel:
    """Both directions between two processes. Several threads may send; one thread receives."""

    def __init__(self, link: _Link) -> None:
        self._link = link
        self._sending = threading.Lock()
        self._files: list[int] = []

    def send(self, header: dict[str, Any], body: bytes = b"", files: Sequence[int] = ()) -> None:
        """Send a message.

        Raises
        ------
        OSError
            The other side is gone.
        """
        text = json.dumps({**header, "files": len(files)}, ensure_ascii=False).encode()
        with self._sending:
            self._link.send(_LENGTHS.pack(len(text), len(body)) + text, files)
            if body:
                self._link.send(body, ())

    def receive(self) -> Message | None:
        """Wait for a message and return it; None when the other side closed or is gone."""
        lengths = self._read(_LENGTHS.size)
        if lengths is None:
            return None
        header_length, body_length = _LENGTHS.unpack(lengths)
        text = self._read(header_length)
        body = self._read(body_length) if text is not None else None
        if text is None or body is None:
            return None
        header = json.loads(text)
        number = header.pop("files")
        files, self._files = self._files[:number], self._files[number:]
        return Message(header, bytes(body), tuple(files))

    def close(self) -> None:
        """Close this side; the other side's `receive` returns None."""
        self._link.close()

    def _read(self, length: int) -> bytearray | None:
        data = bytearray()
        while len(data) < length:
            try:
                part = self._link.receive(min(length - len(data), _PART), self._files)
            except OSError:
                return None
            if not part:
                return None
            data += part
        return data


class SocketLink:
    """A Unix socket, which carries open files too."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def send(self, data: bytes, files: Sequence[int]) -> None:
        sent = socket.send_fds(self._socket, [data], list(files)) if files else 0
        if sent < len(data):
            self._socket.sendall(memoryview(data)[sent:])

    def receive(self, most: int, files: list[int]) -> bytes:
        data, received, _, _ = socket.recv_fds(self._socket, most, _MOST_FILES)
        for descriptor in received:
            os.set_inheritable(descriptor, False)
        files.extend(received)
        return data

    def close(self) -> None:
        # Wakes a thread that waits in `receive`, which closing alone would not.
        with contextlib.suppress(OSError):  # the other side was first
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class PipeLink:
    """Two pipes, where sockets carry no files (Windows)."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing

    def send(self, data: bytes, files: Sequence[int]) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._writing, rest) :]

    def receive(self, most: int, files: list[int]) -> bytes:
        return os.read(self._reading, most)

    def close(self) -> None:
        for descriptor in (self._writing, self._reading):
            os.close(descriptor)


def channel_of_worker() -> Channel:
    """Return the worker's end, taken off standard input and output, which then lead nowhere and to the log.

    A stray print, of Python or of a library in C, can then not break into the messages.
    """
    if sys.platform == "win32":
        link: _Link = PipeLink(os.dup(0), os.dup(1))
    else:
        link = SocketLink(socket.socket(fileno=os.dup(0)))
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    os.dup2(2, 1)
    return Channel(link)
