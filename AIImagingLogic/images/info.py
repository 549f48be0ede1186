"""Describe an image: its identity by content, its grid, and what is known of how it was acquired."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.records.image_info import ImageInfo


def describe(
    image: sitk.Image,
    modality: str = "",
    intensity_unit: str = "",
    acquired: datetime | None = None,
    study_uid: str = "",
    series_uid: str = "",
    frame_of_reference_uid: str = "",
    slice_thickness_mm: float | None = None,
    kernel: str = "",
    notes: Sequence[str] = (),
) -> ImageInfo:
    """Return what is known of a 3D image, with the SHA-256 of its geometry and voxels."""
    i, j, k = image.GetSize()
    return ImageInfo(
        modality=modality,
        intensity_unit=intensity_unit,
        size=(i, j, k),
        spacing_mm=image.GetSpacing(),
        origin_mm=image.GetOrigin(),
        direction=tuple(image.GetDirection()),
        content_hash=content_hash(image),
        acquired=acquired,
        study_uid=study_uid,
        series_uid=series_uid,
        frame_of_reference_uid=frame_of_reference_uid,
        slice_thickness_mm=slice_thickness_mm,
        kernel=kernel,
        notes=tuple(notes),
    )


def content_hash(image: sitk.Image) -> str:
    """Return the SHA-256 (hex) over size, geometry, voxel type and voxels; the same on every machine."""
    digest = hashlib.sha256(image.GetPixelIDTypeAsString().encode())
    digest.update(np.array(image.GetSize(), dtype="<i8").tobytes())
    # Adding zero makes -0.0 the same as 0.0.
    geometry = np.array([*image.GetSpacing(), *image.GetOrigin(), *image.GetDirection()], dtype="<f8") + 0.0
    digest.update(geometry.tobytes())
    voxels = np.ascontiguousarray(sitk.GetArrayViewFromImage(image))
    digest.update(voxels.astype(voxels.dtype.newbyteorder("<"), copy=False).data)
    return digest.hexdigest()
