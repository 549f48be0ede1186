"""How values are written on a parameter node and read back, by type, as Slicer does it."""

from __future__ import annotations

import enum
import pathlib
import types
import typing
from typing import Any

import slicer

from Testing.Host.parameters.annotations import Validator, split_annotations
from Testing.Host.parameters.observed import ObservedDict, ObservedList

_PATHS = (pathlib.Path, pathlib.PurePath, pathlib.PosixPath, pathlib.PurePosixPath)


class Serializer:
    """Writes values of one type under a name; every value is checked first."""

    def __init__(self, kind: Any, validators: list[Validator], with_none: bool = False) -> None:
        self.kind, self.validators, self._with_none = kind, validators, with_none

    def default(self) -> Any:
        """Return the value of a parameter without a default."""
        return self.kind()

    def check(self, value: Any) -> None:
        """Raise TypeError or ValueError when a value does not fit."""
        if value is None and not self._with_none:
            raise ValueError("Value must not be None")
        accepted = (int, float) if self.kind is float else self.kind
        if value is not None and not isinstance(value, accepted):
            raise TypeError(f"Value must be of type '{self.kind}', is type '{type(value)}' value '{value}'")
        for validator in self.validators:
            validator.validate(value)

    def is_in(self, node: Any, name: str) -> bool:
        """Return whether the node has a value."""
        return bool(node.HasParameter(name))

    def write(self, node: Any, name: str, value: Any) -> None:
        """Check a value and put it on the node."""
        self.check(value)
        node.SetParameter(name, self._text(value))

    def read(self, node: Any, name: str) -> Any:
        """Return the value on the node."""
        return self._value(node.GetParameter(name))

    def remove(self, node: Any, name: str) -> None:
        """Take the value off the node."""
        node.UnsetParameter(name)

    def _text(self, value: Any) -> str:
        return str(value)

    def _value(self, text: str) -> Any:
        return self.kind(text)


class _Bool(Serializer):
    def _value(self, text: str) -> bool:
        return text == "True"


class _Enum(Serializer):
    def default(self) -> Any:
        return next(iter(self.kind))

    def _text(self, value: Any) -> str:
        return str(value.name)

    def _value(self, text: str) -> Any:
        return self.kind[text]


class _Node(Serializer):
    def __init__(self, kind: Any, validators: list[Validator]) -> None:
        super().__init__(kind, validators, with_none=True)

    def default(self) -> None:
        return None

    def write(self, node: Any, name: str, value: Any) -> None:
        self.check(value)
        node.SetParameter(name, "")
        node.SetNodeReferenceID(name, value.GetID() if value is not None else None)

    def read(self, node: Any, name: str) -> Any:
        return node.GetNodeReference(name)

    def remove(self, node: Any, name: str) -> None:
        super().remove(node, name)
        node.RemoveNodeReferenceIDs(name)


class _Sequence(Serializer):
    """A list, or a tuple with one type a place."""

    def __init__(self, kind: Any, parts: list[Serializer]) -> None:
        super().__init__(kind, [])
        self._parts = parts

    def _part(self, index: int) -> Serializer:
        return self._parts[0] if self.kind is list else self._parts[index]

    def default(self) -> Any:
        return [] if self.kind is list else tuple(part.default() for part in self._parts)

    def is_in(self, node: Any, name: str) -> bool:
        return bool(node.HasParameter(f"{name}.len"))

    def write(self, node: Any, name: str, value: Any) -> None:
        if self.kind is tuple and len(value) != len(self._parts):
            raise ValueError("Unexpected number of tuple values")
        for index, item in enumerate(value):
            self._part(index).check(item)
        with slicer.util.NodeModify(node):
            self.remove(node, name)
            for index, item in enumerate(value):
                self._part(index).write(node, f"{name}.{index}", item)
            node.SetParameter(f"{name}.len", str(len(value)))

    def read(self, node: Any, name: str) -> Any:
        length = int(node.GetParameter(f"{name}.len"))
        items = [self._part(index).read(node, f"{name}.{index}") for index in range(length)]
        return (
            ObservedList(items, lambda changed: self.write(node, name, changed)) if self.kind is list else tuple(items)
        )

    def remove(self, node: Any, name: str) -> None:
        if self.is_in(node, name):
            for index in range(int(node.GetParameter(f"{name}.len"))):
                self._part(index).remove(node, f"{name}.{index}")
            node.UnsetParameter(f"{name}.len")


