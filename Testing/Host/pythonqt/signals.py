"""Signals: connected by signature or by name, and called with PythonQt's rule for the number of arguments."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6 import QtCore

from Testing.Host.pythonqt.faults import record_fault
from Testing.Host.pythonqt.members import class_of, signals_of

_connections: dict[int, list[_Connection]] = {}


class _Connection:
    """A Python callable that hears a signal."""

    def __init__(self, signature: str, function: Callable[..., Any], convert: Callable[[Any], Any]) -> None:
        self.signature, self.function, self._convert = signature, function, convert
        self.active = True

    def __call__(self, *values: Any) -> None:
        if not self.active:
            return
        try:
            count = accepted_arguments(self.function)
            given = values if count is None else values[:count]
            self.function(*(self._convert(value) for value in given))
        # PythonQt prints it and goes on; the host keeps it and raises it later.
        except BaseException as error:  # noqa: BLE001
            record_fault(error)


def accepted_arguments(function: Callable[..., Any]) -> int | None:
    """Return how many arguments PythonQt passes at most, None for all.

    Parameters with defaults count: ``lambda row=row: ...`` connected to ``clicked(bool)`` gets the bool as its row.
    """
    if isinstance(function, types.MethodType) and isinstance(function.__func__, types.FunctionType):
        code, bound = function.__func__.__code__, 1
    elif isinstance(function, types.FunctionType):
        code, bound = function.__code__, 0
    else:
        return None
    return None if code.co_flags & 0x04 else code.co_argcount - bound


def _normalized(signature: Any) -> str:
    return bytes(QtCore.QMetaObject.normalizedSignature(signature).data()).decode()


def known_signature(target: Any, signature: str) -> tuple[str, str]:
    """Return a signature as C++ writes it and as Qt knows it here.

    Raises
    ------
    ValueError
        The object has no such signal. (PythonQt prints that and returns False; nobody reads it.)
    """
    asked = _normalized(signature.removeprefix("2"))
    known = signals_of(class_of(target))
    if asked not in known:
        name = asked.split("(")[0]
        near = [text for text in known if text.split("(")[0] == name] or sorted(known)
        raise ValueError(
            f"QObject::connect() signal '{signature}' does not exist on {type(target).__name__}; "
            f"it has: {', '.join(near)}"
        )
    return asked, known[asked]


def signature_by_name(target: Any, name: str) -> str:
    """Return the signature that PythonQt takes for a signal given by its name: the first one declared."""
    return next(text for text in _declared_first(type(target)) if text.split("(")[0] == name)


def _declared_first(kind: type) -> list[str]:
    known = signals_of(kind)
    own = [text for text, qt in known.items() if "PyObject" in qt or text != qt]
    # Qt lists a signal with default arguments in full first, then shortened.
    rest = sorted((text for text in known if text not in own), key=lambda text: -text.count(","))
    return own + sorted(rest, key=lambda text: "()" in text)


def connect(target: Any, signature: str, function: Any, convert: Callable[[Any], Any]) -> bool:
    """Let a Python callable hear a signal of a PySide6 object."""
    if not callable(function):
        raise ValueError(f"connect() needs a callable for '{signature}', not {function!r}")
    asked, known = known_signature(target, signature)
    address = shiboken6.getCppPointer(target)[0]
    if address not in _connections:
        _connections[address] = []
        if not asked.startswith("destroyed"):
            target.destroyed.connect(lambda *_: _connections.pop(address, None))
    connection = _Connection(asked, function, convert)

    # PySide6 looks at the code of what it is given: a plain function with any number of arguments gets them all.
    def relay(*values: Any) -> None:
        connection(*values)

    _connections[address].append(connection)
    QtCore.QObject.connect(target, f"2{known}", relay)
    return True


def disconnect(target: Any, signature: str, function: Any = None) -> bool:
    """Let one callable, or all, hear a signal no more; return whether one did."""
    asked, _ = known_signature(target, signature)
    heard = _connections.get(shiboken6.getCppPointer(target)[0], [])
    found = [item for item in heard if item.signature == asked and (function is None or item.function == function)]
    for item in found if function is None else found[:1]:
        item.active = False
        heard.remove(item)
    return bool(found)


def forget_connections() -> None:
    """Let no callable hear anything any more."""
    for heard in _connections.values():
        for item in heard:
            item.active = False
    _connections.clear()


class SignalFunction:
    """A signal of an object, as an attribute: ``button.clicked``."""

    def __init__(self, target: Any, name: str, convert: Callable[[Any], Any], unwrap: Callable[[Any], Any]) -> None:
        self._target, self._name, self._convert, self._unwrap = target, name, convert, unwrap
        self._signature = signature_by_name(target, name)

    def connect(self, *arguments: Any, **named: Any) -> bool:
        """Connect a callable; nothing else may be given."""
        if named or len(arguments) != 1:
            raise ValueError("Called connect with wrong number of arguments (PythonQt takes one callable)")
        return connect(self._target, self._signature, arguments[0], self._convert)

    def disconnect(self, *arguments: Any) -> bool:
        """Disconnect a callable, or all when none is given."""
        if len(arguments) > 1:
            raise ValueError("Called disconnect with wrong number of arguments")
        return disconnect(self._target, self._signature, *arguments)

    def emit(self, *values: Any) -> None:
        """Emit the signal."""
        known = signals_of(class_of(self._target))[self._signature]
        emitter = getattr(self._target, known.split("(")[0])
        emitter.emit(*(self._unwrap(value) for value in values))

    __call__ = emit

    def __repr__(self) -> str:
        return f"<qt signal {self._name} of {type(self._target).__name__} instance>"
