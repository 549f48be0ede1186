"""Every card of the catalogue is complete, valid, and names only what exists."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from AIImagingLogic.models.catalogue import model_card, model_ids
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.resources import load_resource, resource_path

SCHEMA = resource_path("models/card.schema.json")
CARDS = sorted(path for path in SCHEMA.parent.glob("*.json") if path != SCHEMA)
VALIDATOR = Draft202012Validator(load_resource("models/card.schema.json"))


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_card_keeps_the_schema_and_names_known_concepts(path: Path) -> None:
    card = json.loads(path.read_text(encoding="utf-8"))
    problems = [error.message for error in VALIDATOR.iter_errors(card)]
    assert problems == []
    assert card["id"] == path.stem
    for output in card["outputs"]:
        assert concept(output).name


@pytest.mark.parametrize("field", ["id", "limits", "licence", "training_data"])
def test_card_without_an_honest_field_is_refused(field: str) -> None:
    card = dict(load_resource("models/ct-lungs.json"))
    del card[field]
    assert not VALIDATOR.is_valid(card)


def test_what_a_model_needs_is_in_the_catalogue() -> None:
    known = set(model_ids())
    assert {path.stem for path in CARDS} <= known
    for path in CARDS:
        assert set(model_card(path.stem).needs) <= known
