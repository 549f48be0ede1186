"""A lesion's outline at one visit, carried to another: where to start outlining it there."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.followup.visit_spaces import VisitSpaces
from AIImagingLogic.images.geometry import (
    Grid,
    Points,
    grid_size,
    grid_spacing,
    index_matrix,
    index_to_world,
    world_to_index,
)
from AIImagingLogic.records.errors import GeometryError
from AIImagingLogic.records.timeline import Timeline

# The way back is computed at points this far apart and interpolated between them: registrations are smoother.
_STEP_MM = 4.0
_MARGIN_VOXELS = 2
_HALF = 0.5
_OUTSIDE_MM = 1e4


def carried_outline(mask: sitk.Image, spaces: VisitSpaces, start: int, end: int, target: Grid) -> sitk.Image:
    """Return a lesion's mask warped to another visit.

    Parameters
    ----------
    mask : cropped uint8 mask on the grid of visit `start`, not empty: 1 lesion, 2 solid part
    spaces : of the visits; there must be a registration between each two on the way
    start, end : indices of visits
    target : image of visit `end`, or its `ImageInfo`

    Returns
    -------
    sitk.Image
        Cropped uint8 mask whose voxels lie exactly on voxels of `target`; what lies outside the image is cut off.

    Raises
    ------
    GeometryError
        The mask is empty, or its place lies outside the image of the other visit.
    """
    inside = np.argwhere(sitk.GetArrayViewFromImage(mask) > 0)[:, ::-1]
    if len(inside) == 0:
        raise GeometryError("The outline is empty.", "Outline the lesion first.")
    # Corners of the voxels too, so that a lesion of one voxel has an extent.
    corners = np.array(np.meshgrid(*[(-_HALF, _HALF)] * 3)).reshape(3, -1).T
    edge = index_to_world(mask, _hull(inside.astype(float))[:, None] + corners).reshape(-1, 3)
    places, _ = spaces.carried(start, end, edge)
    crop = _crop(target, world_to_index(target, places))
    back = _way_back(crop, spaces, start, end)
    result = sitk.Image(crop.GetSize(), sitk.sitkUInt8)
    result.CopyInformation(crop)
    for label, least in ((1, 1), (2, 2)):
        part = sitk.Cast(mask >= least, sitk.sitkFloat32)
        warped = sitk.Resample(part, crop, back, sitk.sitkLinear, 0.0, sitk.sitkFloat32)
        result = sitk.Maximum(result, sitk.Cast(warped >= _HALF, sitk.sitkUInt8) * label)
    return result


def outline_from_neighbour(timeline: Timeline, number: int, visit: int, target: Grid) -> sitk.Image:
    """Return the outline of a lesion at the visit nearest in time that shows it, carried to a visit.

    Parameters
    ----------
    timeline : with its registrations and the findings' masks
    number : of the lesion
    visit : index of the visit to carry it to
    target : image of that visit, or its `ImageInfo`

    Raises
    ------
    GeometryError
        There is no such lesion, no outline of it at another visit, no registration on the way, or its place lies
        outside the image.
    """
    lesion = next((entry for entry in timeline.lesions if entry.number == number), None)
    observations = () if lesion is None else lesion.observations
    spaces = VisitSpaces(timeline.registrations)
    outlined = [
        (abs(index - visit), index, finding.mask)
        for index, uid in enumerate(observations)
        if index != visit and spaces.connected(index, visit)
        if (finding := timeline.visits[index].finding(uid)) is not None and finding.mask is not None
    ]
    if not outlined:
        raise GeometryError(
            f"Lesion {number} has no outline that could be carried to the {timeline.visits[visit].label}.",
            "Outline it at a neighbouring visit that is registered.",
        )
    _, start, mask = min(outlined, key=lambda entry: entry[:2])
    return carried_outline(mask, spaces, start, visit, target)


def _hull(voxels: Points) -> Points:
    """Return the voxels on the outside of a lesion along the axes: enough for its extent, few to carry."""
    chosen = []
    for axis in range(3):
        others = [other for other in range(3) if other != axis]
        order = np.lexsort((voxels[:, axis], voxels[:, others[0]], voxels[:, others[1]]))
        lines = voxels[order]
        new = np.any(np.diff(lines[:, others], axis=0) != 0, axis=1)
        chosen += [lines[np.append(True, new)], lines[np.append(new, True)]]
    hull: Points = np.unique(np.concatenate(chosen), axis=0)
    return hull


def _crop(target: Grid, indices: Points) -> sitk.Image:
    """Return an empty image of the voxels of a grid around continuous indices, within the grid."""
    size = grid_size(target)
    first = np.floor(indices.min(axis=0)).astype(int) - _MARGIN_VOXELS
    last = np.ceil(indices.max(axis=0)).astype(int) + _MARGIN_VOXELS
    first, last = np.maximum(first, 0), np.minimum(last, size - 1)
    if np.any(last < first):
        raise GeometryError(
            "The lesion's place lies outside the image of the other visit.", "It cannot be evaluated there."
        )
    crop = sitk.Image([int(n) for n in last - first + 1], sitk.sitkUInt8)
    crop.SetSpacing(grid_spacing(target).tolist())
    crop.SetDirection((index_matrix(target) / grid_spacing(target)).ravel().tolist())
    crop.SetOrigin(index_to_world(target, first).tolist())
    return crop


def _way_back(crop: sitk.Image, spaces: VisitSpaces, start: int, end: int) -> sitk.Transform:
    """Return the transform of points of a crop of visit `end` to points of visit `start`."""
    spacing, size = grid_spacing(crop), grid_size(crop)
    steps = np.maximum(np.round(_STEP_MM / spacing), 1)
    # One node more on each side: the field ends there, and the crop's border voxels need it.
    counts = np.ceil((size - 1) / steps).astype(int) + 3
    k, j, i = np.meshgrid(*(np.arange(n) - 1 for n in counts[::-1]), indexing="ij")
    nodes = index_to_world(crop, np.stack([i, j, k], axis=-1).reshape(-1, 3) * steps)
    places, known = spaces.carried(end, start, nodes)
    # Where the registration has no inverse nothing lies: such points are sent far away.
    places[~known] = nodes[~known] + _OUTSIDE_MM
    field = sitk.GetImageFromArray((places - nodes).reshape(*counts[::-1], 3), isVector=True)
    field.SetSpacing((spacing * steps).tolist())
    field.SetDirection(crop.GetDirection())
    field.SetOrigin(nodes[0].tolist())
    return sitk.DisplacementFieldTransform(sitk.Cast(field, sitk.sitkVectorFloat64))
