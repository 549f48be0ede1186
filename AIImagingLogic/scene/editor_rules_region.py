"""A cropped result on the grid of a volume as a region of the lattice of a segmentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.scene.coordinates import array_of_vtk_matrix, ijk_to_ras
from AIImagingLogic.scene.editor_rules_lattice import Extent, Lattice, common_box, part, shape_of
from AIImagingLogic.scene.host import load_slicer, load_vtk

if TYPE_CHECKING:
    import SimpleITK as sitk

BESIDE, INSIDE, AS_IT_IS = 0, 1, 2
_SAME_VOXEL = 1e-3


@dataclass(frozen=True, eq=False)
class Region:
    """What a box of a segmentation shall be.

    Attributes
    ----------
    lattice : of the segmentation
    extent : where the box lies
    voxels : uint8 (k, j, i): `BESIDE` the segment, `INSIDE` it, or `AS_IT_IS`
    """

    lattice: Lattice
    extent: Extent
    voxels: npt.NDArray[np.uint8]

    @property
    def empty(self) -> bool:
        """Whether it holds no voxel, as when the result lies beside the segmentation."""
        return self.voxels.size == 0


def region_of_image(image: sitk.Image, volume_node: Any, segmentation_node: Any, lattice: Lattice) -> Region:
    """Return a cropped result, 1 in the object and 0 beside it, as a region of a segmentation.

    Where the grids are the same, the voxels are; else each voxel takes the value of the nearest one, or stays as it is
    where none of the result is near. What lies outside the lattice is left out.

    Parameters
    ----------
    image : integers, LPS mm of `volume_node` (its parent transform left out)
    volume_node, segmentation_node : vtkMRMLTransformableNode; each may stand under a transform

    Raises
    ------
    SceneError
        The transform between the two is not linear.
    """
    import SimpleITK as sitk

    values = (sitk.GetArrayViewFromImage(image) != 0).astype(np.uint8)
    return region_of_voxels(values, ijk_to_ras(image), volume_node, segmentation_node, lattice)


def region_of_voxels(
    values: npt.NDArray[np.uint8],
    values_to_ras: npt.NDArray[np.float64],
    from_node: Any,
    to_node: Any,
    lattice: Lattice,
) -> Region:
    """Return voxels of one node, `BESIDE` or `INSIDE`, as a region of the lattice of another.

    Parameters
    ----------
    values : uint8 (k, j, i)
    values_to_ras : (4, 4), their indices (i, j, k) to RAS mm of `from_node`
    from_node, to_node : vtkMRMLTransformableNode
    lattice : of `to_node`

    Raises
    ------
    SceneError
        The transform between the two is not linear.
    """
    matrix = np.linalg.inv(lattice.ijk_to_ras) @ ras_between(from_node, to_node) @ values_to_ras
    size = np.array(values.shape[::-1], dtype=np.float64)
    offset = np.round(matrix[:3, 3])
    # The corner farthest from the first voxel: what is off there by less than this is off nowhere by more.
    off = np.abs(matrix[:3, :3] - np.eye(3)) @ size + np.abs(matrix[:3, 3] - offset)
    if off.max() < _SAME_VOXEL:
        return _pasted(values, offset.astype(int), lattice)
    return _nearest(values, matrix, lattice)


def ras_between(from_node: Any, to_node: Any) -> npt.NDArray[np.float64]:
    """Return the (4, 4) matrix from RAS mm of one transformable node to RAS mm of another.

    Raises
    ------
    SceneError
        There is none: a transform between them is not linear.
    """
    matrix = load_vtk().vtkMatrix4x4()
    transforms = load_slicer().vtkMRMLTransformNode
    if not transforms.GetMatrixTransformBetweenNodes(
        from_node.GetParentTransformNode(), to_node.GetParentTransformNode(), matrix
    ):
        raise SceneError(
            f"The transform between '{from_node.GetName()}' and '{to_node.GetName()}' is not linear.",
            "Harden it first (Transforms module, or 'Harden transform' in the Data module).",
        )
    return array_of_vtk_matrix(matrix)


def _pasted(values: npt.NDArray[np.uint8], offset: npt.NDArray[np.int_], lattice: Lattice) -> Region:
    i, j, k = (int(value) for value in offset)
    depth, height, width = values.shape
    whole: Extent = (i, i + width - 1, j, j + height - 1, k, k + depth - 1)
    extent = common_box(whole, lattice.extent)
    if 0 in shape_of(extent):
        return Region(lattice, extent, np.zeros(shape_of(extent), np.uint8))
    return Region(lattice, extent, values[part(extent, whole)])


def _nearest(values: npt.NDArray[np.uint8], matrix: npt.NDArray[np.float64], lattice: Lattice) -> Region:
    from scipy import ndimage

    ends = [(-0.5, count - 0.5) for count in reversed(values.shape)]
    corners = np.array([(i, j, k, 1.0) for i in ends[0] for j in ends[1] for k in ends[2]])
    placed = corners @ matrix[:3].T
    low, high = np.floor(placed.min(axis=0)).astype(int), np.ceil(placed.max(axis=0)).astype(int)
    extent = common_box((low[0], high[0], low[1], high[1], low[2], high[2]), lattice.extent)
    extent = tuple(int(value) for value in extent)  # type: ignore[assignment]
    shape = shape_of(extent)
    if 0 in shape:
        return Region(lattice, extent, np.zeros(shape, np.uint8))
    # One voxel around it says that nothing is known there; without it, half a voxel at the border would be lost.
    known = np.pad(values, 1, constant_values=AS_IT_IS)
    back = np.linalg.inv(matrix)
    start = back @ np.array([extent[0], extent[2], extent[4], 1.0])
    voxels = ndimage.affine_transform(
        known,
        back[2::-1, 2::-1],
        offset=start[2::-1] + 1.0,
        output_shape=shape,
        order=0,
        mode="constant",
        cval=AS_IT_IS,
        prefilter=False,
    )
    return Region(lattice, extent, voxels)
