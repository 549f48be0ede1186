"""One DICOM series as a volume, or the reason why it is none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.images.dicom_classes import NOT_VOLUMES
from AIImagingLogic.images.dicom_file import DicomFile, Frame
from AIImagingLogic.images.dicom_pixels import read_voxels
from AIImagingLogic.images.even_stack import even_stack
from AIImagingLogic.images.info import describe
from AIImagingLogic.images.stack_plan import StackPlan, plan_stack, several_images_error
from AIImagingLogic.images.voxels import settled_voxels
from AIImagingLogic.records.errors import GeometryError, WrongImageError
from AIImagingLogic.records.image_info import ImageInfo

AIR_HU = -1024.0


def plan_series(files: Sequence[DicomFile]) -> tuple[StackPlan, tuple[tuple[Frame, Frame], ...]]:
    """Return how the slices of a series lie, without reading their pixels.

    Raises
    ------
    WrongImageError
        The files hold no grey value images of the patient.
    GeometryError
        The slices make no volume.
    """
    first = files[0]
    if first.sop_class in NOT_VOLUMES:
        kind = NOT_VOLUMES[first.sop_class]
        raise WrongImageError(f"The series is {kind}, not an image volume.", "Choose the series it was made from.")
    if not any(file.frames for file in files):
        raise WrongImageError(f"The series ({first.modality or 'no modality'}) holds no image.", "Choose an image.")
    if any(file.colours != 1 for file in files):
        raise WrongImageError("The series holds colour images.", "Choose a series of grey values.")
    plan, doubles = plan_stack([frame for file in files for frame in file.frames])
    files_of_one_slice = sum(1 for file in files if not file.frames)
    if files_of_one_slice:
        raise GeometryError(f"{files_of_one_slice} files of the series hold no image.", "Copy the series again.")
    return plan, doubles


def read_series(files: Sequence[DicomFile], notes: Sequence[str] = ()) -> tuple[sitk.Image, ImageInfo]:
    """Read a series.

    Parameters
    ----------
    files : of one series
    notes : what is to stand in the info beside what reading finds

    Raises
    ------
    WrongImageError, GeometryError
        As `plan_series`.
    UnreadableImageError
        The pixels cannot be read.
    """
    plan, doubles = plan_series(files)
    first = files[0]
    is_ct = first.modality == "CT"
    voxels = read_voxels(plan.frames, first)
    found = [*notes, *plan.notes, *_dropped_copies(doubles, first)]
    if is_ct:
        voxels, padding_notes = _without_padding(voxels, plan.frames[0], first)
        found += padding_notes
    origin, increment = np.array(plan.frames[0].position), plan.increment_mm
    if not plan.even:
        outside = min(AIR_HU, float(voxels.min())) if is_ct else float(voxels.min())
        whole = voxels.dtype == np.int16
        values, origin, increment = even_stack(voxels, plan, outside)
        voxels = settled_voxels(np.rint(values)) if whole else values
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((*plan.pixel_spacing_mm, increment))
    image.SetOrigin(origin.tolist())
    image.SetDirection(plan.axes.ravel().tolist())
    return image, describe(
        image,
        modality=first.modality,
        intensity_unit=_unit(plan.frames, is_ct),
        acquired=min((file.acquired for file in files if file.acquired), default=None),
        study_uid=first.study_uid,
        series_uid=first.series_uid,
        frame_of_reference_uid=first.frame_of_reference_uid,
        slice_thickness_mm=plan.frames[0].thickness_mm,
        kernel=first.kernel,
        notes=found,
    )


def _unit(frames: Sequence[Frame], is_ct: bool) -> str:
    """Return the unit that the files state; CT without one is in HU (PS3.3 C.8.2.1.1.2)."""
    stated = {frame.unit for frame in frames} - {"", "US"}
    if len(stated) == 1:
        return stated.pop()
    return "HU" if is_ct and not stated else ""


def _dropped_copies(doubles: Sequence[tuple[Frame, Frame]], file: DicomFile) -> list[str]:
    """Check that slices at one position are copies of each other, and say that they were dropped."""
    for kept, other in doubles:
        if not np.array_equal(read_voxels([kept], file), read_voxels([other], file)):
            raise several_images_error(2, len(doubles), "with different pixels")
    if not doubles:
        return []
    return [f"{len(doubles)} identical copies of slices were left out."]


def _without_padding(
    voxels: NDArray[np.generic], frame: Frame, file: DicomFile
) -> tuple[NDArray[np.generic], list[str]]:
    """Set what a CT scanner marks as outside its round field of view to air."""
    if file.padding is None:
        return voxels, []
    value = file.padding * frame.slope + frame.intercept
    padded = voxels == value
    if value >= AIR_HU or not padded.any():
        return voxels, []
    percent = 100 * float(padded.mean())
    note = f"{percent:.0f}% of the voxels are padding ({value:.0f} HU) and were set to air ({AIR_HU:.0f} HU)."
    return np.where(padded, voxels.dtype.type(AIR_HU), voxels), [note]
