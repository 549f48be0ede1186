"""Timelines: numbers, colours, changes, growth and assessments of two visits."""

from __future__ import annotations

import dataclasses
import itertools
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from followup_records import breathing_transform, nodule, provenance, registration, visit

from AIImagingLogic.followup.fleischner import PatientFacts
from AIImagingLogic.followup.lesion_segmentation import lesion_segmentation
from AIImagingLogic.followup.timeline import make_timeline
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.json_form import load_record, save_record
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.timeline import Lesion, LinkStatus, Timeline

FIRST, LATER = datetime(2024, 1, 10, 9, 0), datetime(2024, 7, 10, 9, 0)


def follow(
    earlier: list[Finding],
    later: list[Finding],
    transform: sitk.Transform | None = None,
    dates: tuple[datetime | None, datetime | None] = (FIRST, LATER),
    patient: PatientFacts | None = None,
) -> Timeline:
    visits = (visit("baseline", *earlier, acquired=dates[0]), visit("follow-up", *later, acquired=dates[1]))
    return make_timeline(visits, (registration(transform),), provenance(), patient=patient)


def screening() -> Timeline:
    """One growing, one stable, one new, one gone and one calcified nodule, displaced by breathing."""
    transform = breathing_transform()

    def there(*center: float) -> tuple[float, ...]:
        return transform.TransformPoint(center)

    earlier = [
        nodule("gone", (40, 0, 40), 6.5),
        nodule("stable", (-40, 0, -40), 7.0),
        nodule("growing", (-40, 20, 30), 6.0),
        nodule("calcified", (50, -20, -20), 9.0, "calcified"),
    ]
    later = [
        nodule("new'", there(20, 30, 0), 5.0),
        nodule("calcified'", there(50, -20, -20), 9.1, "calcified"),
        nodule("growing'", there(-40, 20, 30), 9.0),
        nodule("stable'", there(-40, 0, -40), 7.1),
    ]
    return follow(earlier, later, transform)


def lesion_of(timeline: Timeline, uid: str) -> Lesion:
    return next(lesion for lesion in timeline.lesions if uid in lesion.observations)


def test_lesions_are_numbered_from_the_most_suspicious_on_and_gone_ones_last() -> None:
    timeline = screening()
    uids = [lesion.observations for lesion in timeline.lesions]
    assert uids == [
        ("growing", "growing'"),
        (None, "new'"),
        ("stable", "stable'"),
        ("calcified", "calcified'"),
        ("gone", None),
    ]
    assert [lesion.number for lesion in timeline.lesions] == [1, 2, 3, 4, 5]
    assert lesion_of(timeline, "gone").status is LinkStatus.RESOLVED
    assert lesion_of(timeline, "new'").status is LinkStatus.NEW


def test_lung_rads_of_the_patient_is_that_of_the_worst_lesion_and_every_seen_lesion_has_one() -> None:
    lung_rads, fleischner = screening().assessments
    assert (lung_rads.rules, lung_rads.category, lung_rads.lesion_number) == ("Lung-RADS v2022", "4B", 1)
    assert dict(lung_rads.by_lesion) == {"1": "4B", "2": "3", "3": "2", "4": "1"}
    assert fleischner.rules == "Fleischner 2017"
    assert set(fleischner.by_lesion) == {"1", "2", "3", "4"}


def test_changes_growth_and_doubling_time_of_a_linked_lesion() -> None:
    lesion = lesion_of(screening(), "growing")
    volume, diameter = lesion.change("volume"), lesion.change("mean_diameter")
    assert volume is not None
    assert diameter is not None
    assert (diameter.before, diameter.after, diameter.absolute) == (6.0, 9.0, 3.0)
    assert volume.percent == pytest.approx(100 * ((9 / 6) ** 3 - 1))
    assert lesion.growth is not None
    assert lesion.growth.label == "growing"
    # 182 days, volume times 3.375.
    assert lesion.growth.doubling_time_days == pytest.approx(182 * np.log(2) / np.log(3.375))
    assert lesion.match_distance_mm == pytest.approx(0.0, abs=0.01)


def test_numbers_and_colours_do_not_depend_on_the_order_of_the_findings() -> None:
    base = screening()
    orders = itertools.product(*(itertools.permutations(entry.findings) for entry in base.visits))
    for first, second in itertools.islice(orders, 0, None, 67):
        visits = tuple(
            dataclasses.replace(entry, findings=findings)
            for entry, findings in zip(base.visits, (first, second), strict=True)
        )
        assert make_timeline(visits, base.registrations, base.provenance).lesions == base.lesions


def test_expected_places_are_given_where_a_lesion_was_not_seen() -> None:
    timeline = screening()
    gone, new = lesion_of(timeline, "gone"), lesion_of(timeline, "new'")
    assert gone.expected_mm[0] is None
    assert gone.expected_mm[1] == pytest.approx(breathing_transform().TransformPoint((40.0, 0.0, 40.0)))
    assert new.expected_mm == (pytest.approx((20.0, 30.0, 0.0), abs=0.01), None)


