"""Tables of response criteria keep their schema, and answer every combination of facts."""

from __future__ import annotations

import itertools

import pytest
from jsonschema import Draft202012Validator

from AIImagingLogic.followup.criteria.criteria_table import RULES, criteria_table
from AIImagingLogic.followup.criteria.recist import overall_response
from AIImagingLogic.followup.rule_table import applies
from AIImagingLogic.records.resources import load_resource

VALIDATOR = Draft202012Validator(load_resource("rules/response.schema.json"))


@pytest.mark.parametrize("rules", RULES)
def test_table_keeps_the_schema_and_row_ids_are_unique(rules: str) -> None:
    data = load_resource(f"rules/{RULES[rules]}.json")
    assert [error.message for error in VALIDATOR.iter_errors(data)] == []
    table = criteria_table(rules)
    ids = [row.id for rows in table.rows.values() for row in rows]
    assert len(set(ids)) == len(ids)
    assert data["id"] == rules


@pytest.mark.parametrize("rules", RULES)
def test_recalled_values_stand_only_in_options_which_are_off(rules: str) -> None:
    data = load_resource(f"rules/{RULES[rules]}.json")
    assert all(option["default"] is False for option in data["options"].values())
    assert all(entry["confidence"] != "C" for entry in data["values"].values())


def test_schema_refuses_a_condition_of_another_form() -> None:
    data = dict(load_resource("rules/recist_1_1.json"))
    row = {"id": "x", "category": "PD", "text": "a row that is wrong", "when": {"rise_mm": {"over": 5}}}
    data["rows"] = {"overall": [row]}
    assert any("over" in error.message or "oneOf" in str(error.schema_path) for error in VALIDATOR.iter_errors(data))


def test_every_row_of_the_overall_table_decides_somewhere_and_no_cell_is_empty() -> None:
    targets, others = ("CR", "PR", "SD", "PD", "NE", "none"), ("CR", "non-CR/non-PD", "PD", "NE", "none")
    cells = itertools.product(targets, others, (False, True), (False, True))
    decided = {overall_response(*cell).id for cell in cells}
    assert decided == {row.id for row in criteria_table("recist-1.1").rows["overall"]}


def test_the_first_row_that_applies_decides_and_an_incomplete_table_is_an_error() -> None:
    table = criteria_table("recist-1.1")
    facts = {"target": "PD", "non_target": "PD", "new": "yes", "reappeared": "no"}
    assert sum(applies(row, facts) for row in table.rows["overall"]) == 3
    assert table.decide("overall", facts).id == "pd-new"
    with pytest.raises(ValueError, match="no row"):
        table.decide("overall", {"target": "a new word"})


def test_an_option_that_a_table_lacks_is_an_error() -> None:
    with pytest.raises(ValueError, match="no option 'whatever'"):
        criteria_table("percist-1.0").checked_options(["whatever"])
