"""Slicer's 3D view without a screen: segments as surfaces, seen from the front."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from AIImagingLogic.scene.coordinates import ras_from_lps
from AIImagingLogic.scene.host import load_slicer
from AIImagingLogic.scene.offscreen_window import OffscreenWindow, Pixels

_MANAGERS = ("vtkMRMLSegmentationsDisplayableManager3D",)


class View3D:
    """One 3D view of a scene, black behind, in parallel projection so that sizes can be compared.

    Parameters
    ----------
    scene : vtkMRMLScene
    width, height : pixels
    """

    def __init__(self, scene: Any, width: int, height: int) -> None:
        slicer = load_slicer()
        self._window = OffscreenWindow(width, height)
        self._window.let_surfaces_shine_through()
        self._application = slicer.vtkSlicerApplicationLogic()
        self._application.SetMRMLScene(scene)
        node = scene.CreateNodeByClass("vtkMRMLViewNode")
        node.UnRegister(None)
        node.SetSingletonTag("1")
        node.SetLayoutName("1")
        node.SetBoxVisible(False)
        node.SetAxisLabelsVisible(False)
        node = scene.AddNode(node)
        factory = slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance()
        factory.SetMRMLApplicationLogic(self._application)
        for manager in _MANAGERS:
            if not factory.IsDisplayableManagerRegistered(manager):
                factory.RegisterDisplayableManager(manager)
        self._managers = factory.InstantiateDisplayableManagers(self._window.renderer)
        self._managers.SetMRMLDisplayableNode(node)

    def picture(self, center_mm: npt.ArrayLike, height_mm: float) -> Pixels:
        """Draw the scene from the front: the patient's right at the left, the head at the top.

        Parameters
        ----------
        center_mm : (3,) mm, LPS, middle of the picture
        height_mm : height of the picture
        """
        center = ras_from_lps(center_mm)
        camera = self._window.renderer.GetActiveCamera()
        camera.ParallelProjectionOn()
        camera.SetFocalPoint(*center)
        camera.SetPosition(*(center + np.array((0.0, 2 * height_mm, 0.0))))
        camera.SetViewUp(0.0, 0.0, 1.0)
        camera.SetParallelScale(height_mm / 2)
        self._window.renderer.ResetCameraClippingRange()
        return self._window.picture()

    def pixel_of(self, point_mm: npt.ArrayLike) -> tuple[float, float]:
        """Return where a point (LPS mm) was drawn: pixels from the left and from the top."""
        renderer = self._window.renderer
        renderer.SetWorldPoint(*ras_from_lps(point_mm), 1.0)
        renderer.WorldToDisplay()
        x, y, _ = renderer.GetDisplayPoint()
        return float(x), float(self._window.height - y)
