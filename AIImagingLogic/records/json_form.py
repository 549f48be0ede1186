"""The JSON form of the records: plain data in the JSON, images and transforms in files beside it."""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
import math
import sys
import types
import typing
from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TypeVar

from AIImagingLogic.records.atomic_files import written_atomically

SCHEMA_VERSION = 1

Beside = Callable[[Any, str], str | None]
"""Writes an image or transform under a suggested name and returns the file's name, or None to leave it out."""

Fetch = Callable[[str], Any]
"""Reads the image or transform that was written under a name."""


@functools.cache
def _type_hints(kind: Hashable) -> dict[str, Any]:
    return typing.get_type_hints(kind)


class Record:
    """Base of the frozen dataclasses that travel between the floors."""

    def to_json(self, beside: Beside | None = None) -> dict[str, Any]:
        """Return the record as JSON data.

        Parameters
        ----------
        beside
            Called with each image or transform and a suggested name without extension; returns the name of the file
            it wrote. Without it, images and transforms are left out (null).
        """
        data: dict[str, Any] = {"record": type(self).__name__, "schema_version": SCHEMA_VERSION}
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            data[field.name] = _encode(getattr(self, field.name), field.name, beside)
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any], fetch: Fetch | None = None) -> Self:
        """Return the record that `to_json` wrote.

        Raises
        ------
        ValueError
            The data is of another record, of a newer schema, or lacks a field.
        """
        if data.get("record", cls.__name__) != cls.__name__:
            raise ValueError(f"This is a {data['record']}, not a {cls.__name__}.")
        if data.get("schema_version", SCHEMA_VERSION) > SCHEMA_VERSION:
            raise ValueError(f"This {cls.__name__} was written by a newer version of AI Imaging.")
        hints = _type_hints(typing.cast(Hashable, cls))
        values = {}
        for field in dataclasses.fields(cls):  # type: ignore[arg-type]
            if field.name in data:
                values[field.name] = _decode(data[field.name], hints[field.name], fetch)
            elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                raise ValueError(f"This {cls.__name__} lacks '{field.name}'.")
        return cls(**values)


RecordType = TypeVar("RecordType", bound=Record)


def save_record(record: Record, path: Path) -> None:
    """Write `record` to `path` (.json), its images (NRRD) and transforms (.h5) into a folder of that name beside it."""
    import SimpleITK as sitk

    folder = path.with_suffix("")
    used: set[str] = set()

    def beside(value: Any, name: str) -> str:
        unique, number = name, 2
        while unique in used:
            unique, number = f"{name}_{number}", number + 1
        used.add(unique)
        folder.mkdir(parents=True, exist_ok=True)
        suffix = ".h5" if isinstance(value, sitk.Transform) else ".nrrd"
        with written_atomically(folder / f"{unique}{suffix}") as temporary:
            if isinstance(value, sitk.Transform):
                sitk.WriteTransform(value, str(temporary))
            else:
                sitk.WriteImage(value, str(temporary), useCompression=True)
        return f"{folder.name}/{unique}{suffix}"

    text = json.dumps(record.to_json(beside), indent=1, ensure_ascii=False, allow_nan=False)
    with written_atomically(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def load_record(kind: type[RecordType], path: Path) -> RecordType:
    """Read what `save_record` wrote."""
    import SimpleITK as sitk

    def fetch(name: str) -> Any:
        target = (path.parent / name).resolve()
        if not target.is_relative_to(path.parent.resolve()):
            raise ValueError(f"{path.name} names a file outside its folder: {name}")
        return sitk.ReadTransform(str(target)) if target.suffix == ".h5" else sitk.ReadImage(str(target))

    return kind.from_json(json.loads(path.read_text(encoding="utf-8")), fetch)


def _encode(value: Any, name: str, beside: Beside | None) -> Any:
    if isinstance(value, Record):
        return value.to_json(beside)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, _kinds_beside()):
        return beside(value, name) if beside else None
    if isinstance(value, Mapping):
        return {key: _encode(item, name, beside) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_encode(item, name, beside) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        return _encode(value.item(), name, beside)
    return value


def _decode(value: Any, hint: Any, fetch: Fetch | None) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        options = [option for option in typing.get_args(hint) if option is not type(None)]
        if value is None:
            return None
        return _decode(value, options[0], fetch) if len(options) == 1 else value
    if value is None or hint is Any:
        return value
    if origin is tuple:
        arguments = typing.get_args(hint)
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_decode(item, arguments[0], fetch) for item in value)
        return tuple(_decode(item, argument, fetch) for item, argument in zip(value, arguments, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        item_hint = typing.get_args(hint)[1]
        return {key: _decode(item, item_hint, fetch) for key, item in value.items()}
    return _decode_plain(value, hint, fetch)


def _decode_plain(value: Any, kind: Any, fetch: Fetch | None) -> Any:
    if issubclass(kind, Record):
        return kind.from_json(value, fetch)
    if issubclass(kind, enum.Enum):
        return kind(value)
    if kind is datetime:
        return datetime.fromisoformat(value)
    if issubclass(kind, _kinds_beside()):
        return fetch(value) if fetch else None
    return kind(value)


def _kinds_beside() -> tuple[type, ...]:
    """Return the classes that are kept beside the JSON.

    Records without images are read where SimpleITK must not be imported (a panel that opens); where it was not
    imported, no value can be of its classes.
    """
    sitk = sys.modules.get("SimpleITK")
    return (sitk.Image, sitk.Transform) if sitk is not None else ()
