"""What a class offers to PythonQt: its properties, signals, slots and enums, looked up in PythonQt's order."""

from __future__ import annotations

import enum
import inspect
from functools import cache
from typing import Any

from PySide6 import QtCore

PROPERTY, SIGNAL, SLOT, STATIC, ENUM_VALUE, ENUM_TYPE, NESTED = (
    "property",
    "signal",
    "slot",
    "static",
    "enum value",
    "enum type",
    "nested class",
)
# What PySide6 adds to Qt, or what PythonQt leaves out.
_PYSIDE_ONLY = {"staticMetaObject", "destroyed_", "receivers", "emit", "connect", "disconnect", "sender"}


def is_native(kind: type) -> bool:
    """Whether a class is Qt's own, not a stand-in of the host."""
    return kind.__module__.startswith(("PySide6", "shiboken6", "Shiboken"))


def class_of(target: Any) -> Any:
    """Return the class of a PySide6 object."""
    return type(target)


def native_base(kind: type) -> type:
    """Return the nearest class of Qt that a class is, or comes from."""
    return next(base for base in kind.__mro__ if is_native(base))


@cache
def member_kind(kind: Any, name: str) -> str | None:
    """Return what `name` is on instances of a PySide6 class, None where PythonQt finds nothing.

    A property hides a method of the same name, as in PythonQt: that is why ``label.text()`` fails there.
    """
    if name.startswith("_") or name in _PYSIDE_ONLY:
        return None
    if property_name(kind, name) is not None:
        return PROPERTY
    for base in kind.__mro__:
        if is_native(base):
            return _native_kind(base, name)
        found = _stand_in_kind(base, name)
        if found is not None:
            return found
    return None


@cache
def property_name(kind: Any, name: str) -> str | None:
    """Return the Qt property that `name` stands for (``name`` is ``objectName``), None where there is none."""
    meta = getattr(kind, "staticMetaObject", None)
    # PythonQt leaves this one out: it would hide the static method.
    if meta is None or (name == "singleShot" and kind is QtCore.QTimer):
        return None
    if meta.indexOfProperty(name) >= 0:
        return name
    return "objectName" if name == "name" and meta.indexOfProperty("objectName") >= 0 else None


@cache
def signals_of(kind: Any) -> dict[str, str]:
    """Return the signatures that the module may use, each with the one that Qt knows here, own class first."""
    signatures: dict[str, str] = {}
    for base in kind.__mro__:
        signatures.update({k: v for k, v in base.__dict__.get("CPP_SIGNALS", {}).items() if k not in signatures})
    hidden = {qt.split("(")[0] for qt in signatures.values()}
    meta = kind.staticMetaObject
    for index in reversed(range(meta.methodCount())):
        method = meta.method(index)
        if method.methodType() == QtCore.QMetaMethod.MethodType.Signal:
            signature = method.methodSignature().data().decode()
            if "PyObject" not in signature and signature.split("(")[0] not in hidden:
                signatures.setdefault(signature, signature)
    return signatures


def _native_kind(kind: type, name: str) -> str | None:
    found = getattr(kind, name, None)
    if found is None:
        return None
    if isinstance(found, QtCore.Signal):
        return SIGNAL
    if isinstance(found, enum.Enum):
        return ENUM_VALUE
    if isinstance(found, type):
        return ENUM_TYPE if issubclass(found, enum.Enum) else NESTED
    if not callable(found):
        return None
    return STATIC if inspect.isbuiltin(found) else SLOT


def _stand_in_kind(kind: type, name: str) -> str | None:
    """Only what C++ declares as property, signal, slot or invokable reaches PythonQt, so only that is seen here."""
    if name in kind.__dict__.get("CPP_ENUMS", {}):
        return ENUM_VALUE
    if any(signature.split("(")[0] == name for signature in kind.__dict__.get("CPP_SIGNALS", {})):
        return SIGNAL
    found = kind.__dict__.get(name)
    if isinstance(found, QtCore.Signal):
        return SIGNAL
    if isinstance(found, staticmethod):
        return STATIC
    return SLOT if getattr(found, "_is_cpp_slot", False) else None


def cpp_slot(function: Any) -> Any:
    """Mark a method of a stand-in as a slot or invokable of the C++ class: the module may call it."""
    function._is_cpp_slot = True
    return function
