"""How a stand-in declares properties that it only keeps."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore


def kept_property(kind: Any, name: str, default: Any, after: str | None = None) -> Any:
    """Return a Qt property that keeps its value; `after` names a method to call when it changed."""

    def read(self: Any) -> Any:
        return self.__dict__.setdefault("_kept", {}).get(name, default)

    def write(self: Any, value: Any) -> None:
        self.__dict__.setdefault("_kept", {})[name] = value
        if after is not None:
            getattr(self, after)()

    return QtCore.Property(kind, read, write)
