"""The host: Slicer's own classes, imported only when a scene or a picture is asked for."""

from __future__ import annotations

import importlib
from typing import Any

from AIImagingLogic.records.errors import SceneError

_NOT_INSTALLED = "Install it with: pip install 'aiimaging[host]'."
_LIBRARY_MISSING = "Install that system library, or reinstall: pip install --force-reinstall slicer-core."


def load_slicer() -> Any:
    """Return the ``slicer`` module: of the desktop application, or of slicer-core without a screen.

    Raises
    ------
    SceneError
        It is not installed, or a system library that it needs is missing.
    """
    return _load("slicer")


def load_vtk() -> Any:
    """Return the ``vtk`` module that belongs to the host.

    Raises
    ------
    SceneError
        It is not installed, or a system library that it needs is missing.
    """
    return _load("vtk")


def _load(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise SceneError(
            f"Scenes need 3D Slicer's classes, but '{error.name}' is not installed.", _NOT_INSTALLED
        ) from error
    except ImportError as error:
        raise SceneError(f"3D Slicer's classes could not be loaded: {error}.", _LIBRARY_MISSING) from error
