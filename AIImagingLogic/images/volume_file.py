"""Volume files: NIfTI, NRRD and MetaImage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.info import describe
from AIImagingLogic.images.nifti import read_nifti
from AIImagingLogic.images.right_angles import with_right_angles
from AIImagingLogic.images.voxels import settled_voxels
from AIImagingLogic.records.errors import UnreadableImageError, WrongImageError
from AIImagingLogic.records.image_info import ImageInfo

_IMAGE_IO = {"nrrd": "NrrdImageIO", "metaimage": "MetaImageIO"}
_EXTENSIONS = {
    "nifti": (".nii", ".nii.gz", ".hdr", ".img", ".img.gz"),
    "nrrd": (".nrrd", ".nhdr"),
    "metaimage": (".mha", ".mhd"),
}
_NAMES = {"nifti": "NIfTI", "nrrd": "NRRD", "metaimage": "MetaImage"}


def read_volume_file(path: Path, kind: str) -> tuple[sitk.Image, ImageInfo]:
    """Read a file of the kind that `file_kind` told.

    Raises
    ------
    UnreadableImageError
        The file is cut off or broken.
    WrongImageError
        It holds a time series, vectors, colours or a flat picture.
    """
    notes: list[str] = []
    if not path.name.lower().endswith(_EXTENSIONS[kind]):
        notes.append(f"The file is {_NAMES[kind]}, though its name does not say so.")
    if kind == "nifti":
        image, found = read_nifti(path)
        notes += found
    else:
        image = _read_with_itk(path, kind)
    image = _one_volume(image)
    image, found = with_right_angles(image)
    notes += found
    values = sitk.GetArrayViewFromImage(image)
    settled = settled_voxels(values)
    if settled.dtype != values.dtype:
        plain = sitk.GetImageFromArray(settled)
        plain.CopyInformation(image)
        image = plain
    for key in image.GetMetaDataKeys():
        # Free text of a header may name the patient.
        image.EraseMetaData(key)
    return image, describe(image, notes=notes)


def _read_with_itk(path: Path, kind: str) -> sitk.Image:
    reader = sitk.ImageFileReader()
    reader.SetImageIO(_IMAGE_IO[kind])
    reader.SetFileName(str(path))
    try:
        return reader.Execute()
    except RuntimeError as error:
        raise UnreadableImageError(
            f"'{path.name}' cannot be read: it is cut off, broken, or its data file is missing.", "Copy it again."
        ) from error


def _one_volume(image: sitk.Image) -> sitk.Image:
    """Return the image as 3D; a fourth axis of length 1 is left out."""
    if image.GetNumberOfComponentsPerPixel() > 1:
        components = image.GetNumberOfComponentsPerPixel()
        raise WrongImageError(
            f"The image has {components} values in each voxel (colours, vectors or channels).", "Choose a scalar image."
        )
    if np.iscomplexobj(sitk.GetArrayViewFromImage(image)):
        raise WrongImageError("The image has complex numbers as voxels.", "Save its magnitude and read that.")
    size = list(image.GetSize())
    if len(size) < 3:
        raise WrongImageError("The image is a flat picture, not a volume.", "Choose an image with slices.")
    if any(n > 1 for n in size[3:]):
        raise WrongImageError(f"The image holds {int(np.prod(size[3:]))} volumes.", "Save one of them by itself first.")
    for _ in size[3:]:
        image = sitk.Extract(image, [*image.GetSize()[:-1], 0], [0] * image.GetDimension())
    return image
