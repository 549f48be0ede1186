"""Where the voxels of a volume node lie, without reading them."""

from __future__ import annotations

from typing import Any

from AIImagingLogic.scene.coordinates import LPS_TO_RAS, array_of_vtk_matrix, lps_from_ras
from AIImagingLogic.scene.host import load_vtk

Vector = tuple[float, float, float]


def grid_of_volume_node(node: Any) -> tuple[Vector, Vector, tuple[float, ...]]:
    """Return spacing, origin and direction of a volume node; a parent transform is not applied.

    Returns
    -------
    spacing : (3,) mm along i, j, k
    origin : (3,) mm, LPS
    direction : 9 direction cosines, row-major, LPS; columns are the i, j, k axes
    """
    matrix = load_vtk().vtkMatrix4x4()
    node.GetIJKToRASDirectionMatrix(matrix)
    # Adding zero makes -0.0 the same as 0.0.
    directions = LPS_TO_RAS @ array_of_vtk_matrix(matrix)[:3, :3] + 0.0
    x, y, z = (lps_from_ras(node.GetOrigin()) + 0.0).tolist()
    return tuple(node.GetSpacing()), (x, y, z), tuple(directions.ravel().tolist())
