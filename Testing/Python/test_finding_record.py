"""A finding's type, reader, times and history, and its JSON of earlier versions."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.finding_event import FindingAction
from AIImagingLogic.records.finding_review import retyped, reviewed
from AIImagingLogic.records.finding_type import NoduleType
from AIImagingLogic.records.json_form import load_record, save_record

WHEN = datetime(2026, 3, 2, 9, 30, 15, tzinfo=timezone(timedelta(hours=8)))
BOX = OrientedBox((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
PLAIN = Finding("2.25.7", "Nodule 1", BOX, 0.75, concept("lung-nodule"), descriptors={"attenuation": "ground-glass"})
# What a finding had before it carried a reader, times, a stated type and a history.
NEW_FIELDS = ("stated_type", "reader", "found", "reviewed", "history")


def test_a_file_of_an_earlier_version_is_read_and_knows_no_reader() -> None:
    old = {name: value for name, value in PLAIN.to_json().items() if name not in NEW_FIELDS}
    assert Finding.from_json(json.loads(json.dumps(old))) == PLAIN
    assert (PLAIN.reader, PLAIN.reviewed, PLAIN.history) == ("", None, ())


def test_review_type_reader_and_times_with_zone_come_back_from_json(tmp_path: Path) -> None:
    said = reviewed(PLAIN, ReviewStatus.ACCEPTED, "R 1", WHEN)
    said = dataclasses.replace(retyped(said, NoduleType.PERIFISSURAL, "R 2", WHEN), found=WHEN)
    save_record(said, tmp_path / "finding.json")
    assert "2026-03-02T09:30:15+08:00" in (tmp_path / "finding.json").read_text(encoding="utf-8")
    read = load_record(Finding, tmp_path / "finding.json")
    assert read == said
    assert [event.action for event in read.history] == [FindingAction.REVIEWED, FindingAction.TYPED]
    assert [event.reader for event in read.history] == ["R 1", "R 2"]


def test_type_is_as_stated_and_else_as_measured() -> None:
    assert PLAIN.type is NoduleType.GROUND_GLASS
    assert retyped(PLAIN, NoduleType.SOLID).type is NoduleType.SOLID
    assert retyped(PLAIN, NoduleType.SOLID).descriptors["attenuation"] == "solid"
    perifissural = retyped(PLAIN, NoduleType.PERIFISSURAL)
    assert (perifissural.type, perifissural.descriptors["attenuation"]) == (NoduleType.PERIFISSURAL, "ground-glass")
    bare = dataclasses.replace(PLAIN, descriptors={})
    assert bare.type is None
    assert retyped(bare, NoduleType.PERIFISSURAL).descriptors["attenuation"] == "solid"


def test_a_review_that_is_taken_back_names_who_took_it_back() -> None:
    first = reviewed(PLAIN, ReviewStatus.REJECTED, "R 1", WHEN)
    back = reviewed(first, ReviewStatus.UNREVIEWED)
    assert (back.review, back.reader, back.reviewed) == (ReviewStatus.UNREVIEWED, "", None)
    assert [(event.said, event.reader) for event in back.history] == [("rejected", "R 1"), ("unreviewed", "")]


@pytest.mark.parametrize("field", ["found", "reviewed"])
def test_a_time_without_a_zone_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        dataclasses.replace(PLAIN, **{field: datetime(2026, 3, 2)})
    with pytest.raises(ValueError, match="no time zone"):
        Finding.from_json({**PLAIN.to_json(), field: "2026-03-02T09:30:15"})
