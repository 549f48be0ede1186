"""The responses of many patients, read as one job of the panel."""

from __future__ import annotations

from pathlib import Path

from AIImagingLogic.cohort.patient_response import CohortResponses
from AIImagingLogic.cohort.responses import read_responses
from AIImagingLogic.records.progress import Progress


def read_cohort(
    folder: str, rules: str = "recist-1.1", anonymous: bool = True, progress: Progress | None = None
) -> CohortResponses:
    """Do what `read_responses` does, of a folder named as text."""
    return read_responses(Path(folder), rules, anonymous, progress)
