"""What is known of an image beside its voxels. Never who the patient is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.json_form import Record


@dataclass(frozen=True)
class ImageInfo(Record):
    """Identity and acquisition of an image.

    No name, number, birth date or path is kept: `content_hash` and the DICOM UIDs say which image it was.

    Attributes
    ----------
    modality : DICOM modality (``CT``, ``MR``, ``PT``, ...), empty when the file does not say
    intensity_unit : ``HU`` for CT in Hounsfield units, else as stated, empty when unknown
    size : voxels along i, j, k
    spacing_mm : mm along i, j, k
    origin_mm : mm, LPS, centre of the first voxel
    direction : 9 direction cosines, row-major, LPS; columns are the i, j, k axes
    acquired : date and time of acquisition (series, else study), None when unknown
    content_hash : SHA-256 over geometry and voxels
    slice_thickness_mm : None when unknown
    kernel : convolution kernel, empty when unknown
    notes : what reading had to mend or leaves in doubt, one sentence each
    """

    modality: str
    intensity_unit: str
    size: tuple[int, int, int]
    spacing_mm: Vector
    origin_mm: Vector
    direction: tuple[float, ...]
    content_hash: str
    acquired: datetime | None = None
    study_uid: str = ""
    series_uid: str = ""
    frame_of_reference_uid: str = ""
    slice_thickness_mm: float | None = None
    kernel: str = ""
    notes: tuple[str, ...] = ()
