"""The line to the worker that corrects: the volume goes there once, prompts follow, cropped results come back."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from AIImagingLogic.jobs.handle import JobHandle, JobState
from AIImagingLogic.jobs.job import ImageInput, Job
from AIImagingLogic.records.errors import AIImagingError, Cancelled
from AIImagingLogic.scene.job_inputs import image_input
from AIImagingLogic.scene.segment_correction_worker import NOT_KEPT
from AIImagingLogic.scene.volume_grid import grid_of_volume_node

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from AIImagingLogic.jobs.service import JobService
    from AIImagingLogic.records.prompts import Prompts

_WORKER = "AIImagingLogic.scene.segment_correction_worker"
_numbers = itertools.count(1)


class CorrectionLine:
    """Sends in order; of several answers only the last is handed on.

    Parameters
    ----------
    service : with one worker, which nobody else uses: another job would delay every click
    model : id of a model that refines
    on_result : called in the thread that polls, with the cropped image
    on_error : called in the thread that polls
    functions : module of the worker's functions
    """

    def __init__(
        self,
        service: JobService,
        model: str,
        on_result: Callable[[Any], None],
        on_error: Callable[[AIImagingError], None],
        functions: str = _WORKER,
    ) -> None:
        self._service = service
        self._model = model
        self._on_result = on_result
        self._on_error = on_error
        self._functions = functions
        self._kept: tuple[Any, ...] | None = None
        self._image_key = ""
        self._session_key = ""
        self._opening: tuple[Any, Any] | None = None
        self._pending: JobHandle | None = None
        self._answer: Callable[[Any], None] = on_result
        self._prompts: Prompts | None = None

    @property
    def waiting(self) -> bool:
        """Whether an answer is still to come."""
        return self._pending is not None

    @property
    def asked_otherwise(self) -> bool:
        """Whether the answer that is to come is not of prompts, but of `ask`."""
        return self._pending is not None and self._answer != self._on_result

    def keep(self, volume_node: Any) -> bool:
        """Send a volume, unless the worker has it as it is now; returns at once.

        Returns
        -------
        bool
            Whether it was sent: a session that was open is gone.

        Raises
        ------
        SceneError
            It is no volume that can be read.
        JobFailed
            The service is closed.
        """
        state = _state_of(volume_node)
        if state == self._kept:
            return False
        self._image_key = f"image-{next(_numbers)}"
        self._kept = None
        self._submit("keep_image", {"key": self._image_key, "image": image_input(volume_node)})
        self._kept = state
        return True

    def open(self, volume_node: Any, proposal: npt.NDArray[np.uint8]) -> None:
        """Begin a session on a volume; returns at once.

        Parameters
        ----------
        volume_node : vtkMRMLScalarVolumeNode
        proposal : uint8 (k, j, i) on its grid, 1 in the object; all 0: there is no outline yet

        Raises
        ------
        SceneError, JobFailed
            As `keep`.
        """
        self.keep(volume_node)
        self.forget()
        self._session_key = f"session-{next(_numbers)}"
        self._opening = (volume_node, proposal)
        arguments: dict[str, Any] = {"key": self._session_key, "image_key": self._image_key, "model": self._model}
        if proposal.any():
            spacing, origin, direction = grid_of_volume_node(volume_node)
            arguments["proposal"] = ImageInput(proposal, spacing, origin, direction)
        self._submit("open_session", arguments)

    def refine(self, prompts: Prompts) -> None:
        """Ask for the result of all prompts; returns at once. An answer that is still to come is not handed on.

        Raises
        ------
        JobFailed
            The service is closed.
        """
        self.forget()
        self._prompts = prompts
        self._answer = self._on_result
        self._pending = self._submit("refine", {"key": self._session_key, "prompts": prompts.to_json()})

    def ask(self, function: str, arguments: Mapping[str, Any], on_answer: Callable[[Any], None]) -> None:
        """Ask the worker for something else, ``package.module:function``; returns at once.

        Raises
        ------
        JobFailed
            The service is closed, or does not allow the function.
        """
        self.forget()
        self._answer = on_answer
        self._pending = self._service.submit(Job("Correction", function, arguments))
        self._pending.on_change(self._changed)

    def forget(self) -> None:
        """Wait no more for an answer."""
        pending, self._pending = self._pending, None
        if pending is not None and pending.state is JobState.QUEUED:
            pending.cancel()

    def poll(self) -> None:
        """Take over what the worker answered, and call back."""
        self._service.poll()

    def _submit(self, function: str, arguments: Mapping[str, Any]) -> JobHandle:
        handle = self._service.submit(Job("Correction", f"{self._functions}:{function}", arguments))
        handle.on_change(self._changed)
        return handle

    def _changed(self, handle: JobHandle) -> None:
        if not handle.state.ended:
            return
        asked = handle is self._pending
        if asked:
            self._pending = None
        error = handle.error
        if error is None:
            if asked:
                self._answer(handle.result())
        elif isinstance(error, Cancelled):
            return
        elif asked and NOT_KEPT in str(error) and self._opening is not None and self._prompts is not None:
            self._begin_again()
        elif NOT_KEPT not in str(error):
            self._kept = None if not asked else self._kept
            self.forget()
            self._on_error(error)

    def _begin_again(self) -> None:
        """The worker was started anew, and knows nothing: tell it all once more."""
        opening, prompts = self._opening, self._prompts
        if opening is None or prompts is None:
            return
        self._kept, self._prompts = None, None
        self.open(*opening)
        self._pending = self._submit("refine", {"key": self._session_key, "prompts": prompts.to_json()})


def _state_of(volume_node: Any) -> tuple[Any, ...]:
    """Return what changes when the voxels or the grid of a volume do."""
    image = volume_node.GetImageData() if volume_node is not None else None
    return volume_node, image, 0 if image is None else image.GetMTime(), *_grid(volume_node)


def _grid(volume_node: Any) -> tuple[Any, ...]:
    return () if volume_node is None else grid_of_volume_node(volume_node)
