"""A measured finding from a mask: box, stable identity, measurements, descriptors."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from pydicom.uid import generate_uid

from AIImagingLogic.measure.lesion import measure_lesion
from AIImagingLogic.measure.subvoxel_outline import SubvoxelOutline, subvoxel_outline
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.segmentation import Segmentation


def make_finding(
    image: sitk.Image, info: ImageInfo, mask: sitk.Image, organs: Segmentation, score: float, number: int
) -> Finding:
    """Return the finding of one outlined lung nodule.

    Parameters
    ----------
    image : CT, HU
    info : of `image`; its content hash and the lesion's position make the finding's UID, so that a second run on the
        same image gives the same UID
    mask : cropped uint8 mask on the grid of `image`, not empty
    organs : lungs on the grid of `image`
    score : 0..1
    number : shown in the name
    """
    outline = subvoxel_outline(image, mask, organs)
    measurements, descriptors = measure_lesion(image, mask, organs, outline)
    box = tight_box(outline)
    position = ",".join(f"{value:.1f}" for value in box.center_mm)
    uid = str(generate_uid(entropy_srcs=["finding", info.content_hash, position]))
    return Finding(
        uid=uid,
        name=f"Nodule {number}",
        box=box,
        score=float(score),
        concept=concept("lung-nodule"),
        mask=mask,
        measurements=measurements,
        descriptors=descriptors,
    )


def tight_box(outline: SubvoxelOutline) -> OrientedBox:
    """Return the box along the image's axes whose faces touch the outline; its axes are made right-handed."""
    inside = np.argwhere(outline.whole)
    first, last = inside.min(axis=0) - 0.5, inside.max(axis=0) + 0.5
    center = outline.patch.point_mm(0.5 * (first + last))
    size = ((last - first) * outline.patch.spacing_mm)[::-1]
    axes = np.asarray(outline.patch.image.GetDirection()).reshape(3, 3).T
    if np.linalg.det(axes) < 0:
        axes = axes * np.array([[1.0], [1.0], [-1.0]])
    rows = tuple((float(row[0]), float(row[1]), float(row[2])) for row in axes)
    return OrientedBox(center, (float(size[0]), float(size[1]), float(size[2])), (rows[0], rows[1], rows[2]))
