"""One job in the worker: import the function, take the inputs, call it, send what it returned or raised."""

from __future__ import annotations

import inspect
import json
import mmap
import queue
import traceback
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from AIImagingLogic.jobs.allowed_functions import allowed_function
from AIImagingLogic.jobs.buffer_pool import BufferPool
from AIImagingLogic.jobs.captured_inputs import IMAGE_KEY
from AIImagingLogic.jobs.channel import Channel, Message
from AIImagingLogic.jobs.error_form import error_to_json
from AIImagingLogic.jobs.filled_buffer import filled_buffer
from AIImagingLogic.jobs.image_layout import ImageLayout
from AIImagingLogic.jobs.shared_buffer import ReadBuffers, SharedBuffer
from AIImagingLogic.jobs.worker_progress import ProgressMessages
from AIImagingLogic.records.errors import AIImagingError, JobFailed
from AIImagingLogic.records.free_memory import give_back_free_memory


class WorkerState:
    """What stays from job to job."""

    def __init__(self, channel: Channel, allowed: tuple[str, ...], keep_bytes: int) -> None:
        self.channel = channel
        self.allowed = allowed
        self.inputs = ReadBuffers()
        self.closed: list[int] = []
        self.results = BufferPool(keep_bytes, self.closed.append)
        self.sent: dict[int, SharedBuffer] = {}
        self.known: set[int] = set()

    def take(self, message: Message) -> None:
        """Do what a message says of buffers: ``free`` a result that was read, ``drop`` an input that was closed."""
        for number in message.header.get("buffers", ()):
            if message.header["do"] == "free" and number in self.sent:
                self.results.give_back(self.sent.pop(number))
            elif message.header["do"] == "drop":
                self.inputs.drop([number])

    def save_memory(self) -> None:
        """Give memory that is not used back to the system."""
        self.results.trim()
        if self.closed:
            self.channel.send({"say": "closed", "buffers": self.closed})
            self.closed.clear()
        give_back_free_memory()


class WorkerRun:
    """A job, from its message to the answer."""

    def __init__(
        self, state: WorkerState, message: Message, cancelled: set[int], inbox: queue.SimpleQueue[Message]
    ) -> None:
        from AIImagingLogic.records.progress import Progress

        self._state = state
        self._message = message
        self._number: int = message.header["job"]
        self._cancelled = cancelled
        self._inbox = inbox
        self._messages = ProgressMessages(self._send_progress)
        self._progress = Progress(self._messages.report, lambda: self._number in cancelled)

    def run(self) -> None:
        """Run the job and send the answer. Nothing that a task raises ends the worker."""
        try:
            self._messages.report(0.0, "Starting")
            result = self._call()
            self._progress.check_cancelled()
            self._send_result(result)
        except BaseException as error:  # noqa: BLE001 - a task must not end the worker, whatever it raises
            if not isinstance(error, AIImagingError):
                traceback.print_exception(error)
            self._messages.end()
            self._answer({"say": "failed", "error": error_to_json(error), "costs": self._costs()})
            # The frames hold the images.
            traceback.clear_frames(error.__traceback__)
        finally:
            self._cancelled.discard(self._number)

    def _call(self) -> Any:
        function = allowed_function(self._message.header["function"], self._state.allowed)
        parameters = inspect.signature(function).parameters
        arguments = self._arguments(parameters)
        if "progress" in parameters:
            arguments["progress"] = self._progress
        self._answer({"say": "loaded"})
        return function(**arguments)

    def _arguments(self, parameters: Mapping[str, inspect.Parameter]) -> dict[str, Any]:
        from AIImagingLogic.jobs.record_form import decoded_argument, image_reader

        headers, memory = self._images()
        get_image = image_reader(headers, memory)
        forms = json.loads(self._message.body)
        arguments: dict[str, Any] = {}
        for name, form in forms.items():
            self._progress.check_cancelled()
            arguments[name] = decoded_argument(form, get_image)
            info_name = _info_name(name, form)
            if not info_name or info_name not in parameters or info_name in forms:
                continue
            if isinstance(form, list):
                arguments[info_name] = [
                    _info_of(image, headers[each[IMAGE_KEY]]) for image, each in zip(arguments[name], form, strict=True)
                ]
            else:
                arguments[info_name] = _info_of(arguments[name], headers[form[IMAGE_KEY]])
        return arguments

    def _images(self) -> tuple[list[dict[str, Any]], mmap.mmap | None]:
        """Return where the images lie, and the memory.

        The application sends the job ahead and the images when they are copied, so that imports run meanwhile.
        """
        while self._message.header["has_images"]:
            message = self._inbox.get()
            self._progress.check_cancelled()
            header = message.header
            if header["do"] == "images" and header["job"] == self._number:
                return header["images"], self._state.inputs.memory(header["buffer"], iter(message.files))
            self._state.take(message)
        return [], None

    def _send_result(self, result: Any) -> None:
        from AIImagingLogic.jobs.record_form import encoded_result

        layout = ImageLayout()
        try:
            body, kind = encoded_result(result, layout)
        except (TypeError, ValueError) as error:
            raise JobFailed(f"The result of {self._message.header['function']} cannot be sent: {error}.") from error
        buffer: SharedBuffer | None = None
        files: tuple[int, ...] = ()
        if layout.size:
            buffer = filled_buffer(layout, self._state.results, self._progress.check_cancelled)
            self._state.sent[buffer.id] = buffer
            files = () if buffer.id in self._state.known else buffer.files
            self._state.known.add(buffer.id)
        self._messages.report(1.0, "Done")
        self._messages.end()
        header = {
            "say": "done",
            "kind": kind,
            "images": layout.headers,
            "buffer": None if buffer is None else buffer.description(),
            "closed": self._state.closed[:],
            "costs": self._costs(),
        }
        self._state.closed.clear()
        self._answer(header, body, files)

    def _costs(self) -> list[dict[str, Any]]:
        return [cost.to_json() for cost in self._progress.costs]

    def _send_progress(self, fraction: float, message: str) -> None:
        from AIImagingLogic.records.peak_memory import PeakMemory

        memory = PeakMemory().gigabytes
        self._answer({"say": "progress", "fraction": fraction, "stage": message, "memory_gb": memory or None})

    def _answer(self, header: dict[str, Any], body: bytes = b"", files: tuple[int, ...] = ()) -> None:
        self._state.channel.send({**header, "job": self._number}, body, files)


def _info_name(name: str, form: Any) -> str:
    """Return the parameter for what is known of an image, or of each of a list of images; empty for other arguments."""
    if isinstance(form, list) and form and all(_is_image(each) for each in form):
        return f"{name}_infos"
    if _is_image(form):
        return "info" if name == "image" else f"{name}_info"
    return ""


def _is_image(form: Any) -> bool:
    return isinstance(form, dict) and IMAGE_KEY in form


def _info_of(image: Any, header: dict[str, Any]) -> Any:
    from AIImagingLogic.images.info import describe
    from AIImagingLogic.records.image_info import ImageInfo

    if header["info"] is not None:
        return ImageInfo.from_json(header["info"])
    facts = dict(header["facts"])
    if isinstance(facts.get("acquired"), str):
        facts["acquired"] = datetime.fromisoformat(facts["acquired"])
    return describe(image, **facts)
