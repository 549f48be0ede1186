"""The oriented box of every finding, kept on the point list, and the one box node that shows the current one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from AIImagingLogic.scene.coordinates import ras_from_lps, vtk_matrix
from AIImagingLogic.scene.node_attributes import CURRENT_FINDING, FINDING_BOXES

_MARGIN_MM = 3.0
_UPRIGHT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class FindingBox:
    """Size and axes of a finding's box, and the colour of its lesion. The centre is the finding's control point.

    Attributes
    ----------
    size_mm : (3,) mm along the axes
    axes : (3, 3) unit vectors, one row an axis, LPS
    colour : RGB 0..255
    """

    size_mm: Vector
    axes: tuple[Vector, Vector, Vector]
    colour: tuple[int, int, int]


def write_boxes(points: Any, boxes: Mapping[str, FindingBox]) -> None:
    """Put the boxes, by the uid of their finding, on a point list as an attribute that a saved scene keeps."""
    content: dict[str, dict[str, Any]] = {}
    for uid, box in boxes.items():
        entry: dict[str, Any] = {"size": box.size_mm, "colour": box.colour}
        if box.axes != _UPRIGHT:
            entry["axes"] = box.axes
        content[uid] = entry
    points.SetAttribute(FINDING_BOXES, json.dumps(content, separators=(",", ":"), allow_nan=False))


def read_boxes(points: Any) -> dict[str, FindingBox]:
    """Return what `write_boxes` wrote; empty when the node carries none."""
    content = json.loads(points.GetAttribute(FINDING_BOXES) or "{}")
    return {
        uid: FindingBox(tuple(entry["size"]), tuple(entry.get("axes", _UPRIGHT)), tuple(entry["colour"]))
        for uid, entry in content.items()
    }


def place_box(node: Any, uid: str, center_ras_mm: npt.ArrayLike, box: FindingBox) -> None:
    """Show a box (and a margin around it) in the box node.

    Parameters
    ----------
    node : vtkMRMLMarkupsROINode
    uid : of the finding
    center_ras_mm : (3,) mm, RAS, in the coordinates of the node (under its parent transform)
    box : size, axes, colour
    """
    axes = ras_from_lps(box.axes).T
    if np.linalg.det(axes) < 0:
        # The same box: turned about, its third axis makes a rotation of what would be a reflection.
        axes[:, 2] = -axes[:, 2]
    matrix = np.eye(4)
    matrix[:3, :3] = axes
    matrix[:3, 3] = center_ras_mm
    was_modifying = node.StartModify()
    node.SetAndObserveObjectToNodeMatrix(vtk_matrix(matrix))
    node.SetSize([length + 2 * _MARGIN_MM for length in box.size_mm])
    node.SetAttribute(CURRENT_FINDING, uid)
    node.EndModify(was_modifying)
    display = node.GetDisplayNode()
    display.SetSelectedColor(*(channel / 255 for channel in box.colour))
    display.SetVisibility(True)
