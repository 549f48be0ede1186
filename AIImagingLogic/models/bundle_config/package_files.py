"""Functions of expressions that put paths together or read a file of the package; nothing outside it is seen."""

from __future__ import annotations

import copy
import json
import posixpath
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from AIImagingLogic.models.bundle_config.expressions import RefusedExpressionError
from AIImagingLogic.models.bundle_config.reading import refuse_absurd
from AIImagingLogic.models.safety.limits import limit


class PathText(str):
    """A path put together by an expression: text, that can be joined by ``/``."""

    def __truediv__(self, other: str) -> PathText:
        return PathText(posixpath.join(self, other))


class PackageFiles:
    """Paths and small files of one package.

    Parameters
    ----------
    package : Path
        Folder of the package; what lies outside it is not read, nor told whether it is there.
    """

    def __init__(self, package: Path) -> None:
        self._package = package.resolve()
        self._functions: dict[str, Callable[..., Any]] = {
            "os.path.join": lambda *parts: posixpath.join(*(_text(part) for part in parts)),
            "os.path.basename": lambda path: posixpath.basename(_text(path)),
            "os.path.dirname": lambda path: posixpath.dirname(_text(path)),
            "os.path.exists": self._exists,
            "os.path.isfile": self._exists,
            "pathlib.Path": lambda *parts: PathText(posixpath.join(*(_text(part) for part in parts))),
            "json.loads": self._json,
            "copy.deepcopy": copy.deepcopy,
            "copy.copy": copy.copy,
        }

    def knows(self, full: str) -> bool:
        """Return whether a function is one of these."""
        return full in self._functions

    def call(self, full: str, positional: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        """Return what the function gives."""
        return self._functions[full](*positional, **named)

    def inside(self, path: Any) -> Path:
        """Return the path of a file of the package.

        Raises
        ------
        RefusedExpressionError
            It leads out of the package, links followed.
        """
        found = (self._package / _text(path)).resolve()
        if not found.is_relative_to(self._package):
            raise RefusedExpressionError(f"a file outside the package ({str(path)[:80]})")
        return found

    def read_text(self, path: Any) -> str:
        """Return the text of a small file of the package."""
        found = self.inside(path)
        if not found.is_file() or found.stat().st_size > limit("config_bytes"):
            raise RefusedExpressionError(f"a file that is missing or too large ({found.name})")
        return found.read_text(encoding="utf-8")

    def _exists(self, path: Any) -> bool:
        found = (self._package / _text(path)).resolve()
        return found.is_relative_to(self._package) and found.exists()

    def _json(self, text: Any) -> Any:
        content = json.loads(_text(text))
        refuse_absurd(content, "JSON read by an expression")
        return content


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise RefusedExpressionError("a path that is not text")
    return value
