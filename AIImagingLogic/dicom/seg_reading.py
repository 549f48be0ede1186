"""Read a DICOM Segmentation of any program."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from AIImagingLogic.dicom.coded_mask import AUTOMATIC, CodedMask, layers
from AIImagingLogic.dicom.codes import code_from_dicom, concept_of_codes
from AIImagingLogic.dicom.quiet import without_warnings
from AIImagingLogic.images.geometry import grid_size, index_to_world, world_to_index
from AIImagingLogic.records.coding import Code
from AIImagingLogic.records.errors import GeometryError, UnreadableImageError, WrongImageError
from AIImagingLogic.records.segmentation import Segmentation

SEG_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_GREY = (128, 128, 128)
_OTHER = Code("85756007", "SCT", "Tissue")
_ON_GRID = 0.05


@dataclass(frozen=True)
class ReadSeg:
    """Segments of a SEG file.

    Attributes
    ----------
    masks : one a segment, in the order of the segment numbers, cropped to its voxels
    numbers : the segment numbers
    sop_uid : SOP Instance UID
    source_series_uid : of the series that was segmented, empty when the file does not say
    frame_of_reference_uid : empty when the file does not say
    grid : of the frames of the file, a label image of zeros
    notes : what was lost or is in doubt, one sentence each
    """

    masks: tuple[CodedMask, ...]
    numbers: tuple[int, ...]
    sop_uid: str
    source_series_uid: str
    frame_of_reference_uid: str
    grid: sitk.Image
    notes: tuple[str, ...] = ()

    def segmentations(self, grid: sitk.Image | None = None) -> tuple[Segmentation, ...]:
        """Return label images; more than one only where segments overlap.

        Parameters
        ----------
        grid : to put them on; default: the frames of the file, which leave out slices without a segment at either end

        Raises
        ------
        GeometryError
            The segments' voxels do not lie on voxels of `grid`, or not inside it.
        """
        if grid is None:
            return layers(self.masks, self.grid)
        return layers(self.on_grid(grid).masks, grid)

    def on_grid(self, grid: sitk.Image) -> ReadSeg:
        """Return the same segments with their voxels in the order of an image's; raises as `segmentations`."""
        return dataclasses.replace(self, masks=tuple(_on_grid(entry, grid) for entry in self.masks), grid=grid)


def read_seg(path: Path) -> ReadSeg:
    """Read a SEG: binary, fractional (voxels of at least one half) or label map.

    Raises
    ------
    UnreadableImageError
        It is no DICOM file, or cannot be understood.
    WrongImageError
        It is another kind of DICOM object, or a segmentation of a picture without a place in the patient.
    GeometryError
        Its frames make no volume.
    """
    return seg_from_dataset(read_dataset(path), path.name)


def read_dataset(path: Path) -> Dataset:
    """Return a DICOM file.

    Raises
    ------
    UnreadableImageError
        It is missing or no DICOM file.
    """
    try:
        with without_warnings():
            data = pydicom.dcmread(path)
    except (OSError, InvalidDicomError, EOFError, ValueError) as error:
        raise UnreadableImageError(f"'{path}' cannot be read as DICOM.", "Name a DICOM file.") from error
    return data


def seg_from_dataset(data: Dataset, name: str = "The file") -> ReadSeg:
    """Return the segments of a SEG that is in memory; as `read_seg`."""
    if data.get("SOPClassUID") not in SEG_CLASSES:
        raise WrongImageError(f"'{name}' is no DICOM segmentation.", "Name a SEG file.")
    try:
        with without_warnings():
            seg = hd.seg.Segmentation.from_dataset(data, copy=False)
            geometry = seg.get_volume_geometry()
            if geometry is None:
                raise GeometryError(f"The frames of '{name}' make no volume.", "Export it as evenly spaced slices.")
            if str(geometry.coordinate_system.value) != "PATIENT":
                raise WrongImageError(f"'{name}' is no segmentation of a volume.", "Name a SEG of CT, MR or PET.")
            grid = _grid(geometry)
            found = [(number, _mask(seg, number, grid)) for number in seg.segment_numbers]
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError, NotImplementedError) as error:
        raise UnreadableImageError(f"'{name}' cannot be understood ({error}).", "Export it again.") from error
    present = [(int(number), entry) for number, entry in found if entry is not None]
    empty = len(found) - len(present)
    notes = [f"{empty} segments have no voxels and were left out."] if empty else []
    if str(data.SegmentationType) == "FRACTIONAL":
        notes.append("The segmentation is fractional: voxels of at least one half were taken.")
    return ReadSeg(
        masks=tuple(entry for _, entry in present),
        numbers=tuple(number for number, _ in present),
        sop_uid=str(data.SOPInstanceUID),
        source_series_uid=_source_series(data),
        frame_of_reference_uid=str(data.get("FrameOfReferenceUID", "")),
        grid=grid,
        notes=tuple(notes),
    )


