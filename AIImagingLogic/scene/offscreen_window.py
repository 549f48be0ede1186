"""A render window without a screen, and the picture that was drawn in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.scene.host import load_vtk

Pixels = npt.NDArray[np.uint8]
"""(height, width, 3), red, green, blue, the first row at the top."""


class OffscreenWindow:
    """A window of a size in pixels with one renderer. `interactor` is what displayable managers ask for."""

    def __init__(self, width: int, height: int) -> None:
        vtk = load_vtk()
        self.width, self.height = width, height
        self._window = vtk.vtkRenderWindow()
        self._window.SetOffScreenRendering(1)
        self._window.SetMultiSamples(0)
        self._window.SetSize(width, height)
        self.renderer = vtk.vtkRenderer()
        self._window.AddRenderer(self.renderer)
        self.interactor = vtk.vtkRenderWindowInteractor()
        self.interactor.SetRenderWindow(self._window)

    def let_surfaces_shine_through(self) -> None:
        """Draw translucent surfaces in the right order."""
        self._window.SetAlphaBitPlanes(1)
        self.renderer.SetUseDepthPeeling(True)
        self.renderer.SetMaximumNumberOfPeels(8)
        self.renderer.SetOcclusionRatio(0.0)

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
            raise SceneError("OpenGL drew no picture.", "Install the OpenGL libraries that the developer guide lists.")
        rows: Pixels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, 3)[::-1]
        return rows.copy()
