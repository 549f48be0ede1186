"""Links between findings: matched, new, gone, not evaluable, split, merged."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import SimpleITK as sitk
from followup_records import SIZE, breathing_transform, lungs, nodule, registration, visit
from hypothesis import given, settings
from hypothesis import strategies as st

from AIImagingLogic.followup.link import Link
from AIImagingLogic.followup.matching import link_findings
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.timeline import LinkStatus

M, N, R, X = LinkStatus.MATCHED, LinkStatus.NEW, LinkStatus.RESOLVED, LinkStatus.NOT_EVALUABLE


def links(
    earlier: list[Finding], later: list[Finding], transform: sitk.Transform | None = None, **visits: object
) -> tuple[Link, ...]:
    first = dataclasses.replace(visit("baseline", *earlier), organs=visits.get("earlier_organs"))
    second = dataclasses.replace(visit("follow-up", *later), organs=visits.get("later_organs"))
    return link_findings(first, second, registration(transform, str(visits.get("kind", "deformable"))))


def outcome(found: tuple[Link, ...]) -> set[tuple[str | None, str | None, LinkStatus]]:
    return {(link.earlier_uid, link.later_uid, link.status) for link in found}


def only(found: tuple[Link, ...]) -> Link:
    assert len(found) == 1
    return found[0]


centers = st.tuples(*(st.integers(-60, 60).map(float) for _ in range(3)))
nodules = st.lists(st.tuples(centers, st.floats(4, 20)), min_size=0, max_size=8, unique_by=lambda entry: entry[0])


@settings(deadline=None)
@given(nodules)
def test_the_same_findings_under_the_identity_are_all_matched_with_themselves(
    places: list[tuple[tuple[float, float, float], float]],
) -> None:
    earlier = [nodule(f"a{n}", center, size) for n, (center, size) in enumerate(places)]
    later = [nodule(f"b{n}", center, size) for n, (center, size) in enumerate(places)]
    assert outcome(links(earlier, later)) == {(f"a{n}", f"b{n}", M) for n in range(len(places))}


@settings(deadline=None)
@given(nodules, nodules, st.randoms())
def test_the_order_of_the_findings_does_not_change_the_links(first: list, second: list, random: object) -> None:
    # Sizes differ a little, so that no two assignments cost the same.
    earlier = [nodule(f"a{n}", center, size + 0.01 * n) for n, (center, size) in enumerate(first)]
    later = [nodule(f"b{n}", center, size + 0.013 * n) for n, (center, size) in enumerate(second)]
    before = outcome(links(earlier, later))
    random.shuffle(earlier)  # type: ignore[attr-defined]
    random.shuffle(later)  # type: ignore[attr-defined]
    assert outcome(links(earlier, later)) == before


@settings(deadline=None)
@given(nodules, nodules)
def test_swapping_the_visits_swaps_the_links(first: list, second: list) -> None:
    shift = sitk.TranslationTransform(3, (5.0, -3.0, 8.0))
    earlier = [nodule(f"a{n}", center, size + 0.01 * n) for n, (center, size) in enumerate(first)]
    later = [nodule(f"b{n}", center, size + 0.013 * n) for n, (center, size) in enumerate(second)]
    forward = outcome(links(earlier, later, shift))
    backward = outcome(links(later, earlier, shift.GetInverse()))
    mirror = {M: M, N: R, R: N, X: X, LinkStatus.SPLIT: LinkStatus.MERGED, LinkStatus.MERGED: LinkStatus.SPLIT}
    assert {(b, a, mirror[status]) for a, b, status in forward} == backward


def test_distances_count_at_both_visits_so_that_the_direction_does_not_matter() -> None:
    """Where the registration doubles distances, a finding 12 mm off at one visit is 6 mm off at the other."""
    doubling = sitk.ScaleTransform(3, (2.0, 2.0, 2.0))
    first, second = [nodule("a", (0, 0, 0))], [nodule("b", (12, 0, 0))]
    assert outcome(links(first, second, doubling)) == {("a", "b", M)}
    assert outcome(links(second, first, doubling.GetInverse())) == {("b", "a", M)}


def test_findings_are_linked_through_the_deformation_not_by_their_place() -> None:
    transform = breathing_transform(20.0)
    low, high = (10.0, 0.0, -60.0), (10.0, 0.0, -42.0)
    earlier = [nodule("low", low), nodule("high", high)]
    later = [nodule(f"{n}'", transform.TransformPoint(center)) for n, center in (("low", low), ("high", high))]
    found = links(earlier, later, transform)
    assert outcome(found) == {("low", "low'", M), ("high", "high'", M)}
    assert all(link.distance_mm is not None and link.distance_mm < 0.01 for link in found)


def test_close_neighbours_are_not_swapped_when_the_registration_is_off_by_3_mm() -> None:
    """With an offset of 3 mm towards a neighbour 5 mm away, the neighbour is nearer than the finding itself."""
    earlier = [nodule("a1", (0, 0, 0), 4.0), nodule("a2", (5, 0, 0), 4.0)]
    later = [nodule("b1", (0, 0, 0), 4.0), nodule("b2", (5, 0, 0), 4.0)]
    off = sitk.TranslationTransform(3, (3.0, 0.0, 0.0))
    assert outcome(links(earlier, later, off)) == {("a1", "b1", M), ("a2", "b2", M)}


def test_volume_and_attenuation_decide_between_two_that_are_about_as_near() -> None:
    earlier = [nodule("a", (0, 0, 0), 8.0, "ground-glass")]
    by_kind = [nodule("solid", (6, 0, 0), 8.0, "solid"), nodule("glass", (-6, 0, 0), 8.0, "ground-glass")]
    by_size = [nodule("small", (5.2, 0, 0), 4.5, "ground-glass"), nodule("large", (-6, 0, 0), 8.5, "ground-glass")]
    assert ("a", "glass", M) in outcome(links(earlier, by_kind))
    assert ("a", "large", M) in outcome(links(earlier, by_size))


def test_a_nodule_that_grew_eightfold_is_still_the_same() -> None:
    assert only(links([nodule("a", (0, 0, 0), 6.0)], [nodule("b", (1, 0, 1), 12.0)])).status is M


def test_new_and_gone_nodules_say_how_far_the_nearest_finding_is() -> None:
    found = links([nodule("a", (0, 0, 0))], [nodule("b", (0, 40, 0))])
    assert outcome(found) == {("a", None, R), (None, "b", N)}
    assert all("40 mm" in link.reason for link in found)
    gone = next(link for link in found if link.status is R)
    assert gone.expected_later_mm == pytest.approx((0, 0, 0))


def test_a_looser_registration_allows_a_larger_distance() -> None:
    earlier, later = [nodule("a", (0, 0, 0))], [nodule("b", (14, 0, 0))]
    assert len(links(earlier, later)) == 2
    assert only(links(earlier, later, kind="rigid")).status is M


# The grid ends at 98.75 mm along z; a ball of 8 mm needs 4 mm of it.
@pytest.mark.parametrize(("z", "status"), [(94.0, R), (95.5, X), (110.0, X)])
def test_a_lesion_whose_place_was_not_imaged_is_not_evaluable_rather_than_gone(z: float, status: LinkStatus) -> None:
    shift = sitk.TranslationTransform(3, (0.0, 0.0, 60.0))
    link = only(links([nodule("a", (0, 0, z - 60))], [], shift))
    assert link.status is status
    if z == 110.0:
        assert "11 mm outside the image of the follow-up" in link.reason


@pytest.mark.parametrize(("z", "status"), [(94.0, N), (95.5, X), (110.0, X)])
def test_a_finding_whose_place_was_not_imaged_before_cannot_be_called_new(z: float, status: LinkStatus) -> None:
    shift = sitk.TranslationTransform(3, (0.0, 0.0, -60.0))
    link = only(links([], [nodule("b", (0, 0, z - 60))], shift))
    assert link.status is status
    if status is X:
        assert "baseline" in link.reason


def test_the_field_of_view_follows_the_axes_of_an_oblique_grid() -> None:
    """The same grid turned by 90 degrees about z has its long side along y: y = 94 mm lies in it."""
    turned = (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    first = visit("baseline", nodule("a", (0, 94, 0)))
    later = visit("follow-up")
    rotated = dataclasses.replace(later.info, direction=turned, origin_mm=(89.0, -100.0, -100.0))
    assert only(link_findings(first, later, registration())).status is X
    assert only(link_findings(first, dataclasses.replace(later, info=rotated), registration())).status is R


@pytest.mark.parametrize(("x", "status"), [(-20.0, R), (4.0, R), (5.0, X), (60.0, X)])
def test_a_place_outside_the_outlined_lungs_is_not_evaluable(x: float, status: LinkStatus) -> None:
    """The last lung voxels lie at x = -2 mm; a radius of 4 mm and a registration error of 2.5 mm count as lung."""
    inside = np.zeros(SIZE[::-1], dtype=bool)
    inside[:, :, :50] = True
    link = only(links([nodule("a", (x, 0, 0))], [], later_organs=lungs(inside)))
    assert link.status is status
    if status is X:
        assert "outside the lungs" in link.reason


def two_balls(center_1: tuple[float, ...], center_2: tuple[float, ...], diameter: float) -> sitk.Image:
    """An outline of 1 mm voxels around both centres, joined by a bar as wide as they are."""
    k, j, i = np.meshgrid(*(np.arange(-20, 21),) * 3, indexing="ij")
    points = np.stack([i, j, k], axis=-1).astype(float)
    line = np.linspace(center_1, center_2, 15)
    near = np.min([np.linalg.norm(points - place, axis=-1) for place in line], axis=0)
    mask = sitk.GetImageFromArray((near <= diameter / 2).astype(np.uint8))
    mask.SetOrigin((-20.0, -20.0, -20.0))
    return mask


def test_two_findings_in_the_outline_of_one_earlier_lesion_are_its_parts() -> None:
    whole = nodule("whole", (0, 0, 0), 14.0, mask=two_balls((-5, 0, 0), (5, 0, 0), 9.0))
    shift = sitk.TranslationTransform(3, (10.0, 20.0, 30.0))
    parts = [nodule("large", (5, 20, 30), 9.0), nodule("small", (15, 20, 30), 7.0)]
    found = links([whole], parts, shift)
    assert outcome(found) == {("whole", "large", LinkStatus.SPLIT), (None, "small", LinkStatus.SPLIT)}
    assert all("2 findings" in link.reason for link in found)


def test_two_lesions_in_the_outline_of_one_later_finding_have_merged() -> None:
    whole = nodule("whole", (0, 0, 0), 14.0, mask=two_balls((-5, 0, 0), (5, 0, 0), 9.0))
    parts = [nodule("small", (-5, 0, 0), 7.0), nodule("large", (5, 0, 0), 9.0)]
    found = links(parts, [whole])
    assert outcome(found) == {("large", "whole", LinkStatus.MERGED), ("small", None, LinkStatus.MERGED)}


def test_a_new_nodule_beside_an_outline_is_no_part_of_it() -> None:
    known = nodule("a", (0, 0, 0), 10.0, mask=two_balls((0, 0, 0), (0, 0, 0), 10.0))
    found = links([known], [nodule("b", (0, 0, 0), 10.0), nodule("c", (0, 9, 0), 5.0)])
    assert outcome(found) == {("a", "b", M), (None, "c", N)}


def test_findings_that_a_reader_rejected_are_left_out() -> None:
    rejected = dataclasses.replace(nodule("a", (0, 0, 0)), review=ReviewStatus.REJECTED)
    assert outcome(links([rejected], [nodule("b", (0, 0, 0))])) == {(None, "b", N)}
