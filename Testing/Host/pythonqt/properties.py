"""Reading and writing Qt properties with PythonQt's conversions."""

from __future__ import annotations

import math
from typing import Any

import shiboken6
from PySide6 import QtCore

from Testing.Host.pythonqt.enums import EnumValue
from Testing.Host.pythonqt.members import class_of, is_native

_INTEGERS = {"int", "uint", "qlonglong", "qulonglong", "short", "ushort"}
_NUMBERS = {"double", "float"}


def _is_stand_ins(kind: type, name: str) -> bool:
    owner = next((base for base in kind.__mro__ if name in base.__dict__), None)
    return owner is not None and not is_native(owner) and isinstance(owner.__dict__[name], QtCore.Property)


def read_property(target: Any, name: str) -> Any:
    """Return the value of a property of a PySide6 object, not yet wrapped."""
    if not shiboken6.isValid(target):
        raise ValueError(f"Trying to read property '{name}' from a destroyed {type(target).__name__} object")
    if _is_stand_ins(type(target), name):
        return getattr(target, name)
    # Not target.metaObject(): PySide6 ties that to the object and loses it with the first one that goes.
    meta = class_of(target).staticMetaObject
    described = meta.property(meta.indexOfProperty(name))
    if described.isFlagType():
        # PySide6 cannot convert flags here; the getter can.
        return getattr(target, name)()
    return described.read(target)


def write_property(target: Any, name: str, value: Any) -> None:
    """Set a property of a PySide6 object.

    Raises
    ------
    AttributeError
        The object is destroyed, the property is read-only, or the value does not fit, as PythonQt says it.
    """
    owner = type(target).__name__
    if not shiboken6.isValid(target):
        raise AttributeError(f"Trying to set property '{name}' on a destroyed {owner} object")
    meta = class_of(target).staticMetaObject
    described = meta.property(meta.indexOfProperty(name))
    if not described.isWritable():
        raise AttributeError(f"Property '{name}' of {owner} object is not writable")
    fits, converted = _converted(value, described)
    if fits:
        if _is_stand_ins(type(target), name):
            setattr(target, name, converted)
            return
        if described.write(target, converted):
            return
    raise AttributeError(
        f"Property '{name}' of type '{described.typeName()}' does not accept an object of type "
        f"{type(value).__name__} ({value!r})"
    )


def _converted(value: Any, described: Any) -> tuple[bool, Any]:
    """Return whether a value fits a property, and what Qt is given."""
    kind = described.typeName()
    if kind == "QString":
        return True, str(value)
    if kind == "bool":
        # Older PythonQt refuses what is no number, newer asks for its truth: what runs on both is a bool.
        return isinstance(value, (bool, int, float)), bool(value)
    if kind in _INTEGERS:
        return (True, math.floor(value)) if isinstance(value, (int, float)) else (False, None)
    if kind in _NUMBERS:
        return (True, float(value)) if isinstance(value, (int, float)) else (False, None)
    if kind == "QStringList":
        fits = isinstance(value, (list, tuple)) and all(isinstance(text, str) for text in value)
        return fits, list(value) if fits else None
    if described.isEnumType() and isinstance(value, int):
        return True, value.member if isinstance(value, EnumValue) else int(value)
    return True, value
