"""A small follow-up made by hand: two lungs with spheres in them, for tests of scenes and pictures."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.provenance import ModelUse, Provenance
from AIImagingLogic.records.registration import Registration, RegistrationQuality
from AIImagingLogic.records.segmentation import Segment, Segmentation
from AIImagingLogic.records.timeline import Assessment, Change, Growth, Lesion, LinkStatus, Timeline, Visit

SHIFT_MM = (4.0, -6.0, 5.0)
"""From a point of the baseline to the same anatomy at the follow-up, LPS."""

_COLOURS = ((230, 159, 0), (86, 180, 233), (0, 158, 115))
_RIGHT_LUNG, _LEFT_LUNG = (-60.0, 0.0, -180.0), (60.0, 0.0, -180.0)
_SEMI_AXES = np.array((45.0, 60.0, 90.0))


def two_visits(
    spacing_mm: tuple[float, float, float] = (2.0, 2.0, 2.5), direction: np.ndarray | None = None
) -> tuple[Timeline, tuple[sitk.Image, sitk.Image]]:
    """Return a timeline of one grown, one new and one resolved lesion, and its two images.

    `direction` turns and flips the grid; anatomy stays where it is in patient space (LPS mm).
    """
    places = ((-65.0, 5.0, -170.0), (-50.0, -20.0, -200.0), (70.0, 10.0, -150.0))
    radii = ((5.0, None, 6.0), (7.0, 4.0, None))
    visits, images = [], []
    for index, label in enumerate(("baseline", "follow-up")):
        shift = np.array(SHIFT_MM) * index
        image, organs = _lungs(spacing_mm, direction, shift)
        findings = []
        for number, (place, radius) in enumerate(zip(places, radii[index]), start=1):
            if radius is None:
                continue
            center = tuple(float(value) for value in np.array(place) + shift)
            image, mask = _with_sphere(image, center, radius)
            findings.append(_finding(f"2.25.{index}{number}", f"Nodule {number}", center, radius, mask))
        info = ImageInfo(
            "CT", "HU", image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection(), f"hash{index}",
            acquired=datetime(2023 + index, 3, 1, tzinfo=UTC),
            study_uid=f"2.25.90{index}", series_uid=f"2.25.80{index}",
        )  # fmt: skip
        visits.append(Visit(label, info, organs, tuple(findings), _provenance("detect")))
        images.append(image)
    return _timeline(tuple(visits), places), (images[0], images[1])


def _timeline(visits: tuple[Visit, ...], places: tuple[tuple[float, float, float], ...]) -> Timeline:
    gone = places[2]
    expected = (gone[0] + SHIFT_MM[0], gone[1] + SHIFT_MM[1], gone[2] + SHIFT_MM[2])
    before, after = (visit.findings[0].value("volume") or 0.0 for visit in visits)
    change = Change(
        "volume",
        "mm3",
        before,
        after,
        after - before,
        100 * (after - before) / before,
        (120.0, 230.0),
        beyond_error=True,
    )
    growth = Growth("growing", "Volume rose by 174%, more than the measurement error of 25%.", 251.0, (210.0, 320.0))
    lesions = (
        Lesion(1, _COLOURS[0], ("2.25.01", "2.25.11"), (None, None), LinkStatus.MATCHED, "Found where expected.", 0.4,
               (change,), growth),
        Lesion(2, _COLOURS[1], (None, "2.25.12"), (places[1], None), LinkStatus.NEW, "Nothing lay there."),
        Lesion(3, _COLOURS[2], ("2.25.03", None), (None, expected), LinkStatus.RESOLVED, "Nothing lies there."),
    )  # fmt: skip
    quality = RegistrationQuality("correlation", 0.5, 0.95, 0.0, 0.3)
    registration = Registration(sitk.TranslationTransform(3, SHIFT_MM), "translation", quality, _provenance("register"))
    assessment = Assessment(
        "Lung-RADS v2022", "ACR", "4B", "Refer.", 1, "4B-growing", "Lesion 1 grew to 14 mm.", (), {"1": "4B", "2": "3"}
    )
    return Timeline(visits, (registration,), lesions, (assessment,), _provenance("follow-up"))


def _lungs(
    spacing_mm: tuple[float, float, float], direction: np.ndarray | None, shift: np.ndarray
) -> tuple[sitk.Image, Segmentation]:
    axes = np.eye(3) if direction is None else np.asarray(direction, dtype=float)
    extent = np.abs(axes.T @ np.diag((240.0, 160.0, 220.0))).max(axis=1)
    size = [int(length / step) for length, step in zip(extent, spacing_mm)]
    image = sitk.Image(size, sitk.sitkInt16)
    image.SetSpacing(spacing_mm)
    image.SetDirection(axes.ravel().tolist())
    half = axes @ (np.array(spacing_mm) * (np.array(size) - 1) / 2)
    image.SetOrigin((np.array((0.0, 0.0, -180.0)) + shift - half).tolist())
    points = _points(image)
    body = (((points - shift - (0, 0, -180)) / (115.0, 78.0, 1000.0)) ** 2).sum(axis=-1) < 1
    labels = np.zeros(points.shape[:3], np.uint8)
    for value, center in ((1, _LEFT_LUNG), (2, _RIGHT_LUNG)):
        labels[(((points - shift - center) / _SEMI_AXES) ** 2).sum(axis=-1) < 1] = value
    noise = np.random.default_rng(1).normal(0, 20, labels.shape)
    voxels = np.where(labels > 0, -850, np.where(body, 40, -1000)) + noise
    filled = _like(voxels.astype(np.int16), image)
    segments = (
        Segment(1, "Left lung", concept("lung-left"), concept("lung-left").colour),
        Segment(2, "Right lung", concept("lung-right"), concept("lung-right").colour),
    )
    return filled, Segmentation(_like(labels, image), segments, _provenance("segment"))


def _with_sphere(image: sitk.Image, center: tuple[float, ...], radius_mm: float) -> tuple[sitk.Image, sitk.Image]:
    inside = (((_points(image) - center) ** 2).sum(axis=-1) < radius_mm**2).astype(np.uint8)
    voxels = np.where(inside > 0, 30, sitk.GetArrayViewFromImage(image)).astype(np.int16)
    mask = _like(inside, image)
    statistics = sitk.LabelShapeStatisticsImageFilter()
    statistics.Execute(mask)
    box = statistics.GetBoundingBox(1)
    return _like(voxels, image), sitk.RegionOfInterest(mask, box[3:], box[:3])


def _finding(uid: str, name: str, center: tuple[float, ...], radius_mm: float, mask: sitk.Image) -> Finding:
    box = OrientedBox((center[0], center[1], center[2]), (2 * radius_mm,) * 3)
    volume = float((sitk.GetArrayViewFromImage(mask) > 0).sum() * np.prod(mask.GetSpacing()))
    measurements = (
        measurement("volume", volume),
        measurement("long_axis", 2 * radius_mm),
        measurement("mean_density", 30.0),
    )
    descriptors = {"attenuation": "solid", "side": "right" if center[0] < 0 else "left"}
    return Finding(uid, name, box, 0.9, concept("lung-nodule"), mask, measurements, descriptors)


def _provenance(task: str) -> Provenance:
    model = ModelUse("ct-lung-nodules", "1.0", "0" * 64)
    return Provenance(task, (model,), (), {"a": "b|c"}, {"python": "3"}, "CPU", datetime(2024, 5, 1, tzinfo=UTC))


def _points(image: sitk.Image) -> np.ndarray:
    """LPS mm of every voxel, (z, y, x, 3)."""
    k, j, i = np.indices(tuple(reversed(image.GetSize())))
    indices = np.stack([i, j, k], axis=-1) * np.array(image.GetSpacing())
    points: np.ndarray = indices @ np.array(image.GetDirection()).reshape(3, 3).T + np.array(image.GetOrigin())
    return points


def _like(voxels: np.ndarray, image: sitk.Image) -> sitk.Image:
    result = sitk.GetImageFromArray(voxels)
    result.CopyInformation(image)
    return result
