"""BTS 2015 and NELSON: which figure decides, which nodule decides, and what was missing."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from AIImagingLogic.followup.criteria.bts import assess_bts, assess_nelson, growth_since
from AIImagingLogic.followup.nodule_facts import NoduleFacts, compared
from AIImagingLogic.records.resources import load_resource


@pytest.mark.parametrize("name", ["bts_2015", "nelson"])
def test_nodule_tables_have_sources_and_rows_of_the_known_form(name: str) -> None:
    table = load_resource(f"rules/{name}.json")
    definitions = load_resource("rules/response.schema.json")["$defs"]
    row = {**definitions["row"], "properties": {**definitions["row"]["properties"], "urgency": {"type": "integer"}}}
    schema = {"$defs": {**definitions, "row": row}, "$ref": "#/$defs/rows"}
    assert [error.message for error in Draft202012Validator(schema).iter_errors(table["rows"])] == []
    assert table["confidence"] == "B" and table["source"]
    assert len({row["id"] for row in table["rows"]}) == len(table["rows"])


def test_volume_decides_where_it_is_known() -> None:
    answer = assess_bts({1: NoduleFacts("solid", 9.0, volume_mm3=79.9)})
    assert (answer.row, answer.category, answer.missing) == ("solid-below-80-mm3", "discharge", ())
    answer = assess_bts({1: NoduleFacts("solid", 4.9)})
    assert (answer.row, answer.missing) == ("solid-below-5-mm", ("lesion 1: the volume",))


def test_growth_by_diameters_is_that_of_balls_and_is_said() -> None:
    facts = compared(NoduleFacts("solid", 10.0, volume_mm3=500), NoduleFacts("solid", 8.0), 100)
    growth = growth_since(facts)
    assert growth is not None and growth.by == "diameter"
    assert growth.volume_percent == pytest.approx(95.3125)
    assert growth.doubling_time_days == pytest.approx(103.55, abs=0.01)
    answer = assess_bts({1: facts})
    assert answer.category == "work-up" and "computed from diameters" in answer.missing[0]
    assert "doubling time 104 days" in answer.reason


def test_the_most_urgent_nodule_decides_and_every_nodule_has_a_category() -> None:
    answer = assess_bts({1: NoduleFacts("solid", 5.5), 2: NoduleFacts("solid", 6.5), 3: NoduleFacts("cyst", 30.0)})
    assert (answer.lesion_number, answer.row) == (2, "solid-6-to-8-mm")
    assert answer.by_lesion == {"1": "CT 12 mo", "2": "CT 3 mo", "3": "not applicable"}
    assert assess_bts({}).category == "no follow-up"


def test_time_followed_is_since_the_first_detection_when_it_is_given() -> None:
    facts = compared(NoduleFacts("solid", 8.0, volume_mm3=200), NoduleFacts("solid", 8.0, volume_mm3=200), 270)
    assert assess_bts({1: facts}).category == "CT 12 mo"
    assert assess_bts({1: facts}, months_followed=12).category == "discharge"


def test_nelson_needs_a_volume() -> None:
    assert assess_nelson({1: NoduleFacts("solid", 9.0)}).category == "not applicable"
    assert assess_nelson({1: NoduleFacts("solid", 9.0, volume_mm3=501)}).row == "nelson-positive"
