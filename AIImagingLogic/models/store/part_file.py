"""A download that is not whole yet: the bytes that came, and what is known of the file that they begin."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

from AIImagingLogic.models.store.manifest import CHUNK
from AIImagingLogic.records.atomic_files import make_folder, output_error
from AIImagingLogic.records.progress import Progress


class PartFile:
    """The part at `path`; its size is the truth about how much came, the file beside it says of what."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._about = path.with_suffix(".json")

    def begin(self, kinds: tuple[str, ...]) -> PartWriter:
        """Throw away what came and write from the start, with running hashes of `kinds`."""
        self.remove()
        make_folder(self.path.parent)
        return PartWriter(self.path, "wb", tuple(hashlib.new(kind, usedforsecurity=False) for kind in kinds))

    def go_on(self, kinds: tuple[str, ...], progress: Progress) -> PartWriter:
        """Write after what came, which is read once more for the running hashes of `kinds`."""
        return PartWriter(self.path, "ab", self._digests(kinds, progress))

    def hashes(self, kinds: tuple[str, ...], progress: Progress) -> tuple[str, ...]:
        """Return the hashes of what came, in hexadecimal digits."""
        return tuple(digest.hexdigest() for digest in self._digests(kinds, progress))

    def size(self) -> int:
        """Return how many bytes came."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def validator(self) -> str:
        """Return what the server called this version of the file, empty when unknown."""
        return str(self._known().get("validator", ""))

    def whole(self) -> bool:
        """Return True when all of it came and was checked."""
        return self._known().get("whole") == self.size() > 0

    def note(self, validator: str) -> None:
        """Keep what the server calls this version of the file."""
        self._keep({"validator": validator})

    def note_whole(self) -> None:
        """Keep that nothing is missing, so that the next run does not ask the server again."""
        self._keep({"validator": self.validator(), "whole": self.size()})

    def _digests(self, kinds: tuple[str, ...], progress: Progress) -> tuple[Any, ...]:
        digests = tuple(hashlib.new(kind, usedforsecurity=False) for kind in kinds)
        with self.path.open("rb") as file:
            while chunk := file.read(CHUNK):
                progress.check_cancelled()
                for digest in digests:
                    digest.update(chunk)
        return digests

    def _known(self) -> dict[str, Any]:
        # Damaged notes cost a fresh download, nothing else: what came is then not gone on with.
        try:
            data = json.loads(self._about.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}

    def _keep(self, data: dict[str, Any]) -> None:
        try:
            self._about.write_text(json.dumps(data), encoding="utf-8")
        except OSError as error:
            raise output_error(self._about, error) from error

    def remove(self) -> None:
        """Delete the part and what is known of it."""
        for path in (self.path, self._about):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()


class PartWriter:
    """Appends to a part and hashes as it goes."""

    def __init__(self, path: Path, mode: str, digests: tuple[Any, ...]) -> None:
        self._path = path
        self._digests = digests
        try:
            self._file = path.open(mode)
        except OSError as error:
            raise output_error(path, error) from error

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(self, *_: object) -> None:
        # What could not be flushed was reported by `write` or is missing from the size that the caller checks.
        with contextlib.suppress(OSError):
            self._file.close()

    def hashes(self) -> tuple[str, ...]:
        """Return the hashes of the whole part so far, in hexadecimal digits."""
        return tuple(digest.hexdigest() for digest in self._digests)

    def write(self, chunk: bytes) -> None:
        """Append `chunk`.

        Raises
        ------
        OutputError
            The disk is full or gone.
        """
        write_bytes(self._file, chunk, self._path)
        for digest in self._digests:
            digest.update(chunk)


def write_bytes(file: Any, chunk: bytes, path: Path) -> None:
    """Write `chunk` through to the system, with the error that a user understands.

    Raises
    ------
    OutputError
        The disk is full or gone.
    """
    try:
        file.write(chunk)
        file.flush()
    except OSError as error:
        raise output_error(path, error) from error
