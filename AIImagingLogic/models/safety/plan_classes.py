"""Classes that a plan of nnU-Net names: a short list, nothing else is imported by a name out of a file."""

from __future__ import annotations

import importlib
from typing import Any

from AIImagingLogic.models.safety.refusals import UntrustedModel
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource


def plan_class(name: Any, place: str) -> type:
    """Return the class that a plan names.

    Parameters
    ----------
    name : str
        In full, such as ``dynamic_network_architectures.architectures.unet.PlainConvUNet``.
    place : str
        Where it was found, for the message: ``plans.json network_class_name``.

    Raises
    ------
    UntrustedModel
        It is not on the list.
    ModelError
        Its package is not installed.
    """
    packages = load_resource("models_safety/plan_classes.json")["packages"]
    module, _, last = str(name).rpartition(".")
    for package, classes in packages.items():
        plain = all(part.isidentifier() and not part.startswith("_") for part in module.split("."))
        if plain and last in classes and (module == package or module.startswith(package + ".")):
            try:
                found = getattr(importlib.import_module(module), last, None)
            except ImportError as error:
                advice = f"Install the package '{package.split('.')[0].replace('_', '-')}'."
                raise ModelError(f"{place}: '{name}' is not installed.", advice) from error
            if isinstance(found, type) and found.__module__.startswith(package):
                return found
    raise UntrustedModel(place, f"the class {str(name)[:100]!r}, which is not among what a plan may name")
