"""Enum values: ints for the module, PySide6 enum members for Qt."""

from __future__ import annotations

import enum
from typing import Any


class EnumValue(int):
    """A value of a Qt enum or of flags, as PythonQt gives it: an int that remembers its Qt type."""

    member: enum.Enum

    def __new__(cls, member: enum.Enum) -> EnumValue:
        value = super().__new__(cls, member.value)
        value.member = member
        return value

    def _combined(self, other: Any, operation: str) -> Any:
        if not isinstance(self.member, enum.Flag):
            return getattr(int(self), operation)(int(other))
        kind = type(self.member)
        return EnumValue(kind(getattr(int(self), operation)(int(other))))

    def __or__(self, other: Any) -> Any:
        return self._combined(other, "__or__")

    def __and__(self, other: Any) -> Any:
        return self._combined(other, "__and__")

    def __xor__(self, other: Any) -> Any:
        return self._combined(other, "__xor__")

    __ror__, __rand__ = __or__, __and__

    def __repr__(self) -> str:
        return f"{type(self.member).__qualname__}.{self.member.name} ({int(self)})"


class EnumType:
    """A Qt enum type, such as ``qt.QMessageBox.StandardButton``: makes values, holds none by name."""

    def __init__(self, kind: type[enum.Enum]) -> None:
        self._kind = kind

    def __call__(self, value: int) -> EnumValue:
        return EnumValue(self._kind(int(value)))

    def __getattr__(self, name: str) -> Any:
        outer, _, own = self._kind.__qualname__.rpartition(".")
        raise AttributeError(
            f"PythonQt has enum values on the class: write qt.{outer}.{name}, not qt.{outer}.{own}.{name}"
        )
