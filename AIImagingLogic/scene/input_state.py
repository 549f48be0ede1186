"""What an input node was when a run began, and what has become of it since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from AIImagingLogic.scene.job_inputs import NodeVoxels, node_voxels
from AIImagingLogic.scene.volume_grid import grid_of_volume_node

if TYPE_CHECKING:
    from AIImagingLogic.jobs.job import Job


class InputState:
    """An input of a run.

    Parameters
    ----------
    node : vtkMRMLNode in a scene; of volumes, edits are noticed
    job : its image of this node, when it has one, knows which voxels it took
    """

    def __init__(self, node: Any, job: Job) -> None:
        self._node = node
        self._scene = node.GetScene()
        self._name: str = node.GetName()
        self._content = _content(node)
        self._content_time = 0 if self._content is None else self._content.GetMTime()
        self._voxels = _voxels_of(job, self._content)
        self._grid = _grid(node)
        self._transform = _transform_id(node)

    @property
    def lost(self) -> str:
        """Why the result cannot be added beside this node, empty when it can."""
        if self._scene.IsNodePresent(self._node):
            return ""
        return f"'{self._name}' was removed from the scene during the run"

    def notes(self) -> tuple[str, ...]:
        """Return what the user should know of the result: a sentence for each way in which the node was changed."""
        name = self._node.GetName()
        notes = []
        if self._edited():
            notes.append(f"'{name}' was changed after the run began: the result is of the volume as it was.")
        if _grid(self._node) != self._grid:
            notes.append(f"The geometry of '{name}' was changed after the run began: the result lies where it was.")
        if _transform_id(self._node) != self._transform:
            notes.append(f"'{name}' was put under another transform after the run began: so was the result.")
        return tuple(notes)

    def _edited(self) -> bool:
        now = _content(self._node)
        if self._voxels is not None:
            return self._voxels.edited_since(now)
        return now is not self._content or (now is not None and now.GetMTime() != self._content_time)


def _content(node: Any) -> Any | None:
    """Return the object that holds the voxels or segments of a node, None for other nodes."""
    for getter in ("GetImageData", "GetSegmentation"):
        if hasattr(node, getter):
            return getattr(node, getter)()
    return None


def _voxels_of(job: Job, content: Any | None) -> NodeVoxels | None:
    return next((voxels for voxels in node_voxels(job.arguments) if voxels.shows(content)), None)


def _grid(node: Any) -> Any:
    return grid_of_volume_node(node) if node.IsA("vtkMRMLVolumeNode") else None


def _transform_id(node: Any) -> str:
    return (node.GetTransformNodeID() or "") if node.IsA("vtkMRMLTransformableNode") else ""
