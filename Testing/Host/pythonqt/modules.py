"""The modules `qt` and `ctk`: every class of Qt under one name, and the stand-ins for CTK's widgets."""

from __future__ import annotations

import types
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from Testing.Host.pythonqt.instances import ClassWrapper, wrapper_class

_REFUSED = {
    "Signal": "PythonQt classes of a module declare no signals: keep callbacks, or a small observer class",
    "Slot": "PythonQt needs no slots: connect any callable",
    "Property": "PythonQt classes of a module declare no Qt properties",
    "QtCore": "all classes are in qt itself",
    "QtGui": "all classes are in qt itself",
    "QtWidgets": "all classes are in qt itself",
}


class QtModule(types.ModuleType):
    """`qt`: classes of QtCore, QtGui and QtWidgets, wrapped when they are first asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in _REFUSED:
            raise AttributeError(f"module 'qt' has no attribute '{name}' ({_REFUSED[name]})")
        for module in (QtCore, QtGui, QtWidgets):
            found = getattr(module, name, None)
            if isinstance(found, type):
                made = wrapper_class(found)
                setattr(self, name, made)
                return made
        raise AttributeError(f"module 'qt' has no attribute '{name}'")


class StandInModule(types.ModuleType):
    """`ctk`, or what `slicer` gets: the classes that the host stands in for, and a clear error for the others."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(f"module '{self.__name__}' has no attribute '{name}' (not in Slicer, or not in this host)")


def make_qt(loader: type) -> types.ModuleType:
    """Return the module `qt`; `loader` is its QUiLoader."""
    module = QtModule("qt")
    module.QUiLoader = loader  # type: ignore[attr-defined]
    return module


def make_ctk(stand_ins: list[type]) -> types.ModuleType:
    """Return the module `ctk` with the wrapped stand-ins."""
    module = StandInModule("ctk")
    for kind in stand_ins:
        setattr(module, kind.__name__, wrapper_class(kind))
    return module


def is_wrapper_class(value: Any) -> bool:
    """Return whether a value is a wrapper class."""
    return isinstance(value, ClassWrapper)
