"""The one place where LPS (DICOM, ITK and every floor below) and RAS (Slicer's scene) meet. Both in millimetres."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from AIImagingLogic.scene.host import load_vtk

if TYPE_CHECKING:
    import SimpleITK as sitk

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])
"""Turns a vector (column) of LPS into RAS, and of RAS into LPS: it is its own inverse."""


def ras_from_lps(points_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return points or vectors, (3,) or (n, 3) mm, of LPS in RAS."""
    return np.asarray(points_mm, dtype=np.float64) * np.array([-1.0, -1.0, 1.0])


def lps_from_ras(points_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return points or vectors, (3,) or (n, 3) mm, of RAS in LPS."""
    return ras_from_lps(points_mm)


def ras_directions(image: sitk.Image) -> npt.NDArray[np.float64]:
    """Return the unit vectors of the image's i, j, k axes in RAS, as the columns of a (3, 3) matrix."""
    directions: npt.NDArray[np.float64] = LPS_TO_RAS @ np.array(image.GetDirection()).reshape(3, 3)
    return directions + 0.0  # no negative zeros, which a text file would not return


def ijk_to_ras(image: sitk.Image) -> npt.NDArray[np.float64]:
    """Return the (4, 4) matrix from voxel indices (i, j, k) of an image to RAS mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = ras_directions(image) * np.array(image.GetSpacing())
    matrix[:3, 3] = ras_from_lps(image.GetOrigin())
    return matrix


def ras_matrix_from_lps(matrix: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return a (4, 4) matrix that maps LPS points to LPS points as the one that maps RAS points to RAS points."""
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    turned: npt.NDArray[np.float64] = flip @ np.asarray(matrix, dtype=np.float64) @ flip
    return turned + 0.0


def vtk_matrix(matrix: npt.ArrayLike) -> Any:
    """Return a (4, 4) array as a vtkMatrix4x4."""
    result = load_vtk().vtkMatrix4x4()
    result.DeepCopy(np.asarray(matrix, dtype=np.float64).ravel().tolist())
    return result


def array_of_vtk_matrix(matrix: Any) -> npt.NDArray[np.float64]:
    """Return a vtkMatrix4x4 as a (4, 4) array."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
