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
from AIImagingLogic.tasks.second_look import Wanted, look_again, wanted_earlier, wanted_later

CENTER = (4.0, -6.0, 8.0)
ELSEWHERE = (-14.0, 12.0, -10.0)


@pytest.fixture(scope="module")
def chest() -> tuple[sitk.Image, Visit]:
    """A lung of air density with two solid balls of 8 and 16 mm, and no findings yet."""
    spacing = np.array((0.8, 0.8, 1.25))
    size = (80, 80, 52)
    origin = -spacing * (np.array(size) - 1) / 2
    z, y, x = (origin[axis] + spacing[axis] * np.arange(size[axis]) for axis in (2, 1, 0))
    points = np.stack(np.meshgrid(z, y, x, indexing="ij")[::-1], axis=-1)
    values = np.full(points.shape[:3], -860.0)
    for center, diameter in ((CENTER, 8.0), (ELSEWHERE, 16.0)):
        depth = diameter / 2 - np.linalg.norm(points - center, axis=-1)
        values += 890 * np.clip(depth / 1.0 + 0.5, 0, 1)
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
    again = look_again(image, visit, [Candidate(CENTER, 7.0, 0.1)], [seen(chest)], Progress())
    assert [finding.score for finding in again.findings] == [0.1]
    assert again.findings[0].box.center_mm == pytest.approx(CENTER, abs=0.5)  # within a voxel


def test_a_candidate_elsewhere_or_of_another_size_is_not_taken(chest: tuple[sitk.Image, Visit]) -> None:
    image, visit = chest
    wanted = seen(chest)
    far = Candidate(ELSEWHERE, 16.0, 0.1)
    assert look_again(image, visit, [far], [wanted], Progress()).findings == ()
    large_at_the_place = dataclasses.replace(wanted, expected_mm=ELSEWHERE)
    assert look_again(image, visit, [far], [large_at_the_place], Progress()).findings == ()


def test_a_lesion_already_found_is_not_found_twice(chest: tuple[sitk.Image, Visit]) -> None:
    image, visit = chest
    wanted = seen(chest)
    known = dataclasses.replace(visit, findings=(wanted.seen,))
    assert look_again(image, known, [Candidate(CENTER, 7.0, 0.1)], [wanted], Progress()).findings == (wanted.seen,)


def test_only_places_that_the_other_image_shows_are_looked_at(chest: tuple[sitk.Image, Visit]) -> None:
    finding = seen(chest).seen
    visit = dataclasses.replace(chest[1], findings=(finding,))
    gone = Link(finding.uid, None, LinkStatus.RESOLVED, "", None, None, CENTER)
    outside = Link(finding.uid, None, LinkStatus.NOT_EVALUABLE, "", None, None, CENTER)
    new = Link(None, finding.uid, LinkStatus.NEW, "", None, CENTER)
    assert wanted_later([gone, outside, new], visit) == (Wanted(finding, CENTER),)
    assert wanted_earlier([gone, outside, new], visit) == (Wanted(finding, CENTER),)
