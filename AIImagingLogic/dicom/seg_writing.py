"""Write segments as one DICOM Segmentation (SEG) of the series they were made on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from AIImagingLogic import __version__
from AIImagingLogic.dicom.coded_mask import MANUAL, CodedMask
from AIImagingLogic.dicom.codes import dicom_code
from AIImagingLogic.dicom.quiet import without_warnings
from AIImagingLogic.dicom.source_series import SourceSeries
from AIImagingLogic.images.geometry import Grid, grid_size, grid_spacing, index_matrix, index_to_world, world_to_index
from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.errors import GeometryError

MANUFACTURER, PRODUCT = "AI Imaging", "AI Imaging"
SERIAL_NUMBER = "none"
_SERIES_NUMBER = 300
# Half a thick slice.
_MARGIN_MM = 5.0
# Grids may differ from a grid by this many voxels and still be on it.
_ON_GRID = 0.05


@without_warnings()
def write_seg(
    masks: Sequence[CodedMask], grid: Grid, source: SourceSeries, path: Path, *, description: str = "Segmentation"
) -> Dataset:
    """Write one binary SEG with a segment for each mask.

    Patient and study are copied from the source: the object is filed with the patient.

    Parameters
    ----------
    masks : at least one; they may overlap; their voxels lie on voxels of `grid`
    grid : the image that was segmented, or its `ImageInfo`; any orientation. Frames that lie on a slice of the source
        refer to it
    source : headers of the series the image was read from
    path : file to write
    description : Series Description

    Returns
    -------
    pydicom.Dataset
        What was written; segment numbers are the places in `masks`, counted from 1.

    Raises
    ------
    GeometryError
        There is no mask, a mask is not on the grid or not in the series, or the axes are not at right angles.
    OutputError
        The file could not be written.

    References
    ----------
    DICOM PS3.3 A.51 (Segmentation IOD), C.8.20 (Segmentation modules).
    """
    if not masks:
        raise GeometryError("There is no segment with voxels to write.", "Segment something first.")
    _refuse_elsewhere(masks, source)
    segmentation = hd.seg.Segmentation(
        source_images=list(source.headers),
        pixel_array=_volume(masks, grid, source.frame_of_reference_uid),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_description(number, entry) for number, entry in enumerate(masks, start=1)],
        series_instance_uid=hd.UID(),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=PRODUCT,
        software_versions=__version__,
        device_serial_number=SERIAL_NUMBER,
        content_label="SEGMENTATION",
        content_description=description[:64],
        series_description=description[:64],
    )
    with written_atomically(path) as temporary:
        segmentation.save_as(temporary)
    return segmentation


def _refuse_elsewhere(masks: Sequence[CodedMask], source: SourceSeries) -> None:
    """Refuse masks whose centre is outside the series: they were made on another one."""
    corners = source.corners_mm()
    if corners is None:
        return
    low, high = corners.min(axis=0), corners.max(axis=0)
    for entry in masks:
        middle = [(length - 1) / 2 for length in entry.mask.GetSize()]
        center = np.array(entry.mask.TransformContinuousIndexToPhysicalPoint(middle))
        if np.any(center < low - _MARGIN_MM) or np.any(center > high + _MARGIN_MM):
            raise GeometryError(
                f"Segment '{entry.name}' does not lie in the series.", "Name the series that was segmented."
            )


def _volume(masks: Sequence[CodedMask], grid: Grid, frame_of_reference_uid: str) -> Any:
    """Return the slices of `grid` that hold a segment: labels, or one channel a segment where segments overlap."""
    i, j, _ = grid_size(grid)
    starts = [_start(entry.mask, grid) for entry in masks]
    first = min(int(start[2]) for start in starts)
    last = max(int(start[2]) + entry.mask.GetSize()[2] for start, entry in zip(starts, masks, strict=True))
    labels: NDArray[np.uint16] = np.zeros((last - first, j, i), np.uint16)
    overlap = False
    for number, (start, entry) in enumerate(zip(starts, masks, strict=True), start=1):
        inside = sitk.GetArrayViewFromImage(entry.mask) != 0
        part = labels[_place(start, inside.shape, first)]
        overlap = overlap or bool(part[inside].any())
        part[inside] = number
    values: NDArray[Any] = labels
    channels = None
    if overlap:
        values = np.zeros((*labels.shape, len(masks)), np.uint8)
        for number, (start, entry) in enumerate(zip(starts, masks, strict=True)):
            inside = sitk.GetArrayViewFromImage(entry.mask) != 0
            values[_place(start, inside.shape, first)][..., number][inside] = 1
        channels = {"SegmentNumber": list(range(1, len(masks) + 1))}
    return _placed(values, grid, first, channels, frame_of_reference_uid)


def _placed(values: NDArray[Any], grid: Grid, first: int, channels: Any, frame_of_reference_uid: str) -> Any:
    """Return frames with their place in the patient: highdicom's axes are frames, rows, columns; ours i, j, k."""
    steps = index_matrix(grid)
    axes = steps / grid_spacing(grid)
    if np.abs(axes.T @ axes - np.eye(3)).max() > 1e-4:
        raise GeometryError("The image's axes are not at right angles.", "Resample it first.")
    affine = np.eye(4)
    affine[:3, :3] = steps[:, ::-1]
    affine[:3, 3] = index_to_world(grid, (0, 0, first))
    return hd.Volume(
        values,
        affine,
        coordinate_system=hd.CoordinateSystemNames.PATIENT,
        frame_of_reference_uid=frame_of_reference_uid,
        channels=channels,
    )


def _start(mask: sitk.Image, grid: Grid) -> NDArray[np.int64]:
    """Return the index in `grid` of a mask's first voxel."""
    size = np.array(mask.GetSize())
    corners = [index_to_world(mask, (0, 0, 0)), index_to_world(mask, size - 1)]
    start, end = (world_to_index(grid, corner) for corner in corners)
    whole = np.rint(start).astype(np.int64)
    off = max(float(np.abs(start - whole).max()), float(np.abs(end - whole - size + 1).max()))
    if off > _ON_GRID or np.any(whole < 0) or np.any(whole + size > grid_size(grid)):
        raise GeometryError("A segment does not lie on the grid of its image.", "Resample it to the image first.")
    return whole


def _place(start: NDArray[np.int64], shape: tuple[int, ...], first: int) -> tuple[slice, ...]:
    i, j, k = (int(value) for value in start)
    return tuple(slice(at, at + length) for at, length in zip((k - first, j, i), shape, strict=True))


def _description(number: int, entry: CodedMask) -> Any:
    algorithm = None
    if entry.algorithm_type != MANUAL:
        algorithm = hd.AlgorithmIdentificationSequence(
            name=entry.algorithm or PRODUCT,
            family=codes.cid7162.ArtificialIntelligence,
            version=entry.algorithm_version or __version__,
            source=PRODUCT,
        )
    description = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=entry.name[:64],
        segmented_property_category=dicom_code(entry.concept.category),
        segmented_property_type=dicom_code(entry.concept.type),
        algorithm_type=entry.algorithm_type,
        algorithm_identification=algorithm,
        tracking_uid=entry.tracking_uid or None,
        tracking_id=entry.tracking_id[:64] if entry.tracking_uid else None,
        display_color=hd.color.CIELabColor.from_rgb(*entry.colour),
    )
    if entry.concept.modifier is not None:
        kind = description.SegmentedPropertyTypeCodeSequence[0]
        kind.SegmentedPropertyTypeModifierCodeSequence = [dicom_code(entry.concept.modifier)]
    return description
