"""The segmentation that a command is given: .seg.nrrd, DICOM SEG, or a plain label image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.dicom.seg_reading import read_seg
from AIImagingLogic.images.file_kind import file_kind
from AIImagingLogic.images.segmentation_file import read_segmentation
from AIImagingLogic.models.formats.label_segments import label_segments
from AIImagingLogic.records.errors import GeometryError, WrongImageError
from AIImagingLogic.records.segmentation import Segmentation

_LARGEST_LABEL = 65535
# More than any atlas names; what has more is an image of grey values.
_MOST_LABELS = 1000


def segmentation_of(path: Path, image: sitk.Image) -> Segmentation:
    """Read the segmentation at `path`, drawn on `image`.

    A label image without names gets the segments ``Label 1``, ``Label 2``, ...

    Raises
    ------
    UnreadableImageError
        There is no segmentation.
    GeometryError
        Its segments overlap.
    WrongImageError
        The values are no labels, but grey values.
    """
    if path.is_file() and file_kind(path) == "dicom":
        layers = read_seg(path).segmentations(image)
        if len(layers) != 1:
            raise GeometryError(
                f"'{path.name}' holds {len(layers)} layers of segments: they overlap, or there are none.",
                "Read it with `aiimaging dicom read`, then measure each file.",
            )
        return layers[0]
    found = read_segmentation(path)
    return found if found.segments else _of_labels(found.image, path.name)


def _of_labels(image: sitk.Image, name: str) -> Segmentation:
    values = np.unique(sitk.GetArrayViewFromImage(image))
    whole = bool(np.isfinite(values).all()) and bool((values == np.rint(values)).all())
    if not whole or values[0] < 0 or values[-1] > _LARGEST_LABEL or len(values) > _MOST_LABELS:
        raise WrongImageError(f"The voxels of '{name}' are no labels.", "Name a segmentation or a label image.")
    labels = [int(value) for value in values if value]
    kind = sitk.sitkUInt8 if not labels or labels[-1] <= np.iinfo(np.uint8).max else sitk.sitkUInt16
    names = [f"Label {value}" for value in labels]
    return Segmentation(sitk.Cast(image, kind), label_segments(names, labels))
