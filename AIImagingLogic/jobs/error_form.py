"""Errors across the process boundary: the same class with the same words on the other side."""

from __future__ import annotations

import traceback
from typing import Any

from AIImagingLogic.records import errors
from AIImagingLogic.records.errors import AIImagingError, JobFailed, OutOfMemory

_MEMORY_ADVICE = "Close other programs, or crop or coarsen the image, then run again."
# What libraries in C++ say instead of raising MemoryError.
_MEMORY_WORDS = ("bad_alloc", "failed to allocate memory", "can't allocate memory", "out of memory")


def error_to_json(error: BaseException) -> dict[str, Any]:
    """Return class name, words and traceback of what a task raised."""
    if isinstance(error, AIImagingError):
        known = next(kind for kind in type(error).__mro__ if getattr(errors, kind.__name__, None) is kind)
        return {"class": known.__name__, "what": error.what, "advice": error.advice, "details": ""}
    details = "".join(traceback.format_exception(error))
    if isinstance(error, MemoryError) or any(words in str(error).lower() for words in _MEMORY_WORDS):
        return {**_words(out_of_memory()), "class": "OutOfMemory", "details": details}
    said = str(error).strip().splitlines()
    what = f"Unexpected {type(error).__name__}{': ' + said[0] if said else ''}"
    return {"class": "JobFailed", "what": f"{what.rstrip('.')}.", "advice": "", "details": details}


def error_from_json(data: dict[str, Any], log: str) -> AIImagingError:
    """Return the error that `error_to_json` described; `log` is the file that holds its traceback."""
    kind: type[AIImagingError] = getattr(errors, data["class"])
    error = kind.__new__(kind)
    advice = data["advice"]
    if kind is JobFailed and log:
        advice = f"Report it with the log file '{log}'."
    # Some classes, such as Cancelled, have a constructor of their own.
    AIImagingError.__init__(error, data["what"], advice)
    if isinstance(error, JobFailed):
        error.details = data["details"]
    return error


def out_of_memory() -> OutOfMemory:
    """Return the error for a job that needed more memory than there is."""
    return OutOfMemory("This computer's memory is not enough for these images.", _MEMORY_ADVICE)


def says_out_of_memory(text: str) -> bool:
    """Whether a worker's last words tell of memory."""
    return any(words in text.lower() for words in _MEMORY_WORDS)


def _words(error: AIImagingError) -> dict[str, str]:
    return {"what": error.what, "advice": error.advice}
