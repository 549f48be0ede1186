"""A lesion seen at one visit is looked for again at the other, and only what is like it is taken."""

from __future__ import annotations

import dataclasses
from datetime import datetime

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.followup.link import Link
from AIImagingLogic.images.info import describe
from AIImagingLogic.models.protocols import Candidate
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.segmentation import Segment, Segmentation
from AIImagingLogic.records.timeline import LinkStatus, Visit
from AIImagingLogic.tasks.detect import outline_and_measure
from AIImagingLogic.tasks.same_lesion import shared_shape
from AIImagingLogic.tasks.second_look import NOT_PROPOSED, Wanted, look_again, wanted_lesions

CENTER = (4.0, -6.0, 8.0)
ELSEWHERE = (-14.0, 12.0, -10.0)
ON_VESSEL = (16.0, 14.0, 0.0)
IN_LUNG = (-18.0, -16.0, 14.0)


@pytest.fixture(scope="module")
def chest() -> tuple[sitk.Image, Visit]:
    """A lung of air density with two solid balls of 8 and 16 mm and an upright vessel of 4 mm; no findings yet."""
    spacing = np.array((0.8, 0.8, 1.25))
    size = (80, 80, 52)
    origin = -spacing * (np.array(size) - 1) / 2
    z, y, x = (origin[axis] + spacing[axis] * np.arange(size[axis]) for axis in (2, 1, 0))
    points = np.stack(np.meshgrid(z, y, x, indexing="ij")[::-1], axis=-1)
    values = np.full(points.shape[:3], -860.0)
    for center, diameter in ((CENTER, 8.0), (ELSEWHERE, 16.0)):
        depth = diameter / 2 - np.linalg.norm(points - center, axis=-1)
        values += 890 * np.clip(depth / 1.0 + 0.5, 0, 1)
    across = 2.0 - np.linalg.norm((points - ON_VESSEL)[..., :2], axis=-1)
    values += 890 * np.clip(across / 1.0 + 0.5, 0, 1)
    values += np.random.default_rng(3).normal(0, 15, values.shape)
    image = grid(values.astype(np.int16), spacing, origin)
    lung = concept("lung-right")
    organs = Segmentation(grid(np.ones(size[::-1], np.uint8), spacing, origin), (Segment(1, "R", lung, lung.colour),))
    info = describe(image, modality="CT", intensity_unit="HU", acquired=datetime(2025, 3, 3))
    return image, Visit("follow-up", info, organs, ())


def grid(values: np.ndarray, spacing: np.ndarray, origin: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(origin.tolist())
    return image


def seen(chest: tuple[sitk.Image, Visit]) -> Wanted:
    """The small ball as it was found at the other visit, expected 1.5 mm beside its place."""
    image, visit = chest
    assert visit.organs is not None
    finding = outline_and_measure(image, visit.info, visit.organs, [Candidate(CENTER, 8.0, 0.9)], Progress())[0]
    return Wanted(finding, (CENTER[0] + 1.5, CENTER[1], CENTER[2]))


def test_a_doubtful_candidate_at_the_expected_place_becomes_a_finding(chest: tuple[sitk.Image, Visit]) -> None:
    image, visit = chest
    again = look_again(image, visit, [Candidate(CENTER, 7.0, 0.1)], [seen(chest)], Progress()).visit
    assert [finding.score for finding in again.findings] == [0.1]
    assert again.findings[0].box.center_mm == pytest.approx(CENTER, abs=0.5)  # within a voxel


def test_without_a_candidate_the_expected_place_itself_is_outlined(chest: tuple[sitk.Image, Visit]) -> None:
    image, visit = chest
    wanted = seen(chest)
    look = look_again(image, visit, [], [wanted], Progress())
    (found,) = look.visit.findings
    assert found.score == NOT_PROPOSED
    assert found.box.center_mm == pytest.approx(CENTER, abs=0.5)  # within a voxel
    # The same voxels outlined from a seed 1.5 mm beside: its own repeatability.
    assert found.value("volume") == pytest.approx(wanted.seen.value("volume"), rel=0.1)
    assert "looked for" in look.said[found.uid]


def test_nothing_is_made_up_at_a_place_without_the_lesion(chest: tuple[sitk.Image, Visit]) -> None:
    image, visit = chest
    for place in (ON_VESSEL, IN_LUNG):
        look = look_again(image, visit, [], [dataclasses.replace(seen(chest), expected_mm=place)], Progress())
        assert look.visit.findings == ()
        assert "without success" in look.said[seen(chest).seen.uid]


def test_a_lesion_elsewhere_or_of_another_size_is_not_taken(chest: tuple[sitk.Image, Visit]) -> None:
    image, visit = chest
    far = Candidate(ELSEWHERE, 16.0, 0.1)
    away = dataclasses.replace(seen(chest), expected_mm=IN_LUNG)
    assert look_again(image, visit, [far], [away], Progress()).visit.findings == ()
    large_at_the_place = dataclasses.replace(seen(chest), expected_mm=ELSEWHERE)
    assert look_again(image, visit, [far], [large_at_the_place], Progress()).visit.findings == ()


def test_a_lesion_already_found_is_not_found_twice(chest: tuple[sitk.Image, Visit]) -> None:
    image, visit = chest
    wanted = seen(chest)
    known = dataclasses.replace(visit, findings=(wanted.seen,))
    again = look_again(image, known, [Candidate(CENTER, 7.0, 0.1)], [wanted], Progress()).visit
    assert again.findings == (wanted.seen,)


def test_only_places_that_the_other_image_shows_are_looked_at(chest: tuple[sitk.Image, Visit]) -> None:
    earlier = dataclasses.replace(seen(chest).seen, uid="1.1")
    later = dataclasses.replace(seen(chest).seen, uid="1.2")
    links = [
        Link("1.1", None, LinkStatus.RESOLVED, "", None, None, CENTER),
        Link("1.1", None, LinkStatus.NOT_EVALUABLE, "", None, None, CENTER),
        Link(None, "1.2", LinkStatus.NEW, "", None, ELSEWHERE),
        Link("1.1", "1.2", LinkStatus.MATCHED, "", 1.0),
    ]
    visit = chest[1]
    assert wanted_lesions(links, dataclasses.replace(visit, findings=(earlier,))) == (Wanted(earlier, CENTER),)
    assert wanted_lesions(links, dataclasses.replace(visit, findings=(later,))) == (Wanted(later, ELSEWHERE),)


def test_a_ball_shares_its_shape_with_a_ball_and_not_with_a_rod() -> None:
    ball, rod = np.zeros((30, 30, 30), np.uint8), np.zeros((30, 30, 30), np.uint8)
    z, y, x = np.indices(ball.shape) - 14.5
    ball[x**2 + y**2 + z**2 < 36] = 1
    rod[(x**2 + y**2 < 6) & (np.abs(z) < 14)] = 1
    first, second, third = (grid(one, np.ones(3), np.array(origin)) for one, origin in
                            ((ball, (0.0, 0, 0)), (ball, (40.0, -9, 3)), (rod, (0.0, 0, 0))))  # fmt: skip
    assert shared_shape(first, second) == pytest.approx(1.0, abs=0.02)
    # Of the rod's 26 mm along its axis the ball holds up to 12 mm.
    assert shared_shape(first, third) < 0.5
    assert shared_shape(first, None) == 0.0
