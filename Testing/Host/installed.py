"""Puts the stand-ins where modules look for them, and takes them away again."""

from __future__ import annotations

import sys
import types
from typing import Any

_ABSENT = object()


class Installed:
    """What was put into `sys.modules` and onto `slicer`, so that it can be undone."""

    def __init__(self) -> None:
        self._modules: dict[str, Any] = {}
        self._attributes: list[tuple[Any, str, Any]] = []

    def module(self, name: str, module: types.ModuleType) -> None:
        """Make a module importable; a submodule becomes an attribute of its package."""
        self._modules.setdefault(name, sys.modules.get(name, _ABSENT))
        sys.modules[name] = module
        package, _, own = name.rpartition(".")
        if package:
            self.attribute(sys.modules[package], own, module)

    def attribute(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute."""
        self._attributes.append((owner, name, vars(owner).get(name, _ABSENT)))
        setattr(owner, name, value)

    def undo(self) -> None:
        """Put everything back as it was."""
        for owner, name, value in reversed(self._attributes):
            if value is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, value)
        for name, module in self._modules.items():
            if module is _ABSENT:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module
        self._attributes.clear()
        self._modules.clear()


def forget_modules_of(folders: list[str]) -> None:
    """Forget what was imported from folders of modules, so that the next host reads it again."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if name.split(".")[0] != "Testing" and any(file.startswith(folder + "/") for folder in folders):
            del sys.modules[name]
