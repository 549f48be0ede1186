"""What may be written beside a parameter's type: its default and the values that it takes."""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any


class Default:
    """The value of a parameter that was never set."""

    def __init__(self, value: Any = None, *, generator: Callable[[], Any] | None = None) -> None:
        self._value, self._generator = value, generator

    @property
    def value(self) -> Any:
        """The value, made anew when a generator was given."""
        return self._generator() if self._generator else self._value


class Validator:
    """Refuses values; modules may write their own."""

    def validate(self, value: Any) -> None:
        """Raise ValueError when a value does not fit."""
        raise NotImplementedError("validate is not implemented")


@dataclass
class WithinRange(Validator):
    """Values from `minimum` to `maximum`."""

    minimum: float
    maximum: float

    def validate(self, value: Any) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Value must be within range [{self.minimum}, {self.maximum}], is {value}")


@dataclass
class Minimum(Validator):
    """Values not below `minimum`."""

    minimum: float

    def validate(self, value: Any) -> None:
        if value < self.minimum:
            raise ValueError(f"Value must be at least {self.minimum}, is {value}")


@dataclass
class Maximum(Validator):
    """Values not above `maximum`."""

    maximum: float

    def validate(self, value: Any) -> None:
        if value > self.maximum:
            raise ValueError(f"Value must be at most {self.maximum}, is {value}")


@dataclass
class Choice(Validator):
    """One of some values."""

    choices: list[Any]

    def validate(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"Value is {value}, but must be one of {self.choices}")


@dataclass
class Exclude(Validator):
    """None of some values."""

    excludedValues: list[Any]

    def validate(self, value: Any) -> None:
        if value in self.excludedValues:
            raise ValueError(f"Value {value} is excluded")


class NotNone(Validator):
    """Any value but None."""

    def validate(self, value: Any) -> None:
        if value is None:
            raise ValueError("Value must not be None")


@dataclass
class Decimals:
    """How many decimals a widget shows."""

    value: int


@dataclass
class SingleStep:
    """By how much an arrow of a widget changes the value."""

    value: float


def split_annotations(kind: Any) -> tuple[Any, list[Any]]:
    """Return a type and what was written beside it with `Annotated`."""
    if typing.get_origin(kind) is Annotated:
        plain, *notes = typing.get_args(kind)
        return plain, notes
    return kind, []


def first_of(notes: list[Any], kind: type) -> Any:
    """Return the first annotation of a class, None where there is none."""
    return next((note for note in notes if isinstance(note, kind)), None)
