"""Findings merged and split by hand, on a grid that is oblique, flipped and anisotropic."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.images.geometry import grid_spacing, index_to_world, world_to_index
from AIImagingLogic.images.info import describe
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.errors import GeometryError, WrongImageError
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.finding_event import FindingAction
from AIImagingLogic.records.finding_list import FindingList
from AIImagingLogic.records.finding_review import retyped
from AIImagingLogic.records.finding_type import NoduleType
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.segmentation import Segment, Segmentation
from AIImagingLogic.tasks.edit_findings import merge_outlined, split_outlined
from AIImagingLogic.tasks.merge_findings import merge_findings
from AIImagingLogic.tasks.split_finding import split_finding

SIZE, SPACING = (44, 40, 30), (0.8, 1.0, 1.6)
# Two balls that meet in a circle, a third one apart: places (i, j, k) in mm from the first voxel, and radii.
LARGE, SMALL, FAR = ((13.0, 14.0, 20.0), 8.0), ((22.5, 14.0, 20.0), 4.0), ((14.0, 32.0, 38.0), 3.5)
NODULE = concept("lung-nodule")
WHEN = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def grid() -> sitk.Image:
    """Return lung (-800 HU) on an oblique grid whose second axis is flipped, with the three balls at 30 HU."""
    turned = np.array(sitk.VersorTransform((0.2, -0.15, 0.1, 0.95)).GetMatrix()).reshape(3, 3)
    image = sitk.GetImageFromArray(np.where(balls(LARGE, SMALL, FAR), 30, -800).astype(np.int16))
    image.SetSpacing(SPACING)
    image.SetOrigin((-31.0, 47.0, -103.0))
    image.SetDirection((turned @ np.diag([1.0, -1.0, 1.0])).ravel().tolist())
    return image


def balls(*given: tuple[tuple[float, float, float], float]) -> np.ndarray:
    """Return where they are: (k, j, i)."""
    k, j, i = np.indices(SIZE[::-1])
    place = np.stack([i, j, k], -1) * SPACING
    return np.any([((place - center) ** 2).sum(-1) <= radius**2 for center, radius in given], axis=0)


def scan() -> tuple[sitk.Image, ImageInfo]:
    image = grid()
    return image, describe(image, "CT", "HU")


def lungs(image: sitk.Image) -> Segmentation:
    """Return all voxels but the rim as the left lung."""
    labels = np.zeros(SIZE[::-1], np.uint8)
    labels[1:-1, 1:-1, 1:-1] = 1
    result = sitk.GetImageFromArray(labels)
    result.CopyInformation(image)
    return Segmentation(result, (Segment(1, "Left lung", concept("lung-left"), (0, 0, 255)),))


def finding(image: sitk.Image, inside: np.ndarray, name: str, score: float = 0.5) -> Finding:
    """Return the finding of voxels (k, j, i), its mask with a margin that its box does not have."""
    voxels = np.argwhere(inside)
    low, high = voxels.min(axis=0) - 1, voxels.max(axis=0) + 2
    whole = sitk.GetImageFromArray(inside.astype(np.uint8))
    whole.CopyInformation(image)
    start, length = [int(n) for n in low[::-1]], [int(n) for n in (high - low)[::-1]]
    mask = sitk.RegionOfInterest(whole, length, start)
    box = OrientedBox((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    words = {"attenuation": "solid", "side": "left", "contact": "vessel"}
    return Finding(f"2.25.{100 + sum(map(ord, name))}", name, box, score, NODULE, mask, (), words)


def voxels_in(image: sitk.Image, *findings: Finding) -> np.ndarray:
    """Return how many of the findings hold each voxel of the image: (k, j, i)."""
    count = np.zeros(SIZE[::-1], int)
    for entry in findings:
        assert entry.mask is not None
        found = np.argwhere(sitk.GetArrayViewFromImage(entry.mask) > 0)[:, ::-1]
        at = np.rint(world_to_index(image, index_to_world(entry.mask, found))).astype(int)
        np.add.at(count, tuple(at[:, ::-1].T), 1)
    return count


def test_merged_finding_is_the_union_measured_anew_under_the_uid_of_the_largest() -> None:
    image, info = scan()
    far = finding(image, balls(FAR), "Far", 0.9)
    large = finding(image, balls(LARGE, SMALL), "Large")
    merged = merge_findings(image, info, [far, large], reader="R2", when=WHEN)
    union = balls(LARGE, SMALL, FAR)
    assert np.array_equal(voxels_in(image, merged) > 0, union)
    assert (merged.uid, merged.name, merged.score) == (large.uid, "Large", 0.9)
    assert merged.value("volume") == pytest.approx(union.sum() * np.prod(SPACING))
    assert merged.value("mean_density") == pytest.approx(30.0)
    assert (merged.review, merged.reader, merged.reviewed) == (ReviewStatus.EDITED, "R2", WHEN)
    event = merged.history[-1]
    assert (event.action, event.findings) == (FindingAction.MERGED, (large.uid, far.uid))
    assert merge_findings(image, info, [large, far], reader="R2", when=WHEN).to_json() == merged.to_json()
    assert "contact" not in merged.descriptors
    assert merged.descriptors["side"] == "left"


def test_box_of_a_merged_finding_touches_the_union_along_the_axes_of_the_image() -> None:
    image, info = scan()
    union = balls(LARGE, FAR)
    merged = merge_findings(image, info, [finding(image, balls(FAR), "Far"), finding(image, balls(LARGE), "Large")])
    voxels = np.argwhere(union)[:, ::-1]
    first, last = voxels.min(axis=0), voxels.max(axis=0)
    axes = np.array(merged.box.axes)
    assert merged.box.center_mm == pytest.approx(index_to_world(image, (first + last) / 2))
    assert merged.box.size_mm == pytest.approx((last - first + 1) * np.array(SPACING))
    assert np.linalg.det(axes) == pytest.approx(1.0)
    assert np.abs(axes @ np.array(image.GetDirection()).reshape(3, 3)) == pytest.approx(np.eye(3))


def test_merged_lung_nodules_are_measured_as_the_detector_measures() -> None:
    image, info = scan()
    both = [finding(image, balls(LARGE), "Large"), finding(image, balls(SMALL), "Small")]
    merged = merge_findings(image, info, both, lungs(image))
    assert {"volume", "long_axis", "short_axis", "mass", "mean_density"} <= {made.name for made in merged.measurements}
    assert merged.descriptors["side"] == "left"
    volume = merged.measurement("volume")
    assert volume is not None
    assert volume.interval_95 is not None
    assert volume.value == pytest.approx(balls(LARGE, SMALL).sum() * np.prod(SPACING), rel=0.1)


def test_solid_part_and_stated_type_go_through_a_merge() -> None:
    image, info = scan()
    large, small = finding(image, balls(LARGE), "Large"), finding(image, balls(SMALL), "Small")
    core = sitk.Image(large.mask)
    core[10, 8, 6] = 2
    large = retyped(dataclasses.replace(large, mask=core), NoduleType.PART_SOLID)
    merged = merge_findings(image, info, [large, small])
    assert merged.mask is not None
    assert int((sitk.GetArrayViewFromImage(merged.mask) == 2).sum()) == 1
    assert (merged.stated_type, merged.type) == (NoduleType.PART_SOLID, NoduleType.PART_SOLID)
    assert merged.descriptors["attenuation"] == "part-solid"
    other = merge_findings(image, info, [large, retyped(small, NoduleType.PERIFISSURAL)])
    assert other.stated_type is None


def test_connected_parts_are_split_and_merge_to_what_they_were() -> None:
    image, info = scan()
    whole = finding(image, balls(LARGE, SMALL, FAR), "Nodule 3")
    first, second = split_finding(image, info, whole)
    assert np.array_equal(voxels_in(image, first) > 0, balls(LARGE, SMALL))
    assert np.array_equal(voxels_in(image, second) > 0, balls(FAR))
    assert [entry.name for entry in (first, second)] == ["Nodule 3", "Nodule 3 b"]
    assert first.uid == whole.uid != second.uid
    assert split_finding(image, info, whole)[1].uid == second.uid
    assert second.history[-1].findings == (whole.uid,)
    again = merge_findings(image, info, [second, first])
    assert again.uid == whole.uid
    assert [event.action for event in again.history] == [FindingAction.SPLIT, FindingAction.MERGED]
    assert np.array_equal(voxels_in(image, again), voxels_in(image, whole))


def test_marks_cut_two_balls_where_they_meet_and_not_half_way() -> None:
    image, info = scan()
    whole = finding(image, balls(LARGE, SMALL), "Nodule 1")
    # Off the centres, as a person sets them.
    marks = [_place(image, center, shift) for (center, _), shift in ((LARGE, (2, -1, 1)), (SMALL, (1, 0, -1)))]
    large, small = split_finding(image, info, whole, marks)
    assert np.array_equal(voxels_in(image, large, small), balls(LARGE, SMALL).astype(int))
    # The balls meet in a circle whose plane lies 2.5 mm off the middle between the centres. A border one and a half
    # steps (of .8 mm) off it moves 20 % of the small part's voxels, one half way 86 %.
    k, j, i = np.indices(SIZE[::-1])
    place = np.stack([i, j, k], -1) * SPACING
    powers = [((place - np.array(center)) ** 2).sum(-1) - radius**2 for center, radius in (LARGE, SMALL)]
    truth = balls(LARGE, SMALL) & (powers[1] < powers[0])
    found = voxels_in(image, small) > 0
    assert np.count_nonzero(found ^ truth) <= 0.2 * np.count_nonzero(truth)


def test_marks_that_no_neck_parts_share_the_outline_by_the_nearer() -> None:
    image, info = scan()
    whole = finding(image, balls(LARGE), "Nodule 1")
    parts = split_finding(image, info, whole, [_place(image, LARGE[0], (d, 0, 0)) for d in (-3.0, 3.0)])
    voxels = [np.count_nonzero(voxels_in(image, part)) for part in parts]
    assert sum(voxels) == np.count_nonzero(balls(LARGE))
    assert min(voxels) > 0.4 * sum(voxels)


def test_what_cannot_be_merged_or_split_is_said() -> None:
    image, info = scan()
    large, far = finding(image, balls(LARGE), "Large"), finding(image, balls(FAR), "Far")
    with pytest.raises(WrongImageError, match="two findings"):
        merge_findings(image, info, [large, large])
    with pytest.raises(GeometryError, match="'Far' has no outline"):
        merge_findings(image, info, [large, dataclasses.replace(far, mask=None)])
    with pytest.raises(GeometryError, match="'Large' does not lie on the voxels"):
        merge_findings(image[3:, :, :18], info, [large, far])
    with pytest.raises(GeometryError, match="one connected part"):
        split_finding(image, info, large)
    with pytest.raises(GeometryError, match="One mark"):
        split_finding(image, info, large, [_place(image, LARGE[0])])
    with pytest.raises(GeometryError, match="Mark 2 does not lie"):
        split_finding(image, info, large, [_place(image, LARGE[0]), _place(image, FAR[0])])
    with pytest.raises(GeometryError, match="one voxel"):
        split_finding(image, info, large, [_place(image, LARGE[0])] * 2)
    with pytest.raises(ValueError, match="time zone"):
        merge_findings(image, info, [large, far], when=datetime(2026, 1, 1))


def test_panel_jobs_take_label_images_and_times_as_text() -> None:
    image, info = scan()
    given = [dataclasses.replace(finding(image, balls(ball), name), concept=concept("lesion")) for ball, name in PAIR]
    outlines = [_whole(image, balls(ball)) for ball, _ in PAIR]
    bare = FindingList(tuple(dataclasses.replace(entry, mask=None) for entry in given))
    merged = merge_outlined(image, info, outlines, bare, "R1", "2026-03-02T10:00:00+01:00")
    assert np.array_equal(voxels_in(image, merged) > 0, balls(LARGE, FAR))
    assert merged.reviewed is not None
    assert merged.reviewed.isoformat() == "2026-03-02T10:00:00+01:00"
    parts = split_outlined(image, info, _whole(image, balls(LARGE, FAR)), bare.findings[0])
    assert [entry.name for entry in parts.findings] == ["Large", "Large b"]
    with pytest.raises(GeometryError, match="empty"):
        split_outlined(image, info, outlines[0] * 0, bare.findings[0])


def test_panel_jobs_find_the_solid_part_that_a_label_image_does_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    image, info = scan()

    def with_core(image: sitk.Image, info: ImageInfo, mask: sitk.Image, *others: object) -> sitk.Image:
        """Stand for the outline model, which takes seconds: what lies around the middle is solid."""
        values = sitk.GetArrayFromImage(mask)
        middle = np.argwhere(values).mean(axis=0)
        near = np.linalg.norm((np.moveaxis(np.indices(values.shape), 0, -1) - middle) * SPACING[::-1], axis=-1) < 2.5
        values[near & (values > 0)] = 2
        result = sitk.GetImageFromArray(values)
        result.CopyInformation(mask)
        return result

    monkeypatch.setattr("AIImagingLogic.tasks.edit_findings.lungs_around", lambda image, *others: lungs(image))
    monkeypatch.setattr("AIImagingLogic.tasks.edit_findings.with_solid_part", with_core)
    bare = FindingList(tuple(dataclasses.replace(finding(image, balls(ball), name), mask=None) for ball, name in PAIR))
    merged = merge_outlined(image, info, [_whole(image, balls(ball)) for ball, _ in PAIR], bare)
    assert merged.mask is not None
    assert len(np.unique(sitk.GetArrayViewFromImage(merged.mask))) == 3
    parts = split_outlined(image, info, _whole(image, balls(LARGE, FAR)), bare.findings[0])
    solid = [int((sitk.GetArrayViewFromImage(part.mask) == 2).sum()) for part in parts.findings]
    assert max(solid) > 0


PAIR = ((LARGE, "Large"), (FAR, "Far"))


def _whole(image: sitk.Image, inside: np.ndarray) -> sitk.Image:
    labels = sitk.GetImageFromArray(inside.astype(np.uint8))
    labels.CopyInformation(image)
    return labels


def _place(
    image: sitk.Image, center: tuple[float, float, float], shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> tuple[float, float, float]:
    x, y, z = index_to_world(image, (np.array(center) + shift) / grid_spacing(image)).tolist()
    return x, y, z