class _Dict(Serializer):
    def __init__(self, key: Serializer, value: Serializer) -> None:
        super().__init__(dict, [])
        self._items = _Sequence(list, [_Sequence(tuple, [key, value])])

    def is_in(self, node: Any, name: str) -> bool:
        return self._items.is_in(node, name)

    def write(self, node: Any, name: str, value: Any) -> None:
        self._items.write(node, name, [tuple(item) for item in value.items()])

    def read(self, node: Any, name: str) -> Any:
        held = dict(tuple(item) for item in self._items.read(node, name))
        return ObservedDict(held, lambda changed: self.write(node, name, changed))

    def remove(self, node: Any, name: str) -> None:
        self._items.remove(node, name)


class _Optional(Serializer):
    """A type or None."""

    def __init__(self, inner: Serializer) -> None:
        super().__init__(inner.kind, [], with_none=True)
        self._inner = inner

    def default(self) -> None:
        return None

    def is_in(self, node: Any, name: str) -> bool:
        return bool(node.HasParameter(f"{name}.none")) or self._inner.is_in(node, name)

    def write(self, node: Any, name: str, value: Any) -> None:
        with slicer.util.NodeModify(node):
            if value is None:
                self._inner.remove(node, name)
                node.SetParameter(f"{name}.none", "True")
            else:
                self._inner.write(node, name, value)
                node.UnsetParameter(f"{name}.none")

    def read(self, node: Any, name: str) -> Any:
        return None if node.HasParameter(f"{name}.none") else self._inner.read(node, name)

    def remove(self, node: Any, name: str) -> None:
        node.UnsetParameter(f"{name}.none")
        self._inner.remove(node, name)


def is_node(kind: Any) -> bool:
    """Return whether a type is a node class."""
    return isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode)


def union_members(kind: Any) -> tuple[Any, ...]:
    """Return the types of a union, empty for another type."""
    is_union = typing.get_origin(kind) is typing.Union or isinstance(kind, types.UnionType)
    return typing.get_args(kind) if is_union else ()


def make_serializer(annotated: Any) -> Serializer:
    """Return the serializer of a (possibly annotated) type.

    Raises
    ------
    Exception
        Slicer has none for it either (or the host does not know the type).
    """
    kind, notes = split_annotations(annotated)
    validators = [note for note in notes if isinstance(note, Validator)]
    members = union_members(kind)
    if members:
        rest = [member for member in members if member is not type(None)]
        if all(is_node(member) for member in rest):
            return _Node(tuple(rest), validators)
        if len(rest) == 1 and len(members) == 2:
            return _Optional(make_serializer(rest[0]))
    origin, parts = typing.get_origin(kind) or kind, typing.get_args(kind)
    if origin is list:
        return _Sequence(list, [make_serializer(parts[0])]) if parts else _refuse(kind)
    if origin is tuple and parts:
        return _Sequence(tuple, [make_serializer(part) for part in parts])
    if origin is dict and len(parts) == 2:
        return _Dict(make_serializer(parts[0]), make_serializer(parts[1]))
    if kind is bool:
        return _Bool(bool, validators)
    if kind in (int, float, str) or kind in _PATHS:
        return Serializer(kind, validators)
    if is_node(kind):
        return _Node(kind, validators)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _Enum(kind, validators)
    return _refuse(kind)


def _refuse(kind: Any) -> Any:
    raise Exception(f"Unable to create serializer for type: {kind}")  # noqa: TRY002 - as Slicer does
