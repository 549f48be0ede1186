"""A result that has arrived from a worker and is not decoded yet: JSON text, and its images in shared memory."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from typing import Any


class SentResult:
    """Holds a result until it is asked for, so that nothing heavy happens before.

    Parameters
    ----------
    body : JSON of the result
    kind : ``module:Class`` of the record, empty for plain JSON data
    images : where each image lies in `memory`
    memory : shared with the worker; None when there are no images
    on_release : called once when the memory is needed no more
    """

    def __init__(
        self,
        body: bytes,
        kind: str,
        images: list[dict[str, Any]],
        memory: mmap.mmap | None,
        on_release: Callable[[], None],
    ) -> None:
        self._body = body
        self._kind = kind
        self._images = images
        self._memory = memory
        self._on_release: Callable[[], None] | None = on_release

    def decode(self) -> Any:
        """Return the result and let the shared memory go. Imports SimpleITK."""
        from AIImagingLogic.jobs.record_form import decoded_result

        try:
            return decoded_result(self._body, self._kind, self._images, self._memory)
        finally:
            self.release()

    def release(self) -> None:
        """Let the shared memory go."""
        released, self._on_release = self._on_release, None
        self._memory = None
        if released is not None:
            released()
