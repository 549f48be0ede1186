"""An outline measured anew for a finding that a person merged or split: as the detector does, or as any lesion."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.images.geometry import grid_size, index_matrix, index_to_world, paste, world_to_index
from AIImagingLogic.measure.finding import make_finding
from AIImagingLogic.records.errors import GeometryError
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.finding_type import NoduleType
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.segmentation import Segment, Segmentation
from AIImagingLogic.tasks.drawn_lesions import measured
from AIImagingLogic.tasks.lesion_sources import findings_from_segmentation

# Words that are measured only where the lungs are known; others describe the lesion as a person or a file did.
_OF_THE_OUTLINE = ("contact",)
_MARGIN_VOXELS = 2
# As `images.geometry.paste` takes a crop to lie on the voxels of its image.
_ON_GRID, _SAME_STEP_MM = 0.01, 1e-4


def remeasured_outline(
    image: sitk.Image,
    info: ImageInfo,
    mask: sitk.Image,
    sources: Sequence[Finding],
    lungs: Segmentation | None = None,
) -> Finding:
    """Return the first of the sources with another outline: box, measurements and descriptors are those of the outline.

    Parameters
    ----------
    image : that the outline lies on
    info : of `image`
    mask : cropped uint8 on the grid of `image`, not empty: 1 lesion, 2 its solid part
    sources : what the outline was made of; concept, name and uid are those of the first. Descriptors that were not
        measured anew stay where all of them agree, and a stated type where all that state one state the same
    lungs : of a chest CT, on the grid of `image`: then it is measured as the detector measures lung nodules; without
        them volume, diameters and density or uptake are

    Raises
    ------
    GeometryError
        The outline does not lie on the grid of the image.
    """
    first = sources[0]
    agreed = {
        name: word
        for name, word in first.descriptors.items()
        if all(source.descriptors.get(name) == word for source in sources)
    }
    if lungs is not None:
        made = make_finding(image, info, mask, lungs, first.score, 1)
    else:
        made = _of_any_lesion(image, info, mask, first)
        agreed = {name: word for name, word in agreed.items() if name not in _OF_THE_OUTLINE}
    words = {**agreed, **(made.descriptors if lungs is not None else {})}
    said = {source.stated_type for source in sources} - {None}
    stated = said.pop() if len(said) == 1 else None
    if stated is not None and stated is not NoduleType.PERIFISSURAL:
        words["attenuation"] = stated.value
    return dataclasses.replace(
        first, box=made.box, mask=mask, measurements=made.measurements, descriptors=words, stated_type=stated
    )


def outlined_voxels(finding: Finding, image: sitk.Image, wanted: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the values (k, j, i) of a finding's outline, and where its first voxel lies in the image: i, j, k.

    Raises
    ------
    GeometryError
        It has none, an empty one, or one that does not lie on the grid of the image. `wanted` says what for.
    """
    if finding.mask is None or not sitk.GetArrayViewFromImage(finding.mask).any():
        raise GeometryError(f"'{finding.name}' has no outline, so that it cannot be {wanted}.", "Outline it first.")
    start = world_to_index(image, finding.mask.GetOrigin())
    at = np.rint(start).astype(np.int64)
    aligned = np.allclose(start, at, atol=_ON_GRID) and np.allclose(
        index_matrix(finding.mask), index_matrix(image), atol=_SAME_STEP_MM
    )
    if not aligned or np.any(at < 0) or np.any(at + grid_size(finding.mask) > grid_size(image)):
        raise GeometryError(
            f"The outline of '{finding.name}' does not lie on the voxels of the image.",
            "Choose the image that it was found on.",
        )
    return sitk.GetArrayFromImage(finding.mask).astype(np.uint8), at


def cropped_mask(values: NDArray[np.uint8], first: NDArray[np.int64], image: sitk.Image) -> sitk.Image:
    """Return values (k, j, i), whose first voxel is voxel `first` (i, j, k) of the image, as a crop around them.

    Two voxels of margin stay, as far as the image goes: an outline is redrawn between the voxels from what lies beside.
    """
    inside = np.argwhere(values)[:, ::-1] + first
    low = np.maximum(inside.min(axis=0) - _MARGIN_VOXELS, 0)
    high = np.minimum(inside.max(axis=0) + 1 + _MARGIN_VOXELS, grid_size(image))
    crop = np.zeros((high - low)[::-1], np.uint8)
    crop[tuple((inside - low)[:, ::-1].T)] = values[values > 0]
    mask = sitk.GetImageFromArray(crop)
    mask.SetSpacing(image.GetSpacing())
    mask.SetDirection(image.GetDirection())
    mask.SetOrigin(index_to_world(image, low).tolist())
    return mask


def _of_any_lesion(image: sitk.Image, info: ImageInfo, mask: sitk.Image, first: Finding) -> Finding:
    segment = Segment(1, first.name, first.concept, first.concept.colour)
    empty = sitk.Image(image.GetSize(), sitk.sitkUInt8)
    empty.CopyInformation(image)
    labels = paste(sitk.Cast(mask > 0, sitk.sitkUInt8), empty)
    (made,) = findings_from_segmentation(image, info, Segmentation(labels, (segment,)), by_part=False)
    return measured(made, image, info)
