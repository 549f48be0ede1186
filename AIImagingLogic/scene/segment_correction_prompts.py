"""What is shown in a view, RAS mm of the world, as prompts on a volume, LPS mm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from AIImagingLogic.records.boxes import OrientedBox, Vector
from AIImagingLogic.records.prompts import Prompts, Stroke
from AIImagingLogic.scene.coordinates import array_of_vtk_matrix, lps_from_ras
from AIImagingLogic.scene.host import load_slicer, load_vtk
from AIImagingLogic.scene.parent_transforms import require_linear_parent

Point = Sequence[float]


def click(volume_node: Any, position_ras: Point, inside: bool) -> Prompts:
    """Return one click in the object or beside it.

    Raises
    ------
    SceneError
        The volume stands under a non-linear transform.
    """
    (point,) = _points(volume_node, [position_ras])
    return Prompts(inside_mm=(point,)) if inside else Prompts(outside_mm=(point,))


def scribble(volume_node: Any, positions_ras: Sequence[Point], inside: bool, radius_mm: float = 0.0) -> Prompts:
    """Return one scribble.

    Raises
    ------
    SceneError
        The volume stands under a non-linear transform.
    """
    return Prompts(strokes=(Stroke(_points(volume_node, positions_ras), inside, radius_mm),))


def lasso(volume_node: Any, positions_ras: Sequence[Point]) -> Prompts:
    """Return a closed line around the object in one slice.

    Raises
    ------
    SceneError
        The volume stands under a non-linear transform.
    """
    return Prompts(lasso_mm=_points(volume_node, positions_ras))


def box_of_corners(
    volume_node: Any, corner_ras: Point, opposite_ras: Point, axes_ras: npt.ArrayLike, depth_mm: float = 0.0
) -> Prompts:
    """Return a box that was drawn in a slice view.

    Parameters
    ----------
    volume_node : vtkMRMLScalarVolumeNode
    corner_ras, opposite_ras : (3,) mm, two corners in the plane of the view
    axes_ras : (3, 3), columns are the view's directions right, up and away, RAS; as in its SliceToRAS
    depth_mm : along the third; 0 for the slice alone

    Raises
    ------
    SceneError
        The volume stands under a non-linear transform.
    """
    axes = np.asarray(axes_ras, dtype=np.float64)[:3, :3]
    axes = axes / np.linalg.norm(axes, axis=0)
    first, second = np.asarray(corner_ras, np.float64), np.asarray(opposite_ras, np.float64)
    edges = axes * np.abs(axes.T @ (second - first))
    edges[:, 2] = axes[:, 2] * depth_mm
    return Prompts(box=_box(volume_node, (first + second) / 2, edges, axes))


def box_of_roi(volume_node: Any, roi_node: Any) -> Prompts:
    """Return the box of a vtkMRMLMarkupsROINode.

    Raises
    ------
    SceneError
        The volume stands under a non-linear transform.
    """
    matrix = array_of_vtk_matrix(roi_node.GetObjectToWorldMatrix())
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    axes = matrix[:3, :3] / lengths
    return Prompts(box=_box(volume_node, matrix[:3, 3], matrix[:3, :3] * np.array(roi_node.GetSize()), axes))


def joined(shown: Iterable[Prompts]) -> Prompts:
    """Return all that was shown, in that order; of boxes and lassos, the last."""
    result = Prompts()
    for each in shown:
        result = Prompts(
            inside_mm=result.inside_mm + each.inside_mm,
            outside_mm=result.outside_mm + each.outside_mm,
            strokes=result.strokes + each.strokes,
            box=each.box or result.box,
            lasso_mm=each.lasso_mm or result.lasso_mm,
        )
    return result


def _points(volume_node: Any, positions_ras: Sequence[Point]) -> tuple[Vector, ...]:
    matrix = _volume_from_world(volume_node)
    ras = np.asarray(positions_ras, dtype=np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    return tuple((float(x), float(y), float(z)) for x, y, z in lps_from_ras(ras))


def _box(
    volume_node: Any, center_ras: npt.NDArray[np.float64], edges: npt.NDArray[np.float64], axes: npt.NDArray[np.float64]
) -> OrientedBox:
    """Return a box of the world, whose edges are columns, in LPS of the volume."""
    matrix = _volume_from_world(volume_node)
    (center,) = _points(volume_node, [center_ras.tolist()])
    sizes = np.linalg.norm(matrix[:3, :3] @ edges, axis=0)
    turned = lps_from_ras((matrix[:3, :3] @ axes).T)
    turned /= np.linalg.norm(turned, axis=1)[:, None]
    # The third axis is the one that makes them right-handed; a box is the same with it turned about.
    turned[2] = np.cross(turned[0], turned[1])
    x, y, z = (tuple(float(value) for value in row) for row in turned)
    width, height, depth = (float(value) for value in sizes)
    return OrientedBox(center, (width, height, depth), (x, y, z))  # type: ignore[arg-type]


def _volume_from_world(volume_node: Any) -> npt.NDArray[np.float64]:
    require_linear_parent(volume_node)
    matrix = load_vtk().vtkMatrix4x4()
    transforms = load_slicer().vtkMRMLTransformNode
    transforms.GetMatrixTransformBetweenNodes(None, volume_node.GetParentTransformNode(), matrix)
    return array_of_vtk_matrix(matrix)
