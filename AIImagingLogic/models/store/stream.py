"""The body of an answer, read on a thread of its own, so that a silent server cannot hold up a cancel."""

from __future__ import annotations

import contextlib
import http.client
import queue
import threading
from collections.abc import Callable, Iterator

from AIImagingLogic.models.store.web import NoConnection
from AIImagingLogic.records.progress import Progress

_CHUNK = 1 << 18
_WAITING_CHUNKS = 8
_CHECK_SECONDS = 0.2

Open = Callable[[], http.client.HTTPResponse]


class Stream:
    """Opens an address on a thread and hands over what comes.

    Use as a context manager: leaving it ends the connection.
    """

    def __init__(self, connect: Open, progress: Progress) -> None:
        self._progress = progress
        self._queue: queue.Queue[http.client.HTTPResponse | bytes | Exception | None] = queue.Queue(_WAITING_CHUNKS)
        self._left = threading.Event()
        threading.Thread(target=self._read, args=(connect,), name="model-download", daemon=True).start()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()

    def answer(self) -> http.client.HTTPResponse:
        """Return the answer, for its status and headers.

        Raises
        ------
        ModelError, Cancelled
            The server refuses or cannot be reached; the user cancelled.
        """
        first = self._next()
        assert isinstance(first, http.client.HTTPResponse)
        return first

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it comes.

        Raises
        ------
        NoConnection
            It broke off.
        Cancelled
            The user cancelled.
        """
        while isinstance(chunk := self._next(), bytes):
            yield chunk

    def _next(self) -> http.client.HTTPResponse | bytes | None:
        while True:
            self._progress.check_cancelled()
            with contextlib.suppress(queue.Empty):
                item = self._queue.get(timeout=_CHECK_SECONDS)
                if isinstance(item, Exception):
                    raise item
                return item

    def _read(self, connect: Open) -> None:
        try:
            with connect() as answer:
                self._hand_over(answer)
                while not self._left.is_set():
                    chunk = answer.read1(_CHUNK)
                    if not chunk:
                        break
                    self._hand_over(chunk)
            self._hand_over(None)
        except (OSError, http.client.HTTPException) as error:
            self._hand_over(NoConnection(f"The connection broke off: {error or type(error).__name__}.", "Run again."))
        except Exception as error:  # noqa: BLE001 - raised again where the body is read
            self._hand_over(error)

    def _hand_over(self, item: http.client.HTTPResponse | bytes | Exception | None) -> None:
        while not self._left.is_set():
            with contextlib.suppress(queue.Full):
                self._queue.put(item, timeout=_CHECK_SECONDS)
                return
