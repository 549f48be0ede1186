"""A job on its way through the service."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from AIImagingLogic.jobs.captured_inputs import CapturedInputs
from AIImagingLogic.jobs.handle import JobHandle
from AIImagingLogic.jobs.shared_buffer import SharedBuffer
from AIImagingLogic.records.errors import AIImagingError


@dataclass(eq=False)
class Submission:
    """What the threads of the service know of a job.

    Attributes
    ----------
    inputs : its arguments, captured in the caller's thread
    cancelled : the user asked to stop
    ready : its images are in `buffer` and did not change while they were copied, or it has none
    failure : why its images could not be handed over
    over : it ended
    buffer : its images; None before the copy is whole and after the worker has taken them
    began_copying : seconds (monotonic) of the first copy
    """

    number: int
    handle: JobHandle
    inputs: CapturedInputs
    cancelled: threading.Event = field(default_factory=threading.Event)
    ready: bool = False
    failure: AIImagingError | None = None
    over: bool = False
    buffer: SharedBuffer | None = None
    began_copying: float = 0.0
