"""Shells: PySide6 classes whose virtual methods call the overrides of a class of the module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from Testing.Host.pythonqt.faults import record_fault
from Testing.Host.pythonqt.members import SLOT, STATIC, member_kind

Convert = Callable[[Any], Any]
_shells: dict[type, type] = {}


def shell_class(derived: type, kind: type, wrap: Convert, unwrap: Convert) -> type:
    """Return the PySide6 class behind a class of the module that comes from a Qt class."""
    if derived not in _shells:
        overrides: dict[str, Any] = {"_is_shell": True}
        for base in derived.__mro__:
            if "_qt_class" in base.__dict__:
                break
            for name, function in base.__dict__.items():
                if callable(function) and name not in overrides and _is_virtual(kind, name):
                    overrides[name] = _forwarder(name, getattr(kind, name), wrap, unwrap)
        _shells[derived] = type(derived.__name__, (kind,), overrides)
    return _shells[derived]


def _is_virtual(kind: type, name: str) -> bool:
    # Python cannot see which methods of C++ are virtual; calling an override of the others from C++ never happens.
    return not name.startswith("_") and (member_kind(kind, name) in (SLOT, STATIC))


def _forwarder(name: str, original: Any, wrap: Convert, unwrap: Convert) -> Callable[..., Any]:
    def forward(target: Any, *values: Any) -> Any:
        wrapper = getattr(target, "_host_wrapper", None)
        if wrapper is None or isinstance(wrapper, type):
            return original(target, *values)
        try:
            return unwrap(getattr(type(wrapper), name)(wrapper, *(wrap(value) for value in values)))
        # PythonQt prints it and goes on with Qt's own method; the host raises it later.
        except BaseException as error:  # noqa: BLE001
            record_fault(error)
            return original(target, *values)

    return forward
