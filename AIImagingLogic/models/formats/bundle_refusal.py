"""A part of a bundle that AI Imaging cannot run itself."""

from __future__ import annotations

from AIImagingLogic.models.safety.refusals import UntrustedModel


def refused(place: str, what: str) -> UntrustedModel:
    """Return the error that names a step and where it stands, such as ``preprocessing::3``.

    A trusted bundle runs it by MONAI instead.
    """
    return UntrustedModel(place, what)


def is_no(value: object) -> bool:
    """Whether an argument is not given or switched off."""
    return value is None or value is False
