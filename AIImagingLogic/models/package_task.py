"""What a model does, told before it is opened: of an id by its card, of a package by what describes it."""

from __future__ import annotations

from pathlib import Path

from AIImagingLogic.models.catalogue import model_ids
from AIImagingLogic.models.classification_package import is_classification_package
from AIImagingLogic.models.formats.bundle_parts import find_parts, is_bundle
from AIImagingLogic.models.formats.bundle_task import bundle_task
from AIImagingLogic.models.listing import listed_card
from AIImagingLogic.models.retinanet.bundle import is_retinanet_bundle
from AIImagingLogic.records.errors import ModelError


def model_task(model: str) -> str:
    """Return the task of a model: ``segment``, ``detect``, ``outline``, ``classify`` or ``register``.

    Parameters
    ----------
    model : id of a model of the catalogue or of the user's own, or path of a package. A package that says neither is
        taken as one that segments: opening it says why it is not

    Raises
    ------
    ModelError
        There is no such model, or what describes the package is missing or broken.
    """
    path = Path(model).expanduser()
    if model not in model_ids() and path.exists():
        return _package_task(path.resolve())
    if "/" in model or "\\" in model:
        raise ModelError(f"There is no model package '{model}'.", "Check the path.")
    return listed_card(model).task


def _package_task(path: Path) -> str:
    if is_retinanet_bundle(path):
        return "detect"
    if is_bundle(path):
        task = bundle_task(find_parts(path))
        return "segment" if task == "other" else task
    return "classify" if is_classification_package(path) else "segment"