def _grid(geometry: Any) -> sitk.Image:
    """Return the grid of frames x rows x columns as a right-handed image.

    highdicom's first axis is our last: what is right-handed in its order of axes is left-handed in ours.
    """
    frames, rows, columns = geometry.spatial_shape
    image = sitk.Image([int(columns), int(rows), int(frames)], sitk.sitkUInt8)
    steps = np.array(geometry.affine)[:3, :3][:, ::-1]
    origin = np.array(geometry.affine)[:3, 3]
    if _is_left_handed(geometry):
        origin = origin + (frames - 1) * steps[:, 2]
        steps = steps * (1, 1, -1)
    spacing = np.linalg.norm(steps, axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(origin.tolist())
    image.SetDirection((steps / spacing).ravel().tolist())
    return image


def _is_left_handed(geometry: Any) -> bool:
    return bool(np.linalg.det(np.array(geometry.affine)[:3, :3][:, ::-1]) < 0)


def _mask(seg: Any, number: int, grid: sitk.Image) -> CodedMask | None:
    volume = seg.get_volume(segment_numbers=[number], combine_segments=False)
    values: NDArray[Any] = np.asarray(volume.array)[..., 0]
    if _is_left_handed(volume):
        values = values[::-1]
    inside = values >= 0.5 if values.dtype.kind == "f" else values > 0
    if not inside.any():
        return None
    found = [np.flatnonzero(inside.any(axis=tuple({0, 1, 2} - {axis}))) for axis in (0, 1, 2)]
    first = [int(rows[0]) for rows in found]
    last = [int(rows[-1]) + 1 for rows in found]
    crop = inside[first[0] : last[0], first[1] : last[1], first[2] : last[2]]
    mask = sitk.GetImageFromArray(crop.astype(np.uint8))
    mask.SetSpacing(grid.GetSpacing())
    mask.SetDirection(grid.GetDirection())
    mask.SetOrigin(index_to_world(grid, first[::-1]).tolist())
    return _coded(seg.get_segment_description(number), mask)


def _coded(item: Dataset, mask: sitk.Image) -> CodedMask:
    name = str(item.get("SegmentLabel", "")) or f"Segment {item.SegmentNumber}"
    kinds, categories = item.get("SegmentedPropertyTypeCodeSequence"), item.get("SegmentedPropertyCategoryCodeSequence")
    kind = code_from_dicom(kinds[0]) if kinds else _OTHER
    category = code_from_dicom(categories[0]) if categories else _OTHER
    modifiers = kinds[0].get("SegmentedPropertyTypeModifierCodeSequence") if kinds else None
    colour = _colour(item.get("RecommendedDisplayCIELabValue"))
    algorithms = item.get("SegmentationAlgorithmIdentificationSequence")
    return CodedMask(
        name=name,
        concept=concept_of_codes(category, kind, code_from_dicom(modifiers[0]) if modifiers else None, name, colour),
        colour=colour,
        mask=mask,
        tracking_id=str(item.get("TrackingID", "") or ""),
        tracking_uid=str(item.get("TrackingUID", "") or ""),
        algorithm_type=str(item.get("SegmentAlgorithmType", AUTOMATIC)),
        algorithm=str(item.get("SegmentAlgorithmName", "") or ""),
        algorithm_version=str(algorithms[0].get("AlgorithmVersion", "")) if algorithms else "",
    )


def _colour(value: Any) -> tuple[int, int, int]:
    if not value:
        return _GREY
    red, green, blue = hd.color.CIELabColor.from_dicom_value([int(part) for part in value]).to_rgb()
    return round(red), round(green), round(blue)


def _source_series(data: Dataset) -> str:
    references: Sequence[Dataset] = data.get("ReferencedSeriesSequence") or ()
    return str(references[0].get("SeriesInstanceUID", "")) if references else ""


def _on_grid(entry: CodedMask, grid: sitk.Image) -> CodedMask:
    """Return a mask with its axes in the order and direction of `grid`'s, when its voxels lie on that grid's."""
    size = np.array(entry.mask.GetSize())
    start, end = (np.rint(world_to_index(grid, index_to_world(entry.mask, at))) for at in ((0, 0, 0), size - 1))
    low = np.minimum(start, end).astype(int)
    length = (np.abs(end - start) + 1).astype(int)
    corners = world_to_index(grid, index_to_world(entry.mask, (0, 0, 0)))
    whole = np.abs(corners - start).max() <= _ON_GRID and sorted(length) == sorted(size)
    if not whole or np.any(low < 0) or np.any(low + length > grid_size(grid)):
        raise GeometryError("The segments do not lie on the voxels of the image.", "Name the image that was segmented.")
    onto = sitk.Image([int(n) for n in length], sitk.sitkUInt8)
    onto.SetSpacing(grid.GetSpacing())
    onto.SetDirection(grid.GetDirection())
    onto.SetOrigin(index_to_world(grid, low).tolist())
    placed = sitk.Resample(entry.mask, onto, sitk.Transform(), sitk.sitkNearestNeighbor, 0, sitk.sitkUInt8)
    return dataclasses.replace(entry, mask=placed)
