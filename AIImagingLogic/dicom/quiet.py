"""Warnings of the DICOM libraries, kept from the screen and from logs."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def without_warnings() -> Iterator[None]:
    """Silence warnings: pydicom and highdicom quote dubious values, the name of the patient among them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
