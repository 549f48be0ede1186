"""Organs of a scene's segmentation back as a record: what a timeline needs of them when it is corrected."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.geometry import world_to_index
from AIImagingLogic.images.segmentation_file import segment_id
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.scene.host import load_vtk
from AIImagingLogic.scene.segmentations import LABELMAP


def with_labels_of(organs: Segmentation, node: Any, info: ImageInfo) -> Segmentation:
    """Return a segmentation with its image as a segmentation node holds it.

    Parameters
    ----------
    organs : its segments; its image is not used
    node : vtkMRMLSegmentationNode that was made of it; segments that were removed from it are left out
    info : of the image that the organs were outlined on, whose grid the labels get (LPS mm)
    """
    labels = np.zeros(info.size[::-1], np.uint8)
    kept = []
    for segment in organs.segments:
        entry = node.GetSegmentation().GetSegment(segment_id(segment))
        data = None if entry is None else entry.GetRepresentation(LABELMAP)
        if data is None:
            continue
        kept.append(segment)
        if data.GetPointData().GetScalars() is not None:
            _paste(labels, data, entry.GetLabelValue(), segment.value, info)
    image = sitk.GetImageFromArray(labels)
    image.SetSpacing(info.spacing_mm)
    image.SetOrigin(info.origin_mm)
    image.SetDirection(info.direction)
    return dataclasses.replace(organs, image=image, segments=tuple(kept))


def _paste(labels: Any, data: Any, held: int, value: int, info: ImageInfo) -> None:
    """Write the voxels of a segment into `labels` (k, j, i); its own grid may be a part of the image's."""
    from vtkmodules.util.numpy_support import vtk_to_numpy

    extent = data.GetExtent()
    matrix = load_vtk().vtkMatrix4x4()
    data.GetImageToWorldMatrix(matrix)
    first_ras = np.array(matrix.MultiplyPoint((extent[0], extent[2], extent[4], 1.0))[:3])
    first = np.rint(world_to_index(info, first_ras * (-1, -1, 1))).astype(int)[::-1]
    size = data.GetDimensions()[::-1]
    inside = vtk_to_numpy(data.GetPointData().GetScalars()).reshape(size) == held
    low = np.maximum(first, 0)
    high = np.minimum(first + size, labels.shape)
    if np.all(high > low):
        target = labels[tuple(slice(a, b) for a, b in zip(low, high))]
        target[inside[tuple(slice(a, b) for a, b in zip(low - first, high - first))]] = value
