"""A render window without a screen, and the picture that was drawn in it."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt

from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.scene.host import load_vtk

Pixels = npt.NDArray[np.uint8]
"""(height, width, 3), red, green, blue, the first row at the top."""


_OSMESA = ("libOSMesa.so.8", "libOSMesa.so.6", "libOSMesa.so")
_ADVICE = "On Debian or Ubuntu: apt install libegl1 libgl1-mesa-dri."


class OffscreenWindow:
    """A window of a size in pixels with one renderer.

    Raises
    ------
    SceneError
        OpenGL is not available.
    """

    def __init__(self, width: int, height: int) -> None:
        vtk = load_vtk()
        self.width, self.height = width, height
        self._window = vtk.vtkRenderWindow()
        _check_usable(self._window)
        self._window.SetOffScreenRendering(1)
        self._window.SetMultiSamples(0)
        self._window.SetSize(width, height)
        self.renderer = vtk.vtkRenderer()
        self._window.AddRenderer(self.renderer)
        # Displayable managers ask for an interactor; this kind needs no X server and none of its libraries.
        self.interactor = vtk.vtkGenericRenderWindowInteractor()
        self.interactor.SetRenderWindow(self._window)

    def let_surfaces_shine_through(self) -> None:
        """Draw translucent surfaces in the right order."""
        self._window.SetAlphaBitPlanes(1)
        self.renderer.SetUseDepthPeeling(True)
        self.renderer.SetMaximumNumberOfPeels(8)
        self.renderer.SetOcclusionRatio(0.0)

    def render(self) -> None:
        """Draw, without fetching the picture."""
        self._window.Render()

    def picture(self) -> Pixels:
        """Draw, and return what was drawn.

        Raises
        ------
        SceneError
            OpenGL drew nothing at all, not even the background.
        """
        vtk = load_vtk()
        from vtkmodules.util.numpy_support import vtk_to_numpy

        self._window.Render()
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(self._window)
        grab.SetInputBufferTypeToRGB()
        grab.ReadFrontBufferOff()
        grab.ShouldRerenderOff()
        grab.Update()
        image: Any = grab.GetOutput()
        width, height, _ = image.GetDimensions()
        if (width, height) != (self.width, self.height):
            raise SceneError("OpenGL drew no picture.", _ADVICE)
        rows: Pixels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, 3)[::-1]
        return rows.copy()


def _check_usable(window: Any) -> None:
    """VTK falls back on OSMesa when EGL is missing or too old, and crashes when that is missing as well."""
    if window.IsA("vtkOSOpenGLRenderWindow") and not any(_loads(name) for name in _OSMESA):
        raise SceneError("OpenGL 3.2 without a screen is not available.", _ADVICE)


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
