"""Volume nodes as inputs of a job: checked, described and lent to the job service without a copy in this thread."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.scene.parent_transforms import require_linear_parent
from AIImagingLogic.scene.volume_grid import grid_of_volume_node
from AIImagingLogic.scene.volume_info import facts_of_volume_node

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from AIImagingLogic.jobs.job import ImageInput


class NodeVoxels:
    """The voxels that a volume node had when a run was asked for, shown when the job service begins to copy them.

    Parameters
    ----------
    image_data : vtkImageData of the node; held until `release`, whatever becomes of the node
    """

    def __init__(self, image_data: Any) -> None:
        self._image_data = image_data
        self._taken_at: int = image_data.GetMTime()

    def __call__(self) -> npt.NDArray[np.generic]:
        """Return a view, (k, j, i), of the voxels as they are now.

        Raises
        ------
        SceneError
            They were given back.
        """
        if self._image_data is None:
            raise SceneError("The voxels of a finished run were asked for.")
        from vtkmodules.util.numpy_support import vtk_to_numpy

        self._taken_at = self._image_data.GetMTime()
        voxels: npt.NDArray[np.generic] = vtk_to_numpy(self._image_data.GetPointData().GetScalars())
        return voxels.reshape(self._image_data.GetDimensions()[::-1])

    def changed(self) -> int:
        """Return a number that changes when the voxels do."""
        return 0 if self._image_data is None else int(self._image_data.GetMTime())

    def shows(self, image_data: Any) -> bool:
        """Whether these are the voxels of that object."""
        return image_data is not None and image_data is self._image_data

    def edited_since(self, image_data: Any) -> bool:
        """Whether `image_data`, which the node holds now, is not what the job was given."""
        return image_data is not self._image_data or image_data.GetMTime() != self._taken_at

    def release(self) -> None:
        """Let go of the voxels: the run needs them no more."""
        self._image_data = None


def node_voxels(arguments: Any) -> list[NodeVoxels]:
    """Return the voxels of volume nodes among the arguments of a job, at any depth."""
    if isinstance(arguments, Mapping):
        return [voxels for value in arguments.values() for voxels in node_voxels(value)]
    if isinstance(arguments, (list, tuple)):
        return [voxels for value in arguments for voxels in node_voxels(value)]
    voxels = getattr(arguments, "voxels", None)
    return [voxels] if isinstance(voxels, NodeVoxels) else []


def require_volume(node: Any, role: str = "volume") -> None:
    """Check that a node is a volume that a task can read.

    Parameters
    ----------
    node : vtkMRMLNode or None
    role : what the volume is to the task, such as ``baseline volume``

    Raises
    ------
    SceneError
        None is chosen, or it is no scalar volume, empty, or under a non-linear transform; the message names it.
    """
    if node is None:
        raise SceneError(f"No {role} is chosen.", "Choose a volume.")
    name = node.GetName()
    if node.GetScene() is None:
        raise SceneError(f"The {role} '{name}' is no longer in the scene.", "Choose another volume.")
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        raise SceneError(f"The {role} '{name}' is a labelmap, not an image.", "Choose the image it was drawn on.")
    if not node.IsA("vtkMRMLScalarVolumeNode"):
        raise SceneError(f"The {role} '{name}' is not a volume.", "Choose a volume.")
    data = node.GetImageData()
    scalars = None if data is None else data.GetPointData().GetScalars()
    if scalars is None or scalars.GetNumberOfTuples() == 0:
        raise SceneError(f"The {role} '{name}' is empty.", "Load its image first.")
    if node.IsA("vtkMRMLTensorVolumeNode") or scalars.GetNumberOfComponents() > 1:
        raise SceneError(
            f"The {role} '{name}' has {scalars.GetNumberOfComponents()} values a voxel (a colour or vector volume).",
            "Choose a volume with one value a voxel, or extract one (Vector to Scalar Volume module).",
        )
    require_linear_parent(node)


def image_input(volume_node: Any, acquired: datetime | None = None, role: str = "volume") -> ImageInput:
    """Return a volume node as the input of a job.

    The voxels are copied later, by the job service; the geometry is that of now, without the parent transform, so a
    result lands right under the same transform.

    Parameters
    ----------
    volume_node : vtkMRMLScalarVolumeNode
    acquired : when it was acquired, where the scene does not know or is wrong
    role : as in `require_volume`

    Raises
    ------
    SceneError
        As `require_volume`.
    """
    from AIImagingLogic.jobs.job import ImageInput

    require_volume(volume_node, role)
    voxels = NodeVoxels(volume_node.GetImageData())
    spacing, origin, direction = grid_of_volume_node(volume_node)
    return ImageInput(
        voxels=voxels,
        spacing=spacing,
        origin=origin,
        direction=direction,
        facts=facts_of_volume_node(volume_node, acquired),
        changed=voxels.changed,
    )
