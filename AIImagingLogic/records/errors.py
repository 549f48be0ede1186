"""Errors that a user sees: what was wrong, with which input, and what to do."""

from __future__ import annotations


class AIImagingError(Exception):
    """Base of every error that AI Imaging raises on purpose.

    Parameters
    ----------
    what : str
        What was wrong, and with which file or node; one line.
    advice : str
        What the user can do; one line, may be empty.

    Notes
    -----
    `exit_code` is what the command line returns for the class.
    """

    exit_code = 1

    def __init__(self, what: str, advice: str = "") -> None:
        self.what = what
        self.advice = advice
        super().__init__(f"{what} {advice}".strip())


class UnreadableImageError(AIImagingError):
    """The path holds no image that can be read: missing, empty, cut off, or another kind of file."""

    exit_code = 3


class GeometryError(AIImagingError):
    """The image's geometry is unusable for the task: missing slices, one slice, tilt, no overlap, a wrong grid."""

    exit_code = 4


class WrongImageError(AIImagingError):
    """The image is of another kind than the task needs: modality, intensity range, not-a-number voxels."""

    exit_code = 5


class RegistrationError(AIImagingError):
    """The images could not be brought into correspondence."""

    exit_code = 6


class ModelError(AIImagingError):
    """The model is unknown, or its card or package is not valid."""

    exit_code = 7


class OutputError(AIImagingError):
    """The result could not be written: folder not writable, disk full."""

    exit_code = 8


class SceneError(AIImagingError):
    """The scene could not be built or saved, or the host that builds it is not installed."""

    exit_code = 9


class JobFailed(AIImagingError):  # noqa: N818 - named as the user is told
    """A job ended with an error that nobody foresaw, or cannot be run as asked.

    `details` holds the traceback or the worker's last words, for the log; never shown unasked.
    """

    details = ""


class OutOfMemory(JobFailed):
    """This computer's memory is not enough for the job."""

    exit_code = 10


class WorkerLost(JobFailed):
    """The process that ran the job ended on its own, or could not be started."""

    exit_code = 11


class Cancelled(AIImagingError):  # noqa: N818 - not a fault: the user asked for it
    """The user cancelled the run."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("Cancelled.", "Nothing was written.")