def test_a_lesion_outside_the_later_image_makes_the_examination_incomplete() -> None:
    away = sitk.TranslationTransform(3, (0.0, 0.0, 60.0))
    timeline = follow([nodule("a", (0, 0, 60), 9.0), nodule("b", (0, 0, 0))], [nodule("b'", (0, 0, 60))], away)
    assert timeline.assessments[0].category == "0"
    assert any("outside the image" in text for text in timeline.assessments[0].missing)
    assert timeline.assessments[0].by_lesion == {"1": "3"}  # 8 mm, 4A, stable after 6 months


def test_a_finding_outside_the_earlier_image_is_judged_as_at_first_detection() -> None:
    away = sitk.TranslationTransform(3, (0.0, 0.0, -60.0))
    timeline = follow([], [nodule("b", (0, 0, 60), 6.5)], away)
    assert timeline.assessments[0].row == "3-solid"
    assert any("whether it is new" in text for text in timeline.assessments[0].missing)


def test_parts_of_a_split_lesion_have_no_change_and_each_finding_stands_in_one_lesion() -> None:
    timeline = follow([nodule("whole", (0, 0, 0), 18.0)], [nodule("p", (-5, 0, 0), 9.0), nodule("q", (6, 0, 0), 7.0)])
    assert [lesion.status for lesion in timeline.lesions] == [LinkStatus.SPLIT, LinkStatus.SPLIT]
    assert [lesion.changes for lesion in timeline.lesions] == [(), ()]
    assert [lesion.observations for lesion in timeline.lesions] == [("whole", "p"), (None, "q")]


def test_undated_visits_say_that_the_interval_is_missing() -> None:
    timeline = follow([nodule("a", (0, 0, 0), 7.0)], [nodule("b", (0, 0, 0), 7.1)], dates=(None, LATER))
    assert timeline.assessments[0].category == "3"
    assert any("interval" in text for text in timeline.assessments[0].missing)


def test_one_visit_is_assessed_as_at_first_detection() -> None:
    findings = [nodule("a", (0, 0, 0), 7.0), nodule("b", (30, 0, 0), 9.0, "part-solid", solid=6.5)]
    timeline = make_timeline((visit("baseline", *findings),), (), provenance(), patient=PatientFacts("low"))
    assert [lesion.observations for lesion in timeline.lesions] == [("b",), ("a",)]
    assert dict(timeline.assessments[0].by_lesion) == {"1": "4A", "2": "3"}


def test_no_findings_at_all_is_category_1() -> None:
    timeline = follow([], [])
    assert (timeline.lesions, timeline.assessments[0].category) == ((), "1")


@pytest.mark.parametrize("count", [0, 2])
def test_the_number_of_registrations_must_fit_the_visits(count: int) -> None:
    visits = (visit("baseline"), visit("follow-up"))
    with pytest.raises(ValueError, match="registration"):
        make_timeline(visits, (registration(),) * count, provenance())


def test_a_timeline_survives_its_file(tmp_path: Path) -> None:
    timeline = screening()
    save_record(timeline, tmp_path / "result.json")
    assert load_record(Timeline, tmp_path / "result.json").to_json() == timeline.to_json()


def test_lesions_at_both_visits_are_painted_with_their_number_and_colour() -> None:
    grid = sitk.Image([60, 60, 40], sitk.sitkInt16)
    grid.SetSpacing((1.0, 1.0, 2.0))
    grid.SetOrigin((-30.0, -30.0, -40.0))
    grid.SetDirection((0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    mask = sitk.RegionOfInterest(grid, [5, 6, 4], [20, 30, 10]) + 1
    finding = nodule("a", mask.TransformContinuousIndexToPhysicalPoint((2.0, 2.5, 1.5)), 5.0, mask=mask)
    timeline = follow([finding], [dataclasses.replace(finding, uid="b")])
    painted = lesion_segmentation(timeline, 1, grid)
    assert painted.image.GetDirection() == grid.GetDirection()
    assert np.argwhere(sitk.GetArrayFromImage(painted.image) == 1).min(axis=0).tolist() == [10, 30, 20]
    assert int((sitk.GetArrayViewFromImage(painted.image) == 1).sum()) == 5 * 6 * 4
    assert painted.segments[0].colour == timeline.lesions[0].colour


def test_lesion_colours_are_told_apart_and_seen_on_a_dark_image() -> None:
    colours = np.array(load_resource("rules/lesion_colours.json")["colours"], dtype=float)
    apart = np.linalg.norm(colours[:, None] - colours[None], axis=2)[~np.eye(len(colours), dtype=bool)]
    assert apart.min() > 40
    # Relative luminance against black of at least 3:1, as WCAG asks of graphics.
    linear = np.where(colours <= 10, colours / 3294, ((colours / 255 + 0.055) / 1.055) ** 2.4)
    assert ((linear @ [0.2126, 0.7152, 0.0722] + 0.05) / 0.05).min() > 3
