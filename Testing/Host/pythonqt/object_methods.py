"""The methods that PythonQt adds to every QObject: connect, property, children and their like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6 import QtCore

from Testing.Host.pythonqt.members import class_of, member_kind
from Testing.Host.pythonqt.signals import connect, disconnect

Convert = Callable[[Any], Any]


def _connect(target: Any, wrap: Convert, unwrap: Convert) -> Callable[..., bool]:
    def method(*arguments: Any) -> bool:
        if len(arguments) == 2:
            return connect(target, arguments[0], arguments[1], wrap)
        if len(arguments) in (3, 4) and isinstance(arguments[2], str):
            signal, receiver, slot = arguments[:3]
            heard = unwrap(receiver)
            name = slot.removeprefix("1").split("(")[0]
            if member_kind(class_of(heard), name) is None:
                raise ValueError(f"QObject::connect() slot '{slot}' does not exist on {type(heard).__name__}")
            count = 0 if slot.rstrip().endswith("()") else slot.count(",") + 1
            return connect(target, signal, lambda *values: getattr(heard, name)(*map(unwrap, values[:count])), wrap)
        raise ValueError("Called connect with wrong arguments: give a signature and a callable")

    return _positional("connect", method)


def _disconnect(target: Any, wrap: Convert, unwrap: Convert) -> Callable[..., bool]:
    def method(signature: str, *function: Any) -> bool:
        return disconnect(target, signature, *function)

    return _positional("disconnect", method)


def _children(target: Any, wrap: Convert, unwrap: Convert) -> Callable[..., Any]:
    return _positional("children", lambda: wrap(target.children()))


def _parent(target: Any, wrap: Convert, unwrap: Convert) -> Callable[..., Any]:
    return _positional("parent", lambda: wrap(target.parent()))


def _property(target: Any, wrap: Convert, unwrap: Convert) -> Callable[..., Any]:
    return _positional("property", lambda name: wrap(target.property(name)))


def _set_property(target: Any, wrap: Convert, unwrap: Convert) -> Callable[..., bool]:
    return _positional("setProperty", lambda name, value: bool(target.setProperty(name, unwrap(value))))


def _find_children(target: Any, wrap: Convert, unwrap: Convert) -> Callable[..., Any]:
    def method(kind: Any, name: str | None = None) -> tuple[Any, ...]:
        return tuple(wrap(child) for child in _matching(target, kind, name))

    return _positional("findChildren", method)


def _find_child(target: Any, wrap: Convert, unwrap: Convert) -> Callable[..., Any]:
    def method(kind: Any, name: str | None = None) -> Any:
        return wrap(next(iter(_matching(target, kind, name)), None))

    return _positional("findChild", method)


def _matching(target: Any, kind: Any, name: str | None) -> list[Any]:
    wanted = kind if isinstance(kind, str) else kind._qt_class
    found = []
    for child in target.findChildren(QtCore.QObject):
        fits = child.inherits(wanted) if isinstance(wanted, str) else isinstance(child, wanted)
        if fits and (name is None or child.objectName() == name):
            found.append(child)
    return found


def _positional(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        if named:
            raise ValueError(f"Called {name} with keyword arguments, but called slot does not support kwargs.")
        return method(*arguments)

    call.__name__ = name
    return call


OBJECT_METHODS: dict[str, Callable[[Any, Convert, Convert], Callable[..., Any]]] = {
    "connect": _connect,
    "disconnect": _disconnect,
    "children": _children,
    "parent": _parent,
    "property": _property,
    "setProperty": _set_property,
    "findChildren": _find_children,
    "findChild": _find_child,
}
