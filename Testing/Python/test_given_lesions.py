"""Lesions that others drew or reported, followed through visits of any modality."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from given_lesion_visits import info_of, one_segment, place_mm, scan

from AIImagingLogic.cli.follow_given_lesions import follow_given_lesions
from AIImagingLogic.dicom.coded_mask import CodedMask
from AIImagingLogic.dicom.seg_writing import write_seg
from AIImagingLogic.dicom.source_series import read_source
from AIImagingLogic.dicom.sr_writing import Observation, write_sr
from AIImagingLogic.followup.lesion_segmentation import lesion_segmentation
from AIImagingLogic.images.dicom_writing import write_ct_series
from AIImagingLogic.images.suv import SUV_UNIT
from AIImagingLogic.measure.lesion_of_modality import outline_diameters
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.errors import GeometryError, WrongImageError
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.given_lesions import GivenLesions, LesionSource
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.timeline import LinkStatus

A, B, C = (20.0, 20.0, 15.0), (36.0, 30.0, 24.0), (30.0, 18.0, 12.0)
SHIFT = 6.0
Visits = tuple[list[sitk.Image], list[sitk.Image]]
VisitsWithInfos = tuple[list[sitk.Image], list[ImageInfo], list[sitk.Image]]


def drawn(labels: sitk.Image) -> GivenLesions:
    return GivenLesions(LesionSource.DRAWN, (one_segment(labels),))


def visits() -> Visits:
    """Two scans: A halves its uptake and keeps its size, B is gone, C is new; all moved by 6 mm."""
    before = [(place_mm(*A), 14.0, 8.0), (place_mm(*B), 16.0, 6.0)]
    after = [(place_mm(*A, SHIFT), 14.0, 4.0), (place_mm(*C, SHIFT), 12.0, 5.0)]
    pairs = [scan(before), scan(after, SHIFT)]
    return [image for image, _ in pairs], [labels for _, labels in pairs]


@pytest.fixture(scope="module")
def pet() -> Visits:
    return visits()


@pytest.fixture(scope="module")
def ct(pet: Visits) -> VisitsWithInfos:
    """The same as CT: air of -1000 HU, a body of 0 HU."""
    images = [1000 * image - 1000 for image in pet[0]]
    return images, [info_of(image, day, "CT", "HU") for image, day in zip(images, (1, 60))], pet[1]


def test_drawn_lesions_of_pet_are_linked_and_their_uptake_is_measured_at_both_visits(pet: Visits) -> None:
    images, labels = pet
    # Given the wrong way round: the dates say the order.
    infos = [info_of(images[0], 1, "PT", SUV_UNIT), info_of(images[1], 60, "PT", SUV_UNIT)]
    timeline = follow_given_lesions(images[::-1], infos[::-1], [drawn(entry) for entry in labels[::-1]])
    by_status = {lesion.status: lesion for lesion in timeline.lesions}
    assert set(by_status) == {LinkStatus.MATCHED, LinkStatus.RESOLVED, LinkStatus.NEW}
    matched = by_status[LinkStatus.MATCHED]
    uptake = matched.change("suv_max")
    assert uptake is not None and uptake.percent == pytest.approx(-50, abs=3) and uptake.beyond_error
    seen = timeline.visits[0].finding(matched.observations[0])
    assert seen is not None and seen.value("suv_peak") == pytest.approx(8.0, rel=0.02)
    assert seen.value("long_axis") == pytest.approx(28.0, abs=4.0)
    assert seen.value("mean_density") is None
    assert timeline.assessments == () and any("Guidelines for lung nodules were not" in n for n in timeline.notes)
    assert "Lesions: baseline drawn in the scene (2); follow-up drawn in the scene (2)." in timeline.notes
    segments = lesion_segmentation(timeline, 0, images[0]).segments
    assert {segment.concept.key for segment in segments} == {"lesion"}


def test_values_of_mr_and_of_pet_without_a_unit_are_left_out_and_the_notes_say_so(pet: Visits) -> None:
    images, labels = pet
    for modality, told in (("MR", "no unit: sizes are measured, signal is not"), ("PT", "No SUV was measured")):
        infos = [info_of(image, day, modality) for image, day in zip(images, (1, 60))]
        timeline = follow_given_lesions(images, infos, [drawn(entry) for entry in labels])
        names = {entry.name for visit in timeline.visits for found in visit.findings for entry in found.measurements}
        assert names == {"volume", "long_axis", "short_axis", "mean_diameter"}
        assert any(told in note for note in (*timeline.notes, *timeline.visits[0].info.notes))


def test_points_and_lines_are_followed_without_volume_and_a_visit_may_show_no_lesion(ct: VisitsWithInfos) -> None:
    images, infos, _labels = ct
    x, y, z = place_mm(*A)
    line = GivenLesions(LesionSource.DRAWN, (), (OrientedBox((x, y, z), (28, 28, 28)),), ("Target 1",), (28.0,))
    later = GivenLesions(
        LesionSource.DRAWN,
        (),
        (OrientedBox((x + SHIFT, y, z), (20, 20, 20)), OrientedBox(place_mm(*C, SHIFT), (10, 10, 10))),
        ("Target 1", "New"),
        (20.0, None),
    )
    timeline = follow_given_lesions(images, infos, [line, later])
    matched = next(lesion for lesion in timeline.lesions if lesion.status is LinkStatus.MATCHED)
    change = matched.change("long_axis")
    assert change is not None and (change.before, change.after) == (28.0, 20.0)
    assert any("3 lesions were given without an outline" in note for note in timeline.notes)
    nothing = follow_given_lesions(images, infos, [line, GivenLesions(LesionSource.NONE)])
    assert [lesion.status for lesion in nothing.lesions] == [LinkStatus.RESOLVED]
    assert any("follow-up none, as stated" in note for note in nothing.notes)


def test_segmentation_on_a_finer_grid_is_resampled_and_one_of_another_place_is_refused(ct: VisitsWithInfos) -> None:
    images, infos, labels = ct
    fine = sitk.Expand(labels[0], [2, 2, 2], sitk.sitkNearestNeighbor)
    timeline = follow_given_lesions(images, infos, [drawn(fine), drawn(labels[1])])
    plain = follow_given_lesions(images, infos, [drawn(entry) for entry in labels])
    volumes = [[found.value("volume") for found in made.visits[0].findings] for made in (timeline, plain)]
    assert volumes[0] == pytest.approx(volumes[1], rel=0.1)
    assert any("resampled to the grid" in note for note in timeline.notes)
    away = sitk.Image(labels[0])
    away.SetOrigin((5000.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="outside the image"):
        follow_given_lesions(images, infos, [drawn(away), drawn(labels[1])])


def test_report_of_another_program_is_followed_and_keeps_its_own_measurements(
    ct: VisitsWithInfos, tmp_path: Path
) -> None:
    images, infos, labels = ct
    report = _report(images[0], labels[0], tmp_path)
    timeline = follow_given_lesions(images, infos, [GivenLesions(LesionSource.REPORT, report=report), drawn(labels[1])])
    assert sorted(lesion.status.value for lesion in timeline.lesions) == ["matched", "new", "resolved"]
    first = timeline.visits[0].findings[0]
    # The long axis is the other program's; the short one it did not state, so it is measured here.
    assert first.value("long_axis") == 26.5 and first.value("short_axis") == pytest.approx(28.0, abs=4.0)
    assert first.uid != TRACKING_UID and first.concept.key == "lesion"
    assert any("baseline of a DICOM report (2); follow-up drawn in the scene (2)" in note for note in timeline.notes)


TRACKING_UID = "1.2.826.0.1.3680043.8.498.41"


def _report(image: sitk.Image, labels: sitk.Image, folder: Path) -> str:
    """Write a report of the lesions with their SEG, as another program does; return its path."""
    whole = sitk.Clamp(sitk.Round(image), sitk.sitkInt16, -1024, 8000)
    write_ct_series(whole, folder / "series", acquired=datetime(2025, 1, 2), description="CT", patient_id="SOMEBODY")
    source = read_source(folder / "series")
    kind, observations, masks = concept("lesion"), [], []
    for number in (1, 2):
        mask = CodedMask(
            f"Lesion {number}", kind, kind.colour, labels == number, f"L{number}", f"{TRACKING_UID}.{number}"
        )
        masks.append(mask)
        box = OrientedBox((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
        found = Finding(f"1.2.{number}", mask.name, box, 1.0, kind, mask.mask, (measurement("long_axis", 26.5),))
        observations.append(Observation(found, mask.tracking_id, mask.tracking_uid, number))
    seg = write_seg(masks, whole, source, folder / "seg.dcm")
    write_sr(observations, source, folder / "sr.dcm", seg=seg)
    return str(folder / "sr.dcm")


def test_lung_nodules_on_pet_are_refused(pet: Visits) -> None:
    images, labels = pet
    infos = [info_of(image, day, "PT", SUV_UNIT) for image, day in zip(images, (1, 60))]
    with pytest.raises(WrongImageError, match="other lesions"):
        follow_given_lesions(images, infos, [drawn(entry) for entry in labels], nodules=True)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 0.9, 3.0)])
@pytest.mark.parametrize("flipped", [False, True])
def test_diameters_of_an_outline_are_those_of_the_ellipsoid_whatever_the_axes(
    spacing: tuple[float, float, float], flipped: bool
) -> None:
    # Axial section of 30 x 18 mm; along the patient 40 mm, which axial diameters must not see.
    size = [int(60 / step) for step in spacing]
    index = np.stack(np.meshgrid(*(np.arange(n) for n in size), indexing="ij"), axis=-1)
    offset = (index - (np.array(size) - 1) / 2) * spacing
    inside = np.sum((offset / (15.0, 9.0, 20.0)) ** 2, axis=-1) <= 1
    mask = sitk.GetImageFromArray(inside.transpose(2, 1, 0).astype(np.uint8))
    mask.SetSpacing(spacing)
    if flipped:
        mask.SetDirection((-1, 0, 0, 0, 1, 0, 0, 0, -1))
    axes = outline_diameters(mask)
    assert axes is not None
    # Half a voxel at each end.
    assert axes.long_axis_mm == pytest.approx(30.0, abs=spacing[0])
    assert axes.short_axis_mm == pytest.approx(18.0, abs=spacing[1])
    assert outline_diameters(mask * 0) is None
