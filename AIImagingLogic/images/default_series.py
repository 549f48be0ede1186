"""Which series of a folder is meant when none is named."""

from __future__ import annotations

from collections.abc import Sequence

from AIImagingLogic.images.dicom_classes import NOT_VOLUMES
from AIImagingLogic.images.dicom_file import DicomFile
from AIImagingLogic.records.errors import UnreadableImageError

_MODALITIES = ("CT", "MR", "PT")
_FEWEST_SLICES = 3


def chosen_series(series: Sequence[Sequence[DicomFile]]) -> tuple[Sequence[DicomFile], tuple[str, ...]]:
    """Return the series to read by default, and a note when there was a choice.

    The first of: cross-sectional with at least three slices, not a localizer, CT before MR before PET, original before
    derived, the most slices, the lowest series number. Faults such as missing slices do not count: to read another
    series in silence because the main one is broken would be worse than to say that it is broken.

    Raises
    ------
    UnreadableImageError
        None of the series holds images.
    """
    with_images = [files for files in series if any(file.frames for file in files)]
    if not with_images:
        kinds = ", ".join(sorted({files[0].modality or "no modality" for files in series}))
        raise UnreadableImageError(f"The DICOM files hold no images ({kinds}).", "Choose a folder with images.")
    best = min(with_images, key=_rank)
    if len(with_images) == 1:
        return best, ()
    count = sum(len(file.frames) for file in best)
    studies = len({files[0].study_uid for files in with_images})
    of_studies = f" of {studies} studies" if studies > 1 else ""
    note = (
        f"{len(with_images)} series{of_studies} were found; the {best[0].modality} series with {count} slices was read "
        f"({best[0].series_uid})."
    )
    return best, (note,)


def is_localizer(file: DicomFile) -> bool:
    """Whether the file says that it is a planning view (scout, topogram)."""
    return "LOCALIZER" in (part.upper() for part in file.image_type)


def _rank(files: Sequence[DicomFile]) -> tuple[bool, bool, int, bool, int, int, str]:
    first = files[0]
    frames = [frame for file in files for frame in file.frames]
    placed = all(frame.position is not None for frame in frames) and first.colours == 1
    placed = placed and first.sop_class not in NOT_VOLUMES
    order = _MODALITIES.index(first.modality) if first.modality in _MODALITIES else len(_MODALITIES)
    derived = first.image_type[:1] == ("DERIVED",)
    volumetric = placed and len(frames) >= _FEWEST_SLICES
    return not volumetric, is_localizer(first), order, derived, -len(frames), first.series_number, first.series_uid
