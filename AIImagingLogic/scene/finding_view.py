"""Going through the findings of a visit: jump to one, put the box around it, say what a person thinks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.scene.finding_boxes import FindingBox, place_box, read_boxes
from AIImagingLogic.scene.host import load_slicer, load_vtk
from AIImagingLogic.scene.node_attributes import (
    BOX_ROLE,
    CURRENT_FINDING,
    FINDING_TAG,
    LESIONS_ROLE,
    REVIEW_COLUMN,
    TABLE_ROLE,
    UID_COLUMN,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from AIImagingLogic.records.finding import ReviewStatus

ALL_VIEWS = -1


class FindingView:
    """The findings of a visit, as its nodes hold them. What a person said of them is in the nodes, not in this object.

    A finding is selected by moving the slices and one box; nothing is made anew, however many findings there are.

    Parameters
    ----------
    points : point list of the findings (vtkMRMLMarkupsFiducialNode), with a uid as the description of each point
    box : the node that shows the current finding (vtkMRMLMarkupsROINode)
    table : table of the findings; None when it was removed: then there is no review
    lesions : their segmentation, None when there is none
    view_group : slice views that follow: all, or those of one group
    """

    def __init__(
        self, points: Any, box: Any, table: Any | None = None, lesions: Any | None = None, view_group: int = ALL_VIEWS
    ) -> None:
        self.points, self.box, self.table, self.lesions = points, box, table, lesions
        self.view_group = view_group
        count = points.GetNumberOfControlPoints()
        self.uids: tuple[str, ...] = tuple(points.GetNthControlPointDescription(index) for index in range(count))
        self._indices = {uid: index for index, uid in enumerate(self.uids)}
        self._boxes: dict[str, FindingBox] = read_boxes(points)
        self._rows = _rows_by_uid(table)
        self._segments = _segments_by_uid(lesions)

    @classmethod
    def from_nodes(cls, points: Any, view_group: int = ALL_VIEWS) -> FindingView:
        """Return the view of a point list that `join_findings` tied to its other nodes, in a saved scene too.

        Raises
        ------
        SceneError
            The node is no list of findings, or its box was removed from the scene.
        """
        box = None if points is None else points.GetNodeReference(BOX_ROLE)
        if box is None:
            name = "None" if points is None else points.GetName()
            raise SceneError(f"'{name}' is no list of findings with a box.", "Run the detection again.")
        return cls(points, box, points.GetNodeReference(TABLE_ROLE), points.GetNodeReference(LESIONS_ROLE), view_group)

    @property
    def current(self) -> str | None:
        """The uid of the selected finding, None when none is."""
        uid = self.box.GetAttribute(CURRENT_FINDING)
        return uid if uid in self._indices else None

    def select(self, uid: str) -> None:
        """Move all slices (of the view group) to a finding and put the box around it.

        Raises
        ------
        SceneError
            There is no such finding any more.
        """
        index = self._index(uid)
        world = np.zeros(3)
        self.points.GetNthControlPointPositionWorld(index, world)
        self._jump(world)
        box = self._boxes.get(uid)
        if box is not None:
            own = np.zeros(3)
            self.points.GetNthControlPointPosition(index, own)
            place_box(self.box, uid, own, box)
        else:
            self.box.SetAttribute(CURRENT_FINDING, uid)

    def leave(self, world_ras_mm: npt.NDArray[np.float64]) -> None:
        """Move all slices (of the view group) to a place where no finding is, (3,) mm, RAS world; the box is hidden."""
        self._jump(world_ras_mm)
        self.box.RemoveAttribute(CURRENT_FINDING)
        self.box.GetDisplayNode().SetVisibility(False)

    def next(self) -> str | None:
        """Select the finding after the current one, the first after the last. Returns its uid, None without any."""
        return self._step(1)

    def previous(self) -> str | None:
        """Select the finding before the current one, the last before the first. Returns its uid."""
        return self._step(-1)

    def segment(self, uid: str) -> Any | None:
        """Return the segment (vtkSegment) that outlines a finding, None when there is none."""
        segment_id = self._segments.get(uid)
        return None if segment_id is None else self.lesions.GetSegmentation().GetSegment(segment_id)  # type: ignore[union-attr]

    def uid_of_row(self, row: int) -> str:
        """Return the uid of the finding in a row of the table, empty when the table does not say."""
        column = None if self.table is None else self.table.GetTable().GetColumnByName(UID_COLUMN)
        return "" if column is None else str(column.GetValue(row))

    def review(self, uid: str) -> str:
        """Return what a person said of a finding, the value of a `ReviewStatus`."""
        row = self._row(uid)
        return "unreviewed" if row is None else str(self._reviews().GetValue(row))

    def set_review(self, uid: str, status: ReviewStatus | str) -> None:
        """Record what a person says of a finding.

        The proposal stays as it was: a rejected finding keeps its row, its point (in grey) and its segment (hidden).

        Raises
        ------
        SceneError
            There is no such finding, or no table to record it in.
        ValueError
            There is no such status.
        """
        value = str(getattr(status, "value", status))
        rules = load_resource("display/review.json")
        if value not in rules["states"]:
            raise ValueError(f"'{value}' is no review status. It is one of {', '.join(rules['states'])}.")
        index, row = self._index(uid), self._row(uid)
        if row is None:
            raise SceneError(f"The table, or the row of '{uid}' in it, was removed.", "Run the detection again.")
        self._reviews().SetValue(row, value)
        self._reviews().Modified()
        self.table.GetTable().Modified()  # type: ignore[union-attr]
        state = rules["states"][value]
        display = self.points.GetDisplayNode()
        display.SetColor(*(channel / 255 for channel in rules["rejected_colour"]))
        # A point that is not selected is drawn in the list's second colour.
        self.points.SetNthControlPointSelected(index, state["marked"])
        segment = self._segments.get(uid)
        if segment is not None and self.lesions is not None and self.lesions.GetDisplayNode() is not None:
            self.lesions.GetDisplayNode().SetSegmentVisibility(segment, state["shown"])

    def _jump(self, world_ras_mm: npt.NDArray[np.float64]) -> None:
        slices = load_slicer().vtkMRMLSliceNode
        slices.JumpAllSlices(self.points.GetScene(), *world_ras_mm, slices.CenteredJumpSlice, self.view_group)

    def _step(self, by: int) -> str | None:
        if not self.uids:
            return None
        current = self.current
        if current is None:
            index = 0 if by > 0 else len(self.uids) - 1
        else:
            index = (self._indices[current] + by) % len(self.uids)
        self.select(self.uids[index])
        return self.uids[index]

    def _index(self, uid: str) -> int:
        index = self._indices.get(uid)
        if index is None or self.points.GetNthControlPointDescription(index) != uid:
            raise SceneError(f"The finding '{uid}' is no longer in '{self.points.GetName()}'.", "Choose another one.")
        return index

    def _reviews(self) -> Any:
        return self.table.GetTable().GetColumnByName(REVIEW_COLUMN)  # type: ignore[union-attr]

    def _row(self, uid: str) -> int | None:
        if self.table is None or self.table.GetScene() is None:
            return None
        column = self.table.GetTable().GetColumnByName(UID_COLUMN)
        row = self._rows.get(uid)
        if column is not None and (row is None or row >= column.GetNumberOfValues() or column.GetValue(row) != uid):
            # Somebody sorted the rows, or removed one.
            self._rows = _rows_by_uid(self.table)
        return self._rows.get(uid)


def _rows_by_uid(table: Any | None) -> dict[str, int]:
    column = None if table is None else table.GetTable().GetColumnByName(UID_COLUMN)
    if column is None:
        return {}
    return {column.GetValue(row): row for row in range(column.GetNumberOfValues())}


def _segments_by_uid(lesions: Any | None) -> dict[str, str]:
    """Return the id of the segment of each finding, by the finding's uid."""
    if lesions is None:
        return {}
    content, found = lesions.GetSegmentation(), {}
    for number in range(content.GetNumberOfSegments()):
        segment_id = content.GetNthSegmentID(number)
        tag = load_vtk().reference("")
        if content.GetSegment(segment_id).GetTag(FINDING_TAG, tag):
            found[str(tag)] = segment_id
    return found
