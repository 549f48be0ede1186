"""The classes in a classification package's network.json: names, coded types, colours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from AIImagingLogic.records.coding import Code, CodedConcept
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource

DESCRIPTION = "network.json"
_ADVICE = "See the guide on classification for what a network.json holds."


def read_classes(described: Any) -> tuple[CodedConcept, ...]:
    """Return the classes that a package names, in the order of its network's output.

    Parameters
    ----------
    described : names, or objects with ``name``, ``category``, ``type``, ``modifier`` (codes) and ``colour``; a class
        without a code is a clinical finding

    Raises
    ------
    ModelError
        There is none, one is not described well, or two have one name.
    """
    if not isinstance(described, list) or not described:
        raise ModelError("The package names no classes.", _ADVICE)
    classes = tuple(_class(entry, number) for number, entry in enumerate(described))
    if len({entry.key for entry in classes}) < len(classes):
        raise ModelError("Two classes of the package have one name.", _ADVICE)
    return classes


def _class(entry: Any, number: int) -> CodedConcept:
    if isinstance(entry, str):
        entry = {"name": entry}
    name = entry.get("name") if isinstance(entry, Mapping) else None
    if not isinstance(name, str) or not name.strip():
        raise ModelError("A class of the package has no name.", _ADVICE)
    unknown = load_resource("model_formats/classification.json")["unknown_class"]
    colours = load_resource("terminology/label_names.json")["colours"]
    key = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or f"class-{number + 1}"
    try:
        modifier = Code.from_json(entry["modifier"]) if entry.get("modifier") else None
        category = Code.from_json(entry.get("category") or unknown["category"])
        kind = Code.from_json(entry.get("type") or unknown["type"])
        red, green, blue = (int(value) for value in entry.get("colour") or colours[number % len(colours)])
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"The class '{name}' of the package is not described well: {error}.", _ADVICE) from error
    return CodedConcept(key, name.strip(), category, kind, modifier, (red, green, blue))
