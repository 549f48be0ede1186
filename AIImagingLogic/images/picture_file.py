"""Pictures: files of one flat image, of grey values or colours, such as a radiograph, an endoscopy frame or a PNG."""

from __future__ import annotations

from pathlib import Path

import SimpleITK as sitk

from AIImagingLogic.images.file_kind import file_kind
from AIImagingLogic.images.info import describe
from AIImagingLogic.records.errors import UnreadableImageError, WrongImageError
from AIImagingLogic.records.image_info import ImageInfo

_VOLUME_IO = {"nrrd": "NrrdImageIO", "metaimage": "MetaImageIO", "nifti": "NiftiImageIO"}
_PLAIN_IO = {
    "a PNG picture": "PNGImageIO",
    "a JPEG picture": "JPEGImageIO",
    "a TIFF picture": "TIFFImageIO",
    "a BMP picture": "BMPImageIO",
}
_DICOM_IO = "GDCMImageIO"
_COLOURS, _WITH_ALPHA = 3, 4
_NO_SPACING = "The file does not say how large a pixel is: 1 mm is assumed."
_INVERTED = "The file shows low values bright (MONOCHROME1): its values were turned round."


def is_picture(path: Path) -> bool:
    """Whether a file is one flat image, or one in colour, which `read_image` refuses."""
    if not path.is_file():
        return False
    kind = file_kind(path)
    if kind in _PLAIN_IO:
        return True
    if kind == "dicom":
        return _is_flat_dicom(path)
    if kind not in _VOLUME_IO:
        return False
    reader = _reader(path, _VOLUME_IO[kind])
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return False
    return reader.GetDimension() == 2 or reader.GetNumberOfComponents() > 1


def read_picture(path: Path) -> tuple[sitk.Image, ImageInfo]:
    """Read a flat or colour image as a volume of grey values or of red, green and blue.

    Parameters
    ----------
    path : a file for which `is_picture` is true

    Returns
    -------
    image : sitk.Image
        3D; one slice for a flat image. An alpha channel is left out.
    info : ImageInfo
        Its `notes` say what was assumed or left out.

    Raises
    ------
    UnreadableImageError
        The file is cut off or broken.
    WrongImageError
        It has neither one nor three values a pixel.
    """
    kind = file_kind(path)
    notes: list[str] = []
    modality = ""
    try:
        image = _reader(path, _DICOM_IO if kind == "dicom" else (_PLAIN_IO | _VOLUME_IO)[kind]).Execute()
    except RuntimeError as error:
        raise UnreadableImageError(
            f"'{path.name}' cannot be read: it is cut off or broken.", "Copy it again."
        ) from error
    if kind == "dicom":
        modality, inverted = _dicom_facts(path)
        if inverted:
            # ITK has done so while it read.
            notes.append(_INVERTED)
    elif kind in _PLAIN_IO and set(image.GetSpacing()) == {1.0}:
        notes.append(_NO_SPACING)
    if image.GetNumberOfComponentsPerPixel() == _WITH_ALPHA:
        image = sitk.Compose([sitk.VectorIndexSelectionCast(image, channel) for channel in range(_COLOURS)])
        notes.append("The picture's transparency was left out.")
    components = image.GetNumberOfComponentsPerPixel()
    if components not in (1, _COLOURS):
        raise WrongImageError(
            f"'{path.name}' has {components} values a pixel.", "Save it in grey values or in colours."
        )
    if image.GetDimension() == 2:
        image = sitk.JoinSeries(image)
    if image.GetDimension() != 3:
        raise WrongImageError(
            f"'{path.name}' has {image.GetDimension()} dimensions.", "Save one image of it by itself."
        )
    for key in image.GetMetaDataKeys():
        # Free text of a header may name the patient.
        image.EraseMetaData(key)
    return image, describe(image, modality=modality, notes=notes)


def _reader(path: Path, image_io: str) -> sitk.ImageFileReader:
    reader = sitk.ImageFileReader()
    reader.SetImageIO(image_io)
    reader.SetFileName(str(path))
    return reader


def _is_flat_dicom(path: Path) -> bool:
    """Whether a DICOM file is one image that has no place in the patient, as a radiograph has none."""
    import pydicom

    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    except (OSError, pydicom.errors.InvalidDicomError):
        return False
    frames = int(header.get("NumberOfFrames") or 1)
    placed = "ImagePositionPatient" in header or "PerFrameFunctionalGroupsSequence" in header
    return "Rows" in header and frames == 1 and not placed


def _dicom_facts(path: Path) -> tuple[str, bool]:
    """Return the modality of a DICOM file, and whether low values are shown bright."""
    import pydicom

    header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    return str(header.get("Modality", "")), header.get("PhotometricInterpretation") == "MONOCHROME1"
