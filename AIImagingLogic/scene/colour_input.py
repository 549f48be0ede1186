"""Volume nodes of grey values or of colours as input of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.scene.job_inputs import NodeVoxels, image_input
from AIImagingLogic.scene.parent_transforms import require_linear_parent
from AIImagingLogic.scene.volume_grid import grid_of_volume_node
from AIImagingLogic.scene.volume_info import facts_of_volume_node

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from AIImagingLogic.jobs.job import ImageInput

_COLOURS = 3


class ColourVoxels(NodeVoxels):
    """The voxels of a colour volume; see `NodeVoxels`."""

    def __call__(self) -> npt.NDArray[np.generic]:
        """Return a view, (k, j, i, 3), of the voxels as they are now."""
        if self._image_data is None:
            raise SceneError("The voxels of a finished run were asked for.")
        from vtkmodules.util.numpy_support import vtk_to_numpy

        self._taken_at = self._image_data.GetMTime()
        voxels: npt.NDArray[np.generic] = vtk_to_numpy(self._image_data.GetPointData().GetScalars())
        return voxels.reshape(*self._image_data.GetDimensions()[::-1], _COLOURS)


def grey_or_colour_input(volume_node: Any) -> ImageInput:
    """Return a volume node of grey values or of three colours as the input of a job; see `job_inputs.image_input`.

    Parameters
    ----------
    volume_node : vtkMRMLScalarVolumeNode or vtkMRMLVectorVolumeNode

    Raises
    ------
    SceneError
        None is chosen, or it is no volume, empty, under a non-linear transform, or has another number of values a voxel
        than 1 or 3; the message names it.
    """
    from AIImagingLogic.jobs.job import ImageInput

    if not _is_colour(volume_node):
        return image_input(volume_node)
    require_linear_parent(volume_node)
    voxels = ColourVoxels(volume_node.GetImageData())
    spacing, origin, direction = grid_of_volume_node(volume_node)
    facts = facts_of_volume_node(volume_node)
    return ImageInput(voxels, spacing, origin, direction, facts, changed=voxels.changed)


def _is_colour(node: Any) -> bool:
    """Whether a node is a colour volume with voxels. Raises SceneError for another number of values a voxel."""
    if node is None or not node.IsA("vtkMRMLVectorVolumeNode") or node.GetScene() is None:
        return False
    data = node.GetImageData()
    scalars = None if data is None else data.GetPointData().GetScalars()
    if scalars is None or scalars.GetNumberOfTuples() == 0 or scalars.GetNumberOfComponents() == 1:
        return False
    components = scalars.GetNumberOfComponents()
    if components != _COLOURS:
        raise SceneError(
            f"The volume '{node.GetName()}' has {components} values a voxel, which are no three colours.",
            "Choose an image of grey values or of red, green and blue.",
        )
    return True
