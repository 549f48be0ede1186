"""A model card that the user brings as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.store.safe_path import safe_id
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource


def read_card(path: Path) -> ModelCard:
    """Return the card in a JSON file.

    Raises
    ------
    ModelError
        It cannot be read, lacks what every card states, names what no card has, or is the card of a built-in model.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"The card '{path}' cannot be read: {error}.", _ADVICE) from error
    schema = load_resource("models/card.schema.json")
    if not isinstance(data, dict) or (wrong := _wrong_field(data, schema)):
        raise ModelError(
            f"The card '{path}' is not valid: {wrong if isinstance(data, dict) else 'no object'}.", _ADVICE
        )
    try:
        card = ModelCard.from_json(data)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise ModelError(f"The card '{path}' is not valid: {error}.", _ADVICE) from error
    safe_id(card.id, card.version)
    if card.source == "builtin":
        raise ModelError(f"The card '{path}' does not say which format its package has.", "Set 'source' and 'runs'.")
    return card


_ADVICE = "See Resources/models/card.schema.json for what a card holds."
_KINDS: dict[str, type] = {"string": str, "array": list, "object": dict, "integer": int}


def _wrong_field(data: dict[str, Any], schema: dict[str, Any]) -> str:
    """Return what is wrong at the first level, empty when nothing is.

    The whole schema is checked where cards are made; the package that does so is not needed to run.
    """
    for name in schema["required"]:
        if name not in data:
            return f"'{name}' is missing"
    for name, value in data.items():
        rule = schema["properties"].get(name)
        if rule is None:
            return f"'{name}' is unknown"
        kind = _KINDS.get(rule.get("type", ""))
        if kind and not isinstance(value, kind):
            return f"'{name}' is no {rule['type']}"
        if "enum" in rule and value not in rule["enum"]:
            return f"'{name}' must be one of {', '.join(rule['enum'])}"
    return ""
