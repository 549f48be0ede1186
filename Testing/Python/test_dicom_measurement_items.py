"""Every measurement of the table as a coded number of a report, with its derivation, and back."""

from __future__ import annotations

import pytest

from AIImagingLogic.dicom.measurement_items import measurement_from_item, measurement_item
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.resources import load_resource

TABLE = load_resource("measurements.json")["measurements"]
DERIVED = sorted(name for name, entry in TABLE.items() if entry.get("derivation"))


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_measurement_comes_back_as_itself(name: str) -> None:
    made = measurement(name, 3.25, (2.75, 4.0))
    assert measurement_from_item(measurement_item(made)[0]) == made


@pytest.mark.parametrize("name", DERIVED)
def test_what_was_derived_is_a_modifier_of_the_quantity(name: str) -> None:
    pytest.importorskip("highdicom")
    item = measurement_item(measurement(name, 3.25))[0]
    (modifier,) = (part for part in item.ContentSequence if part.ConceptNameCodeSequence[0].CodeValue == "121401")
    assert (modifier.RelationshipType, modifier.ValueType) == ("HAS CONCEPT MOD", "CODE")
    assert modifier.ConceptNameCodeSequence[0].CodingSchemeDesignator == "DCM"
    assert modifier.ConceptCodeSequence[0].CodeValue == TABLE[name]["derivation"]["value"]
    assert item.ConceptNameCodeSequence[0].CodeValue == TABLE[name]["code"]["value"]


def test_a_maximum_that_another_program_wrote_as_a_plain_suv_is_not_taken_for_one() -> None:
    item = measurement_item(measurement("suv_max", 9.5))[0]
    del item.ContentSequence
    read = measurement_from_item(item)
    assert read is not None
    assert (read.name, read.value) == ("SUVbw", 9.5)
