"""Calling Qt methods as PythonQt does: by position only, with ints for enums, and without callables."""

from __future__ import annotations

import enum
import importlib
import re
import types
from collections.abc import Callable
from functools import partial
from typing import Any

from Testing.Host.pythonqt.enums import EnumValue

_CALLABLES = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, partial)
_ENUM = re.compile(r"PySide6\.(Qt\w+)\.([\w.]+)")
# Answers in place of calls that would wait for a person; set by the host.
intercepts: dict[str, Callable[..., Any]] = {}


class SlotFunction:
    """A method of an object or class, as an attribute: ``table.setRowCount``."""

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        wrap: Callable[[Any], Any],
        unwrap: Callable[[Any], Any],
        target: Any = None,
    ) -> None:
        self._name, self._function, self._wrap, self._unwrap, self._target = name, function, wrap, unwrap, target

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        if named:
            raise ValueError(
                f"Called {self._name} with keyword arguments, but called slot does not support kwargs. "
                "(PythonQt passes arguments by position)"
            )
        for argument in arguments:
            if isinstance(argument, _CALLABLES):
                raise ValueError(
                    f"Called {self._name} with wrong arguments: PythonQt passes no Python callable to a Qt method; "
                    "connect a signal to it"
                )
        given = [self._unwrap(argument) for argument in arguments]
        held = intercepts.get(self._name)
        result = held(self._target, *given) if held is not None else call(self._function, given, self._name)
        return self._wrap(result)

    def __repr__(self) -> str:
        return f"<built-in qt slot {self._name}>"


def call(function: Callable[..., Any], given: list[Any], name: str) -> Any:
    """Call a PySide6 function with plain ints where it wants enums.

    Raises
    ------
    ValueError
        No overload takes these arguments.
    """
    try:
        return function(*given)
    except TypeError as error:
        if "Supported signatures" not in str(error) and "wrong argument" not in str(error):
            raise
        for signature in str(error).splitlines()[2:]:
            converted = _with_enums(given, signature)
            if converted is not None and any(a is not b for a, b in zip(converted, given)):
                try:
                    return function(*converted)
                except TypeError:
                    continue
        raise ValueError(f"Called {name} with wrong arguments: {error}") from error


def _with_enums(given: list[Any], signature: str) -> list[Any] | None:
    """Return the arguments with ints as the enums of one overload, None where its length differs."""
    inside = signature[signature.find("(") + 1 : signature.rfind(")")]
    wanted = [text for text in re.split(r",\s*(?=\w+:|/)", inside) if text.strip() != "/"]
    if len(given) > len(wanted):
        return None
    return [_as_enum(value, text) for value, text in zip(given, wanted)]


def _as_enum(value: Any, annotation: str) -> Any:
    if isinstance(value, enum.Enum):
        if not _ENUM.search(annotation) and "int" in annotation:
            return value.value
    elif isinstance(value, float) and not isinstance(value, bool) and re.search(r":\s*int\b", annotation):
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    found = _ENUM.search(annotation)
    if found is None:
        return value
    kind: Any = importlib.import_module(f"PySide6.{found.group(1)}")
    for part in found.group(2).split("."):
        kind = getattr(kind, part, None)
    plain = int(value)
    return kind(plain) if isinstance(kind, type) and issubclass(kind, enum.Enum) else value


def plain_enum(value: EnumValue) -> enum.Enum:
    """Return the PySide6 member of an enum value."""
    return value.member
