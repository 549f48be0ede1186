"""Lung-RADS v2022: every cell and boundary of the guideline, growth, steps and precedence."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AIImagingLogic.followup.lung_rads import assess_lung_rads, category_of, category_rank
from AIImagingLogic.followup.nodule_facts import NoduleFacts, compared, size_status
from AIImagingLogic.records.resources import load_resource

SIX_MONTHS, THREE_MONTHS, TWO_MONTHS, ONE_YEAR, TWO_YEARS = 183.0, 92.0, 60.0, 366.0, 731.0


def category(
    attenuation: str, diameter: float, status: str = "baseline", solid: float | None = None, *features: str
) -> str:
    return category_of(NoduleFacts(attenuation, diameter, status, solid, features=frozenset(features))).category


# The tables below are written by hand from the guideline, not read from Resources.
@pytest.mark.parametrize(
    ("status", "diameter", "expected"),
    [
        ("baseline", 5.9, "2"), ("baseline", 6.0, "3"), ("baseline", 6.1, "3"),
        ("baseline", 7.9, "3"), ("baseline", 8.0, "4A"), ("baseline", 8.1, "4A"),
        ("baseline", 14.9, "4A"), ("baseline", 15.0, "4B"), ("baseline", 15.1, "4B"),
        ("new", 3.9, "2"), ("new", 4.0, "3"), ("new", 4.1, "3"),
        ("new", 5.9, "3"), ("new", 6.0, "4A"), ("new", 6.1, "4A"),
        ("new", 7.9, "4A"), ("new", 8.0, "4B"), ("new", 8.1, "4B"),
        ("growing", 3.0, "4A"), ("growing", 7.9, "4A"), ("growing", 8.0, "4B"), ("growing", 8.1, "4B"),
    ],
)  # fmt: skip
def test_solid_nodules(status: str, diameter: float, expected: str) -> None:
    assert category("solid", diameter, status) == expected


@pytest.mark.parametrize(
    ("status", "diameter", "solid", "expected"),
    [
        ("baseline", 5.9, 3.0, "2"), ("baseline", 6.0, 3.0, "3"), ("baseline", 6.1, 3.0, "3"),
        ("baseline", 20.0, 5.9, "3"), ("baseline", 20.0, 6.0, "4A"), ("baseline", 20.0, 6.1, "4A"),
        ("baseline", 20.0, 7.9, "4A"), ("baseline", 20.0, 8.0, "4B"), ("baseline", 20.0, 8.1, "4B"),
        ("baseline", 20.0, None, "3"), ("new", 5.9, None, "3"), ("new", 6.0, None, "4A"),
        ("new", 5.5, 3.9, "4A"), ("new", 5.5, 4.0, "4B"),
        ("new", 12.0, 3.9, "4A"), ("new", 12.0, 4.0, "4B"), ("new", 12.0, 4.1, "4B"),
    ],
)  # fmt: skip
def test_part_solid_nodules(status: str, diameter: float, solid: float | None, expected: str) -> None:
    assert category("part-solid", diameter, status, solid) == expected


@pytest.mark.parametrize(
    ("total", "solid_before", "solid_after", "expected"),
    [
        (5.5, 2.3, 3.9, "4A"),  # grown by 1.6 mm; 4A even though the total is below 6 mm
        (5.5, 2.3, 3.8, "2"),  # by 1.5 mm: not growth
        (12.0, 2.4, 4.0, "4B"), (12.0, 2.5, 4.0, "3"), (12.0, 6.0, 7.6, "4B"), (12.0, 6.0, 7.5, "4A"),
    ],
)  # fmt: skip
def test_growth_of_the_solid_part_decides(total: float, solid_before: float, solid_after: float, expected: str) -> None:
    prior = NoduleFacts("part-solid", total, solid_mean_diameter_mm=solid_before)
    now = NoduleFacts("part-solid", total, solid_mean_diameter_mm=solid_after)
    assert category_of(compared(now, prior, TWO_MONTHS)).category == expected


@pytest.mark.parametrize(("solid", "expected"), [(3.9, "4A"), (4.0, "4B")])
def test_a_solid_part_that_appears_in_ground_glass_is_new(solid: float, expected: str) -> None:
    prior = NoduleFacts("ground-glass", 9.0)
    now = NoduleFacts("part-solid", 9.2, solid_mean_diameter_mm=solid)
    assert category_of(compared(now, prior, ONE_YEAR)).category == expected


@pytest.mark.parametrize(
    ("status", "diameter", "expected"),
    [
        ("baseline", 29.9, "2"), ("new", 29.9, "2"), ("growing", 29.9, "2"),
        ("baseline", 30.0, "3"), ("baseline", 30.1, "3"), ("new", 30.0, "3"),
        ("stable", 30.0, "2"), ("slowly growing", 30.0, "2"), ("stable", 35.0, "2"),
    ],
)  # fmt: skip
def test_non_solid_nodules(status: str, diameter: float, expected: str) -> None:
    assert category("ground-glass", diameter, status) == expected


BENIGN_SHAPE = ("juxtapleural", "smooth", "oval-lentiform-triangular")


@pytest.mark.parametrize(
    ("attenuation", "diameter", "status", "features", "expected"),
    [
        ("calcified", 20.0, "baseline", (), "1"), ("calcified", 20.0, "growing", (), "1"),
        ("solid", 20.0, "baseline", ("benign-calcification",), "1"), ("solid", 20.0, "new", ("fat",), "1"),
        ("fat", 20.0, "baseline", ("fat",), "1"), ("solid", 20.0, "stable", ("proven-benign",), "2"),
        ("solid", 9.9, "baseline", BENIGN_SHAPE, "2"), ("solid", 9.9, "new", BENIGN_SHAPE, "2"),
        ("solid", 10.0, "baseline", BENIGN_SHAPE, "4A"), ("solid", 9.9, "growing", BENIGN_SHAPE, "4B"),
        ("solid", 9.9, "baseline", ("juxtapleural",), "4A"), ("part-solid", 5.9, "baseline", BENIGN_SHAPE, "2"),
        ("solid", 7.0, "baseline", ("airway-subsegmental",), "2"), ("solid", 7.0, "new", ("airway-subsegmental",), "2"),
        ("solid", 7.0, "stable", ("airway-subsegmental",), "2"), ("solid", 3.0, "baseline", ("airway-proximal",), "4A"),
        ("solid", 3.0, "stable", ("airway-proximal",), "4B"), ("solid", 3.0, "growing", ("airway-proximal",), "4B"),
        ("cyst", 12.0, "baseline", ("thick-walled",), "4A"), ("cyst", 12.0, "baseline", ("multilocular",), "4A"),
        ("cyst", 12.0, "growing", ("thick-walled", "growing-cystic-part"), "3"),
        ("cyst", 12.0, "stable", ("multilocular", "became-multilocular"), "4A"),
        ("cyst", 12.0, "stable", ("thick-walled", "growing-wall"), "4B"),
        ("cyst", 12.0, "growing", ("multilocular",), "4B"),
        ("cyst", 12.0, "stable", ("multilocular", "more-loculation-or-opacity"), "4B"),
        ("solid", 5.0, "slowly growing", ("slow-growth-on-several-screens",), "4B"),
    ],
)  # fmt: skip
def test_benign_features_airway_nodules_and_cysts(
    attenuation: str, diameter: float, status: str, features: tuple[str, ...], expected: str
) -> None:
    assert category(attenuation, diameter, status, None, *features) == expected


@pytest.mark.parametrize(
    ("before", "after", "days", "expected"),
    [
        (6.0, 7.5, SIX_MONTHS, "stable"), (6.0, 7.54, SIX_MONTHS, "stable"), (6.0, 7.6, SIX_MONTHS, "growing"),
        (6.0, 7.6, ONE_YEAR, "growing"), (6.0, 7.6, 380.0, "growing"),  # 12.5 months: counted as 12
        (6.0, 7.6, 381.0, "slowly growing"), (6.0, 9.0, TWO_YEARS, "slowly growing"), (6.0, 9.1, TWO_YEARS, "growing"),
        (6.0, 7.6, None, "growing"), (6.0, 4.5, SIX_MONTHS, "stable"), (6.0, 4.4, SIX_MONTHS, "shrinking"),
    ],
)  # fmt: skip
def test_growth_is_more_than_one_and_a_half_millimetres_within_twelve_months(
    before: float, after: float, days: float | None, expected: str
) -> None:
    assert size_status(before, after, days) == expected


@pytest.mark.parametrize(
    ("before", "after", "days", "expected"),
    [
        (7.0, 7.0, SIX_MONTHS, "2"), (7.0, 7.0, 168.0, "2"), (7.0, 7.0, 167.0, "3"), (7.0, 7.0, None, "3"),
        (10.0, 10.0, THREE_MONTHS, "3"), (10.0, 9.0, THREE_MONTHS, "3"), (10.0, 10.0, TWO_MONTHS, "4A"),
        (10.0, 8.0, THREE_MONTHS, "3"), (16.0, 16.0, ONE_YEAR, "4B"), (5.0, 5.0, ONE_YEAR, "2"),
        (5.5, 6.0, SIX_MONTHS, "3"), (7.5, 8.0, SIX_MONTHS, "4A"), (14.5, 15.0, SIX_MONTHS, "4B"),
        (8.0, 7.9, TWO_MONTHS, "4A"), (10.0, 5.0, TWO_MONTHS, "2"),
    ],
)  # fmt: skip
def test_stable_solid_nodules_step_down_in_time_or_are_reclassed_when_they_cross_a_limit(
    before: float, after: float, days: float | None, expected: str
) -> None:
    facts = compared(NoduleFacts("solid", after), NoduleFacts("solid", before), days)
    assert category_of(facts).category == expected


def test_a_stable_airway_nodule_never_steps_down() -> None:
    proximal = frozenset({"airway-proximal"})
    prior = NoduleFacts("solid", 9.0, features=proximal)
    stable = compared(NoduleFacts("solid", 9.0, features=proximal), prior, SIX_MONTHS)
    assert category_of(stable).category == "4B"
    smaller = compared(NoduleFacts("solid", 6.0, features=proximal), prior, SIX_MONTHS)
    assert category_of(smaller).category == "4A"


def test_the_category_given_at_the_earlier_visit_is_the_one_that_steps_down() -> None:
    grown = compared(NoduleFacts("solid", 7.0), NoduleFacts("solid", 7.0), SIX_MONTHS)
    assert category_of(dataclasses.replace(grown, previous_category="4A")).category == "3"
    assert category_of(dataclasses.replace(grown, previous_category="4B")).category == "4B"


def test_non_solid_nodule_that_reaches_thirty_millimetres_is_reclassed_and_one_that_was_there_is_not() -> None:
    crossing = compared(NoduleFacts("ground-glass", 30.5), NoduleFacts("ground-glass", 29.5), SIX_MONTHS)
    staying = compared(NoduleFacts("ground-glass", 31.0), NoduleFacts("ground-glass", 30.0), SIX_MONTHS)
    assert [category_of(crossing).category, category_of(staying).category] == ["3", "2"]


def test_diameters_are_rounded_to_one_decimal_half_up_before_they_are_compared() -> None:
    assert [category("solid", size) for size in (5.949, 5.95, 7.94999, 7.95)] == ["2", "3", "3", "4A"]


def test_the_volume_never_decides() -> None:
    small = NoduleFacts("solid", 5.9, volume_mm3=500.0)
    assert category_of(small).category == "2"
    assert "500 mm³ (guideline's bracket: below 113)" in assess_lung_rads({1: small}).reason


def test_the_most_suspicious_nodule_decides_for_the_patient_and_its_row_is_named() -> None:
    facts = {
        1: NoduleFacts("ground-glass", 25.0),
        2: NoduleFacts("solid", 7.0),
        3: NoduleFacts("solid", 7.5),
        4: NoduleFacts("calcified", 18.0),
    }
    answer = assess_lung_rads(facts)
    assert (answer.category, answer.lesion_number, answer.row) == ("3", 3, "3-solid")
    assert dict(answer.by_lesion) == {"1": "2", "2": "3", "3": "3", "4": "1"}
    assert "6 months" in answer.next_step
    assert any("4X" in text for text in answer.missing)


def test_no_nodule_is_category_1_and_calcification_is_said_to_be_taken_as_complete() -> None:
    assert assess_lung_rads({}).category == "1"
    assert "complete calcification" in assess_lung_rads({1: NoduleFacts("calcified", 9.0)}).reason


@pytest.mark.parametrize("incomplete", ["prior-awaited", "not-evaluable", "inflammatory"])
def test_an_incomplete_examination_is_0_unless_a_nodule_needs_work_up_anyway(incomplete: str) -> None:
    assert assess_lung_rads({1: NoduleFacts("solid", 7.0)}, incomplete).category == "0"
    assert assess_lung_rads({}, incomplete).category == "0"
    assert assess_lung_rads({1: NoduleFacts("solid", 8.0)}, incomplete).category == "4A"


def test_a_juxtapleural_nodule_of_unknown_margin_says_what_a_reader_could_change() -> None:
    touching = frozenset({"juxtapleural"})
    assert any("margin" in text for text in assess_lung_rads({1: NoduleFacts("solid", 7.0, features=touching)}).missing)
    small = assess_lung_rads({1: NoduleFacts("solid", 5.0, features=touching)})
    assert not any("margin" in text for text in small.missing)


def test_every_row_of_the_table_can_decide() -> None:
    """A row that no nodule reaches would be a rule that silently never counts."""
    table = load_resource("rules/lung_rads_2022.json")
    words, sizes = set(table["features"]), [3.0, 5.0, 7.0, 9.0, 16.0, 31.0]
    pairs = [frozenset(), frozenset(BENIGN_SHAPE), *(frozenset({word}) for word in words)]
    pairs += [frozenset({"thick-walled", word}) for word in words] + [
        frozenset({"multilocular", word}) for word in words
    ]
    reached = set()
    for attenuation in ("solid", "part-solid", "ground-glass", "calcified", "cyst"):
        for status in ("baseline", "new", "growing", "slowly growing", "stable"):
            for features in pairs:
                for size in sizes:
                    for solid in (None, 3.0, 7.0, 9.0):
                        facts = NoduleFacts(attenuation, size, status, solid, features=features)
                        if attenuation != "cyst" or features & {"thick-walled", "multilocular"}:
                            reached.add(_row_or_none(facts))
    assert {row["id"] for row in table["rows"]} <= reached


def _row_or_none(facts: NoduleFacts) -> str | None:
    try:
        return category_of(facts).id
    except ValueError:
        return None


sizes = st.floats(1.0, 40.0)


@settings(deadline=None)
@given(
    attenuation=st.sampled_from(["solid", "part-solid", "ground-glass", "calcified"]),
    status=st.sampled_from(["baseline", "new", "growing", "slowly growing", "stable"]),
    small=sizes,
    rise=st.floats(0.0, 20.0),
    solid_share=st.floats(0.0, 1.0),
)
def test_a_bigger_nodule_of_the_same_kind_never_has_a_lower_category(
    attenuation: str, status: str, small: float, rise: float, solid_share: float
) -> None:
    def rank(size: float) -> int:
        solid = size * solid_share if attenuation == "part-solid" else None
        return category_rank(category_of(NoduleFacts(attenuation, size, status, solid)).category)

    assert rank(small) <= rank(small + rise)


@settings(deadline=None)
@given(before=sizes, after=sizes, rise=st.floats(0.0, 20.0), days=st.sampled_from([TWO_MONTHS, SIX_MONTHS, ONE_YEAR]))
def test_a_bigger_follow_up_never_lowers_the_category_of_a_nodule_that_did_not_shrink(
    before: float, after: float, rise: float, days: float
) -> None:
    def facts(size: float) -> NoduleFacts:
        return compared(NoduleFacts("solid", size), NoduleFacts("solid", before), days)

    smaller, larger = facts(after), facts(after + rise)
    if smaller.status != "shrinking":
        assert category_rank(category_of(smaller).category) <= category_rank(category_of(larger).category)
