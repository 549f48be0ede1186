"""The file of one reader: a line an action, written through to the disk before the next one is taken.

Each line carries a mark made of itself and of the line before, so that a line that was changed or taken out is seen.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from AIImagingLogic.records.atomic_files import output_error
from AIImagingLogic.records.held_file import HeldFile
from AIImagingLogic.records.json_form import SCHEMA_VERSION
from AIImagingLogic.records.reading import ReadingAction, ReadingError

_CHAIN = "chain"
_CHAIN_LENGTH = 16
_FIELDS = frozenset(field.name for field in fields(ReadingAction))


class ReadingLog:
    """The file, held for writing: nobody else can open it for writing until `close`, or the end of the program.

    Attributes
    ----------
    actions : all whole lines
    cut_bytes : how much of a last line was found that had been cut off by a crash; it was taken away

    Raises
    ------
    ReadingError
        Another program has it open, or a line is damaged.
    OutputError
        It cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._held = HeldFile(path.with_suffix(".lock"))
        except BlockingIOError as error:
            raise ReadingError(
                f"'{path.stem}' is reading in another program already.", "Close it there, or choose another reader."
            ) from error
        try:
            self.actions, self._chain, whole, self.cut_bytes = _read(path)
            self._file = path.open("ab", buffering=0)
            if self.cut_bytes:
                self._file.truncate(whole)
        except OSError as error:
            self._held.release()
            raise output_error(path, error) from error
        except ReadingError:
            self._held.release()
            raise

    def append(self, action: ReadingAction) -> ReadingAction:
        """Write an action, numbered; return it when it is on the disk.

        Raises
        ------
        OutputError
            It could not be written; the file is as it was.
        """
        action = replace(action, number=len(self.actions) + 1)
        content = _shortened(action)
        chain = _chain(self._chain, content)
        line = json.dumps({**content, _CHAIN: chain}, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        # Not where the file is written next: after a cut line was taken away, that is beyond the end.
        size = os.fstat(self._file.fileno()).st_size
        try:
            _write_all(self._file, (line + "\n").encode())
            os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(size)
            raise output_error(self._path, error) from error
        self._chain = chain
        self.actions = (*self.actions, action)
        return action

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
        self._held.release()


def read_log(path: Path) -> tuple[ReadingAction, ...]:
    """Return the whole lines of a reader's file, without holding it; a last line that was cut off is left out.

    Raises
    ------
    ReadingError
        A line is damaged, was changed, or is missing.
    OSError
        It cannot be read.
    """
    return _read(path)[0]


def _read(path: Path) -> tuple[tuple[ReadingAction, ...], str, int, int]:
    """Return actions, the mark of the last line, the bytes of whole lines, and those of a cut one."""
    content = path.read_bytes() if path.exists() else b""
    whole = content.rfind(b"\n") + 1
    actions: list[ReadingAction] = []
    chain = ""
    for number, line in enumerate(content[:whole].splitlines(), 1):
        try:
            data = json.loads(line)
            found = data.pop(_CHAIN)
            action = ReadingAction.from_json(data)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ReadingError(f"'{path}', line {number} cannot be read.", _ADVICE) from error
        chain = _chain(chain, data)
        if found != chain or action.number != number:
            raise ReadingError(f"'{path}' was changed at line {number}, or before it a line is missing.", _ADVICE)
        actions.append(action)
    return tuple(actions), chain, whole, len(content) - whole


def _shortened(action: ReadingAction) -> dict[str, Any]:
    """Return the action as JSON data, without what it does not say."""
    data = action.to_json()
    content = {name: value for name, value in data.items() if name in _FIELDS and value not in (None, "", [])}
    return {"schema_version": SCHEMA_VERSION, **content}


def _chain(before: str, content: dict[str, Any]) -> str:
    text = before + json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_CHAIN_LENGTH]


def _write_all(file: Any, content: bytes) -> None:
    view: Sequence[int] = memoryview(content)
    while len(view):
        view = view[file.write(view) :]


_ADVICE = "Keep a copy of the file as it is and look at that line; the lines before it are whole."
