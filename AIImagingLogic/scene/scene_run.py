"""A job whose inputs are nodes of a scene and whose result becomes new nodes there, or a file when it no longer can."""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from AIImagingLogic.jobs.handle import JobHandle, JobState
from AIImagingLogic.records.errors import AIImagingError, Cancelled, OutputError, SceneError
from AIImagingLogic.scene.added_nodes import all_or_none
from AIImagingLogic.scene.input_state import InputState
from AIImagingLogic.scene.job_inputs import node_voxels
from AIImagingLogic.scene.node_attributes import KIND, NOTE

if TYPE_CHECKING:
    from AIImagingLogic.jobs.job import Job
    from AIImagingLogic.jobs.service import JobService
    from AIImagingLogic.records.json_form import Record

_logger = logging.getLogger(__name__)
_POLL_SECONDS = 0.005


class SceneRun:
    """Submits a job; when it is done, applies the result to the scene that it came from, in the thread that polls.

    The result is applied only while that scene is open and every input is in it. Otherwise it goes to the recovery
    folder, as it does when it could not be applied; then no node is left behind. An input that was changed meanwhile
    is no obstacle: the result is of the volume as it was, and `notes` and the new nodes say so. A result goes under
    the transform that its volume is under when it is applied, since it belongs to the volume's grid.

    Parameters
    ----------
    service : runs the job; its `poll` must be called for anything to happen
    scene : vtkMRMLScene that holds the inputs
    job : its images are made by `job_inputs.image_input`
    inputs : nodes that the result belongs to
    apply : makes new nodes of the result (a record) and returns them

    Attributes
    ----------
    handle : of the job: state, fraction, stage
    finished : whether nothing more will happen
    nodes : what `apply` returned, None when nothing was added
    kept_at : file in the recovery folder, when the result went there
    notes : what the user should know of the result, one sentence each
    error : why there are no nodes; None while running and when all went well
    """

    def __init__(
        self,
        service: JobService,
        scene: Any,
        job: Job,
        inputs: Sequence[Any],
        apply: Callable[[Record], Any],
    ) -> None:
        self._service = service
        self._scene: Any | None = scene
        self._inputs = [InputState(node, job) for node in inputs]
        self._apply: Callable[[Record], Any] | None = apply
        self._callbacks: list[Callable[[SceneRun], None]] = []
        self._lost = ""
        self.title = job.title
        self.nodes: Any | None = None
        self.kept_at: Path | None = None
        self.notes: tuple[str, ...] = ()
        self.error: AIImagingError | None = None
        self.finished = False
        self.handle: JobHandle = service.submit(job)
        self._close_tag: int | None = _on_start_of_close(scene, self)
        self.handle.on_change(self._on_change)

    @property
    def outcome(self) -> str:
        """One sentence or two for the user: what became of the run."""
        if not self.finished:
            return f"{self.title}: under way."
        if self.error is not None:
            return str(self.error)
        return " ".join((f"{self.title}: added to the scene.", *self.notes))

    def on_finish(self, callback: Callable[[SceneRun], None]) -> None:
        """Call `callback` with this run when it has finished; at once when it has already."""
        if self.finished:
            callback(self)
        else:
            self._callbacks.append(callback)

    def cancel(self) -> None:
        """Ask for the end of the job. Returns at once; nothing will be added."""
        self.handle.cancel()

    def wait(self, timeout: float | None = None) -> Any:
        """Process until the run has finished, and return the new nodes.

        Raises
        ------
        AIImagingError
            There are none; the error says why (`Cancelled` included).
        TimeoutError
            It has not finished after `timeout` seconds; it goes on.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while not self.finished:
            self._service.poll()
            if self.finished:
                break
            if end is not None and time.monotonic() > end:
                raise TimeoutError(f"{self.title}: not finished after {timeout} s.")
            time.sleep(_POLL_SECONDS)
        if self.error is not None:
            raise self.error
        return self.nodes

    def application_closes(self) -> None:
        """Let go of the scene: a result that is there already is kept as a file, a job under way is cancelled."""
        self._lose("the application was closed before the result could be added")
        self._service.poll()
        if not self.finished:
            self.cancel()

    def scene_closes(self) -> None:
        """Let go of the scene, which is being closed: a result that comes later is kept as a file."""
        self._lose("its scene was closed during the run")

    def _lose(self, reason: str) -> None:
        self._lost = self._lost or reason
        self._let_go_of_scene()

    def _on_change(self, handle: JobHandle) -> None:
        if handle.state.ended and not self.finished:
            try:
                self._end(handle)
            except AIImagingError as error:
                self.error = error
            # Whoever polls serves other runs too, and must not fall over this one.
            except Exception as error:
                _logger.exception("The result of a run could not be read.")
                self.error = SceneError(
                    f"{self.title}: the result could not be read ({type(error).__name__}: {error})."
                )
            finally:
                self._finish()

    def _end(self, handle: JobHandle) -> None:
        """Apply or keep the result. Raises what the user must be told when there are no new nodes."""
        if handle.state is JobState.CANCELLED:
            raise handle.error or Cancelled()
        result = handle.result()
        lost = self._lost or next((state.lost for state in self._inputs if state.lost), "")
        if lost or self._scene is None or self._apply is None:
            self._keep(result, lost)
        else:
            self._apply_result(result)

    def _apply_result(self, result: Record) -> None:
        notes = [note for state in self._inputs for note in state.notes()]
        try:
            with all_or_none(self._scene) as added:
                nodes = self._apply(result)  # type: ignore[misc]
        # Whatever went wrong, a result that took minutes to compute must not be lost.
        except Exception as error:  # noqa: BLE001
            _logger.debug("A result could not be applied.", exc_info=error)
            said = error.what if isinstance(error, AIImagingError) else f"{type(error).__name__}: {error}"
            self._keep(result, f"it could not be added to the scene ({said.rstrip('.')})")
        for node in added.nodes:
            if notes and node.GetAttribute(KIND):
                node.SetAttribute(NOTE, " ".join(notes))
        self.nodes, self.notes = nodes, tuple(notes)

    def _keep(self, result: Record, reason: str) -> None:
        """Write the result to the recovery folder, and raise what says so."""
        from AIImagingLogic.jobs.recovery import keep

        what = f"{self.title}: nothing was added, because {reason}."
        try:
            self.kept_at = keep(result, self.title, f"{reason[:1].upper()}{reason[1:]}.")
        except OutputError as error:
            raise OutputError(f"{what} The result could not be kept either: {error.what}", error.advice) from error
        raise SceneError(what, f"The result is in '{self.kept_at}'.")

    def _finish(self) -> None:
        self.finished = True
        self._let_go_of_scene()
        self.handle.forget_result()
        for voxels in node_voxels(self.handle.job.arguments):
            voxels.release()
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)

    def _let_go_of_scene(self) -> None:
        if self._scene is not None and self._close_tag is not None:
            self._scene.RemoveObserver(self._close_tag)
        self._scene, self._apply, self._inputs, self._close_tag = None, None, [], None


def _on_start_of_close(scene: Any, run: SceneRun) -> int:
    """Tell `run` when `scene` begins to close. The observer does not keep the run alive."""
    known = weakref.ref(run)

    def on_close(caller: Any, event: str) -> None:
        told = known()
        if told is not None:
            told.scene_closes()

    tag: int = scene.AddObserver(scene.StartCloseEvent, on_close)
    return tag
