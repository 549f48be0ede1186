"""A follow-up written by hand, with every kind of lesion, for tests of what is made from a timeline."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.provenance import ModelUse, Provenance, StageCost
from AIImagingLogic.records.registration import Registration, RegistrationQuality
from AIImagingLogic.records.segmentation import Segment, Segmentation
from AIImagingLogic.records.timeline import Assessment, Change, Growth, Lesion, LinkStatus, Timeline, Visit

PATIENT_UID = "1.2.826.0.1.3680043.8.498.777"
BASELINE_DATE = datetime(2024, 1, 10, 9, 30)
FOLLOWUP_DATE = datetime(2024, 7, 8, 10, 0)


def _info(acquired: datetime, spacing: tuple[float, float, float], kernel: str) -> ImageInfo:
    return ImageInfo(
        modality="CT",
        intensity_unit="HU",
        size=(400, 400, 250),
        spacing_mm=spacing,
        origin_mm=(-140.0, -140.0, -300.0),
        direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
        content_hash=("ab" if acquired == BASELINE_DATE else "cd") * 32,
        acquired=acquired,
        study_uid=f"{PATIENT_UID}.1",
        series_uid=f"{PATIENT_UID}.2",
        slice_thickness_mm=spacing[2],
        kernel=kernel,
        notes=("Slices are 1.25 mm apart but 2.00 mm thick.",) if acquired == FOLLOWUP_DATE else (),
    )


def _finding(
    uid: str, mean_mm: float, volume_mm3: float, attenuation: str, place: tuple[str, str, str], **more: float
) -> Finding:
    side, third, contact = place
    return Finding(
        uid=f"1.2.3.{uid}",
        name=f"Nodule {uid}",
        box=OrientedBox((40.0, -20.5, -120.25), (mean_mm, mean_mm, mean_mm)),
        score=0.93,
        concept=concept("lung-nodule"),
        measurements=(
            measurement("volume", volume_mm3, (volume_mm3 * 0.8, volume_mm3 * 1.2)),
            measurement("long_axis", mean_mm * 1.1),
            measurement("short_axis", mean_mm * 0.9),
            measurement("mean_diameter", mean_mm),
            measurement("mean_density", more.pop("density", -40.0)),
            *(measurement(name, value) for name, value in more.items()),
        ),
        descriptors={"attenuation": attenuation, "side": side, "third": third, "contact": contact},
    )


def _volume_change(before: float, after: float, beyond: bool) -> Change:
    percent = 100 * (after / before - 1)
    return Change("volume", "mm3", before, after, after - before, percent, (percent - 38, percent + 38), beyond)


def _diameter_change(before: float, after: float, name: str = "mean_diameter") -> Change:
    return Change(name, "mm", before, after, after - before, 100 * (after / before - 1))


def _lungs(scale: float) -> Segmentation:
    """Return lungs of 48 and 32 voxels of (10 * scale) mm edge: 48 and 32 ml where scale is 1."""
    voxels = np.zeros((8, 8, 8), np.uint8)
    voxels[:4, :4, :3], voxels[:4, :4, 6:] = 1, 2
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((10.0 * scale,) * 3)
    right, left = concept("lung-right"), concept("lung-left")
    segments = (Segment(1, right.name, right, right.colour), Segment(2, left.name, left, left.colour))
    return Segmentation(image, segments)


def hand_made_timeline() -> Timeline:
    """Return two visits 180 days apart with six lesions: growing, stable, shrinking, new, resolved, not evaluable.

    Texts hold what must not be taken for markup or for a formula.
    """
    right_upper, left_lower = ("right", "upper", "none"), ("left", "lower", "pleura")
    first = (
        _finding("1", 8.1, 278.0, "solid", right_upper),
        _finding("2", 6.4, 137.0, "solid", left_lower),
        _finding("3", 11.0, 700.0, "ground-glass", ("right", "lower", "vessel"), density=-612.0),
        _finding("5", 5.0, 65.0, "solid", left_lower),
        _finding("6", 4.4, 45.0, "calcified", ("left", "upper", "none"), density=310.0),
    )
    second = (
        _finding("11", 11.2, 735.0, "solid", right_upper),
        _finding("12", 6.5, 144.0, "solid", left_lower),
        _finding("13", 9.0, 382.0, "part-solid", ("right", "lower", "vessel"), density=-480.0, solid_mean_diameter=3.4),
        _finding("14", 6.9, 172.0, "solid", ("left", "middle", "pleura and vessel")),
    )
    baseline = Visit("baseline", _info(BASELINE_DATE, (0.7, 0.7, 1.25), "B60f <sharp>"), _lungs(1.0), first)
    followup = Visit("follow-up", _info(FOLLOWUP_DATE, (0.7, 0.7, 1.0), ""), _lungs(1.02), second)
    return Timeline(
        visits=(baseline, followup),
        registrations=(_registration(),),
        lesions=_lesions(),
        assessments=_assessments(),
        provenance=_provenance(),
        notes=("Scene not written: the host is not installed.",),
    )


def _registration() -> Registration:
    quality = RegistrationQuality("local correlation", 0.412, 0.873, 0.0, 0.34)
    return Registration(sitk.TranslationTransform(3, (1.0, 2.0, -3.0)), "deformable", quality)


def _lesions() -> tuple[Lesion, ...]:
    matched, place = LinkStatus.MATCHED, (41.0, -20.0, -118.0)
    return (
        Lesion(
            number=1,
            colour=(230, 85, 13),
            observations=("1.2.3.1", "1.2.3.11"),
            expected_mm=(None, None),
            status=matched,
            reason="Linked: 1.1 mm from where the registration expects it.",
            match_distance_mm=1.1,
            changes=(_volume_change(278, 735, True), _diameter_change(8.1, 11.2)),
            growth=Growth("growing", "Mean diameter +3.1 mm in 180 days (> 1.5 mm).", 128.3, (101.0, 180.0)),
        ),
        Lesion(
            number=2,
            colour=(49, 130, 189),
            observations=("1.2.3.2", "1.2.3.12"),
            expected_mm=(None, None),
            status=matched,
            reason="Linked: 2.9 mm from where the registration expects it.",
            match_distance_mm=2.9,
            changes=(_volume_change(137, 144, False), _diameter_change(6.4, 6.5)),
            growth=Growth("stable", "The change of volume is inside the measurement error."),
        ),
        Lesion(
            number=3,
            colour=(255, 237, 111),
            observations=("1.2.3.3", "1.2.3.13"),
            expected_mm=(None, None),
            status=matched,
            reason="=Linked <i>by hand</i>",
            match_distance_mm=0.8,
            changes=(_volume_change(700, 382, True), _diameter_change(11.0, 9.0)),
            growth=Growth("shrinking", "The volume fell by 45%.", -206.0, (-math.inf, -120.0)),
        ),
        Lesion(
            number=4,
            colour=(49, 163, 84),
            observations=(None, "1.2.3.14"),
            expected_mm=(place, None),
            status=LinkStatus.NEW,
            reason="Nothing within 8 mm of its expected place at baseline.",
        ),
        Lesion(
            number=5,
            colour=(117, 107, 177),
            observations=("1.2.3.5", None),
            expected_mm=(None, place),
            status=LinkStatus.RESOLVED,
            reason="Nothing within 8 mm of its expected place at the follow-up.",
        ),
        Lesion(
            number=6,
            colour=(99, 99, 99),
            observations=("1.2.3.6", None),
            expected_mm=(None, None),
            status=LinkStatus.NOT_EVALUABLE,
            reason="Its expected place lies 12 mm outside the follow-up's field of view.",
        ),
    )


def _assessments() -> tuple[Assessment, ...]:
    return (
        Assessment(
            rules="Lung-RADS v2022",
            source="ACR, November 2022",
            category="4B",
            next_step="Diagnostic work-up: chest CT, PET-CT or tissue sampling",
            lesion_number=1,
            row="solid-growing-8",
            reason="Lesion 1 is solid, growing and 11.2 mm (growing and at least 8 mm).",
            missing=("Whether an earlier CT exists", "Symptoms of infection"),
            by_lesion={"1": "4B", "2": "2", "3": "4A", "4": "4A"},
        ),
        Assessment(
            rules="Fleischner 2017",
            source="doi 10.1148/radiol.2017161659",
            category="CT at 3 months, PET-CT or tissue sampling",
            next_step="CT at 3 months, PET-CT or tissue sampling",
            lesion_number=1,
            row="solid-single-over-8",
            reason="Largest nodule 11.2 mm.",
            missing=("Risk of lung cancer", "Symptoms of infection"),
        ),
    )


def _provenance() -> Provenance:
    return Provenance(
        task="follow-up",
        models=(ModelUse("ct-lungs", "1.0.0", "12" * 32), ModelUse("unknown-detector", "9.9", "34" * 32)),
        inputs=(),
        parameters={"detector_threshold": "0.5"},
        versions={"aiimaging": "0.1.0", "python": "3.11.2"},
        device="CPU (x86_64)",
        created=datetime(2024, 7, 9, 12, 0, tzinfo=UTC),
        stages=(StageCost("Registration", 31.24, 1.874), StageCost("Links and change", 0.31, 0.0)),
    )
