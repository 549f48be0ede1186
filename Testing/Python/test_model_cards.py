"""Every card of the catalogue is complete, valid, and names only what exists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.catalogue import card_summaries, card_with_file, load_model, model_card, model_ids
from AIImagingLogic.models.store.safe_path import check_distinct, safe_id, safe_relative_path
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource, resource_path

SCHEMA = resource_path("models/card.schema.json")
CARDS = sorted(path for path in SCHEMA.parent.glob("*.json") if path != SCHEMA)
VALIDATOR = Draft202012Validator(load_resource("models/card.schema.json"))
FETCHED: dict[str, Any] = {
    **load_resource("models/ct-lungs.json"),
    "id": "a-net",
    "source": "monai-bundle",
    "runs": "not yet",
    "licence_url": "https://example.org/licence",
    "homepage": "https://example.org/",
    "labels": [{"value": 1, "name": "spleen"}],
    "downloads": [{"url": "https://example.org/a.zip", "path": ".", "size": None, "sha256": None, "unpack": True}],
}


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_card_keeps_the_schema_and_names_known_concepts(path: Path) -> None:
    card = json.loads(path.read_text(encoding="utf-8"))
    problems = [error.message for error in VALIDATOR.iter_errors(card)]
    assert problems == []
    assert card["id"] == path.stem
    for output in card["outputs"]:
        assert concept(output).name


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_card_can_be_kept_in_the_store(path: Path) -> None:
    card = model_card(path.stem)
    safe_id(card.id, card.version)
    names = [item.path for item in card.downloads if item.path != "."]
    check_distinct(safe_relative_path(name) for name in names)
    assert all(item.unpack for item in card.downloads if item.path == ".")
    assert len({item.url for item in card.downloads}) == len(card.downloads)
    values = [label.value for label in card.labels]
    assert len(set(values)) == len(values)
    assert not card.sequences or len(card.sequences) == len(card.inputs)
    assert ModelCard.from_json(json.loads(json.dumps(card.to_json()))) == card


@pytest.mark.parametrize("field", ["id", "limits", "licence", "training_data"])
def test_card_without_an_honest_field_is_refused(field: str) -> None:
    card = dict(load_resource("models/ct-lungs.json"))
    del card[field]
    assert not VALIDATOR.is_valid(card)


@pytest.mark.parametrize(
    "change",
    [
        {"downloads": []},
        {"downloads": [{**FETCHED["downloads"][0], "url": "http://example.org/a.zip"}]},
        {"downloads": [{**FETCHED["downloads"][0], "url": "https://name:word@example.org/a.zip"}]},
        {"downloads": [{**FETCHED["downloads"][0], "sha256": "0" * 63}]},
        {"runs": "built-in"},
        {"source": "pickle"},
        {"licence": "free for all, mostly"},
        {"unheard_of": 1},
    ],
)
def test_card_of_a_download_that_says_too_little_or_too_much_is_refused(change: dict[str, Any]) -> None:
    assert VALIDATOR.is_valid(FETCHED)
    assert not VALIDATOR.is_valid({**FETCHED, **change})


def test_what_a_model_needs_is_in_the_catalogue() -> None:
    known = {card.id for card in card_summaries()}
    assert {path.stem for path in CARDS} == known
    for path in CARDS:
        assert set(model_card(path.stem).needs) <= known


def test_summaries_say_what_the_cards_say_and_can_be_filtered() -> None:
    assert tuple(card.id for card in card_summaries())[: len(model_ids())] == model_ids()
    for summary in card_summaries():
        card = model_card(summary.id)
        for field, value in vars(summary).items():
            assert getattr(card, field) == value
    ids = {card.id for card in card_summaries(task="segment", modality="ct", anatomy="Chest")}
    assert "ct-lungs" in ids and "ct-lung-nodules" not in ids
    assert "rigid" in {card.id for card in card_summaries(modality="MR")}


def test_card_is_found_by_the_hash_of_one_of_its_files() -> None:
    card = model_card("brainchop-mindgrab")
    assert card_with_file({"0" * 64, str(card.downloads[1].sha256)}) == card
    assert card_with_file({"0" * 64}) is None


def test_unknown_model_is_an_error_that_says_where_to_look() -> None:
    with pytest.raises(ModelError, match="models list"):
        model_card("../secrets")
    with pytest.raises(ModelError, match="no model"):
        load_model("no-such-model")
