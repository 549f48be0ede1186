"""One finding that a person says is several lesions, as that many findings."""

from __future__ import annotations

import dataclasses
import string
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.uid import generate_uid
from scipy import ndimage

from AIImagingLogic.images.geometry import grid_spacing, world_to_index
from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.errors import GeometryError
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.finding_event import FindingAction, FindingEvent
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.tasks.remeasured_outline import cropped_mask, outlined_voxels, remeasured_outline

_NEIGHBOURS = np.ones((3, 3, 3), bool)
# A mark is set with the mouse: so far beside the outline, in voxels, it still means it.
_BESIDE_VOXELS = 2.0


def split_finding(
    image: sitk.Image,
    info: ImageInfo,
    finding: Finding,
    marks_mm: Sequence[Vector] = (),
    lungs: Segmentation | None = None,
    reader: str = "",
    when: datetime | None = None,
) -> tuple[Finding, ...]:
    """Return the parts of a finding, the largest first; together they have its voxels, and none has another's.

    Without marks each connected part (26 neighbours) becomes a finding. With marks each mark becomes one: around a
    mark the largest ball that the outline holds is sought (uphill from the mark), and a voxel goes to the ball from
    whose surface it is the least far, by the power distance d² - r². Of two balls that overlap the border is the plane
    through the circle in which they meet: the neck between two nodules that grew together.

    The largest part keeps the uid and name; a new uid of the others is made of the finding's and the part's place, so
    that the same split gives the same uids. `merge_findings` of the parts gives the finding's outline and uid again.

    Parameters
    ----------
    image : that it was found on
    info : of `image`
    finding : with an outline on voxels of `image`
    marks_mm : (n, 3) mm, LPS, in the outline or two voxels beside it; none, or two and more
    lungs : of a chest CT, on the grid of `image`: then the parts are measured as the detector measures lung nodules
    reader : name or code that the user typed; empty: not recorded
    when : with time zone; None: not recorded

    Returns
    -------
    tuple of Finding
        Two or more, edited, each with score, concept and stated type of the finding.

    Raises
    ------
    GeometryError
        It has no outline, or it does not lie on the voxels of `image`; it has one part only and there are no marks;
        there is one mark, one lies elsewhere, or two lie in one voxel.
    ValueError
        `when` has no time zone.

    References
    ----------
    Power diagram: Aurenhammer, SIAM J. Comput. 1987, 16(1), 78-96.
    """
    values, first = outlined_voxels(finding, image, "split")
    if len(marks_mm):
        labels = _by_marks(finding, values, first, marks_mm, image)
        rule = f"{len(marks_mm)} marks"
    else:
        labels, count = ndimage.label(values, structure=_NEIGHBOURS)
        if count < 2:
            raise GeometryError(f"'{finding.name}' is one connected part.", "Set a mark in each lesion of it.")
        rule = "connected parts"
    parts = [np.where(labels == label, values, 0).astype(np.uint8) for label in range(1, int(labels.max()) + 1)]
    parts.sort(key=lambda part: -int(np.count_nonzero(part)))
    event = FindingEvent(FindingAction.SPLIT, (finding.uid,), rule, reader, when)
    found: list[Finding] = []
    for number, part in enumerate(parts):
        made = remeasured_outline(image, info, cropped_mask(part, first, image), (finding,), lungs)
        uid = finding.uid if number == 0 else _part_uid(finding, made, {entry.uid for entry in found})
        found.append(
            dataclasses.replace(
                made,
                uid=uid,
                name=finding.name if number == 0 else _part_name(finding.name, number),
                review=ReviewStatus.EDITED,
                reader=reader,
                reviewed=when,
                history=(*finding.history, event),
            )
        )
    return tuple(found)


def _by_marks(
    finding: Finding, values: NDArray[np.uint8], first: NDArray[np.int64], marks_mm: Sequence[Vector], image: sitk.Image
) -> NDArray[np.int64]:
    """Return the number of its mark, from 1, for each voxel of the outline; 0 outside."""
    inside = values > 0
    voxels = np.argwhere(inside)
    spacing = grid_spacing(image)[::-1]
    if len(marks_mm) < 2:
        raise GeometryError("One mark splits nothing.", "Set a mark in each lesion, or none for its connected parts.")
    at = (world_to_index(image, marks_mm) - first)[:, ::-1]
    marks = []
    for number, mark in enumerate(at, start=1):
        nearest = voxels[np.argmin((((voxels - mark) * spacing) ** 2).sum(axis=1))]
        if np.abs(nearest - mark).max() > _BESIDE_VOXELS + 0.5:
            raise GeometryError(f"Mark {number} does not lie in the outline of '{finding.name}'.", "Set it inside.")
        marks.append(nearest)
    if len(np.unique(marks, axis=0)) < len(marks):
        raise GeometryError(f"Two marks lie in one voxel of '{finding.name}'.", "Set one mark in each lesion.")
    depth = ndimage.distance_transform_edt(np.pad(inside, 1), sampling=spacing)[1:-1, 1:-1, 1:-1]
    balls = np.array([_uphill(depth, mark) for mark in marks])
    if len(np.unique(balls, axis=0)) < len(balls):
        # Two marks in one ball: no neck lies between them, and the nearer mark decides.
        balls, radii = np.array(marks), np.zeros(len(marks))
    else:
        radii = depth[tuple(balls.T)]
    apart = (((voxels[:, None] - balls[None]) * spacing) ** 2).sum(axis=2) - radii**2
    nearest_ball = apart.argmin(axis=1)
    if len(np.unique(nearest_ball)) < len(balls):
        # A ball that lies in another one's gets no voxel.
        apart = (((voxels[:, None] - np.array(marks)[None]) * spacing) ** 2).sum(axis=2)
        nearest_ball = apart.argmin(axis=1)
    labels = np.zeros(values.shape, np.int64)
    labels[tuple(voxels.T)] = nearest_ball + 1
    return labels


def _uphill(depth: NDArray[np.float64], mark: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the voxel that no neighbour of is deeper in the outline, uphill from a mark."""
    padded = np.pad(depth, 1)
    at = mark + 1
    while True:
        around = padded[tuple(slice(value - 1, value + 2) for value in at)]
        step = np.array(np.unravel_index(int(around.argmax()), around.shape)) - 1
        if padded[tuple(at + step)] <= padded[tuple(at)]:
            return np.asarray(at - 1)
        at = at + step


def _part_uid(finding: Finding, part: Finding, taken: set[str]) -> str:
    place = ",".join(f"{value:.1f}" for value in part.box.center_mm)
    sources = ["split", finding.uid, place]
    while (uid := str(generate_uid(entropy_srcs=sources))) in taken:
        sources.append("another")
    return uid


def _part_name(name: str, number: int) -> str:
    """Return such as ``Nodule 3 b``; after z the number."""
    letters = string.ascii_lowercase
    return f"{name} {letters[number] if number < len(letters) else number + 1}"
