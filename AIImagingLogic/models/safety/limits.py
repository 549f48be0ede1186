"""The largest sizes, counts and depths that a model package may have; the numbers are data."""

from __future__ import annotations

from AIImagingLogic.records.resources import load_resource


def limit(name: str) -> int:
    """Return a limit of ``Resources/models_safety/limits.json``."""
    return int(load_resource("models_safety/limits.json")[name])
