"""What the follow-up checks before it runs, and what it warns of."""

from __future__ import annotations

import dataclasses
from datetime import datetime

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.followup.visit_order import visit_order
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.timeline import Visit
from AIImagingLogic.tasks.follow_up import follow_up, thick_slice_notes

BASELINE = ImageInfo(
    "CT", "HU", (10, 10, 10), (0.7, 0.7, 2.5), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0), "aa",
    acquired=datetime(2025, 3, 3, 9, 0), series_uid="1.2",
)  # fmt: skip


def test_a_later_visit_passes_and_so_does_an_undated_one() -> None:
    later = dataclasses.replace(BASELINE, content_hash="bb", series_uid="1.3", acquired=datetime(2025, 9, 1, 9, 0))
    undated = dataclasses.replace(BASELINE, content_hash="bb", series_uid="", acquired=None)
    assert visit_order((BASELINE, later), True) == visit_order((BASELINE, undated), True) == (0, 1)


@pytest.mark.parametrize(
    ("followup", "words"),
    [
        (dataclasses.replace(BASELINE, series_uid="1.3"), "same image"),
        (dataclasses.replace(BASELINE, content_hash="bb"), "same image"),
        (
            dataclasses.replace(BASELINE, content_hash="bb", series_uid="1.3", acquired=datetime(2025, 3, 3, 8, 59)),
            "dated before",
        ),
    ],
    ids=["same voxels", "same series", "a minute earlier"],
)
def test_the_same_image_or_an_earlier_one_is_no_follow_up(followup: ImageInfo, words: str) -> None:
    with pytest.raises(WrongImageError, match=words):
        visit_order((BASELINE, followup), in_given_order=True)


def test_a_visit_that_is_no_chest_ct_is_refused_by_its_name() -> None:
    chest = sitk.GetImageFromArray(np.linspace(-1000, 400, 20**3).reshape(20, 20, 20).astype(np.int16))
    magnetic = sitk.Image([20, 20, 20], sitk.sitkInt16) + 100
    later = dataclasses.replace(
        BASELINE, modality="MR", intensity_unit="", content_hash="bb", series_uid="1.3", acquired=datetime(2025, 9, 1)
    )
    with pytest.raises(WrongImageError, match=r"^Follow-up: "):
        follow_up(chest, BASELINE, magnetic, later)


def test_slices_over_2_5_mm_are_warned_of_whichever_axis_they_lie_on() -> None:
    thick = dataclasses.replace(BASELINE, spacing_mm=(2.51, 0.7, 0.7))
    notes = thick_slice_notes((Visit("baseline", BASELINE, None, ()), Visit("follow-up", thick, None, ())))
    assert len(notes) == 1
    assert notes[0].startswith("The follow-up has slices 2.5 mm apart")
