"""Write an image so that the file appears whole or not at all."""

from __future__ import annotations

from pathlib import Path

import SimpleITK as sitk

from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.errors import OutputError

EXTENSIONS = (".nrrd", ".nii.gz", ".nii", ".mha")


def write_image(image: sitk.Image, path: Path) -> None:
    """Write an image with its geometry, compressed; the extension of `path` says the format.

    Raises
    ------
    OutputError
        The extension is none of ``.nrrd``, ``.nii.gz``, ``.nii``, ``.mha``, or the file could not be written.
    """
    if not path.name.lower().endswith(EXTENSIONS):
        raise OutputError(f"'{path.name}' has no extension of an image.", f"Use one of {', '.join(EXTENSIONS)}.")
    with written_atomically(path) as temporary:
        sitk.WriteImage(image, str(temporary), useCompression=True)
