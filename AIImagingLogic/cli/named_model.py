"""A model as a person names it on the command line."""

from __future__ import annotations

from pathlib import Path

from AIImagingLogic.models.catalogue import model_ids


def named_model(name: str) -> str:
    """Return a model's id as it is, and the path of a package as the worker finds it, from its own folder."""
    path = Path(name).expanduser()
    return str(path.resolve()) if name not in model_ids() and path.exists() else name
