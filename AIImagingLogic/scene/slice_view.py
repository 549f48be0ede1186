"""Slicer's slice view without a screen: its slice logic and displayable managers draw image and outlines."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from AIImagingLogic.scene.coordinates import array_of_vtk_matrix, ras_from_lps
from AIImagingLogic.scene.host import load_slicer, load_vtk
from AIImagingLogic.scene.offscreen_window import OffscreenWindow, Pixels
from AIImagingLogic.scene.slice_views import singleton

_SEGMENTATIONS = "vtkMRMLSegmentationsDisplayableManager2D"
_MARKUPS = "vtkMRMLMarkupsDisplayableManager"
_NAME = "Red"


class SliceView:
    """One slice view of a scene.

    Parameters
    ----------
    scene : vtkMRMLScene
    width, height : pixels
    markups : draw points and boxes too
    name : layout name of the view; what is shown in this view alone is drawn
    """

    def __init__(self, scene: Any, width: int, height: int, markups: bool = False, name: str = _NAME) -> None:
        slicer, vtk = load_slicer(), load_vtk()
        self._window = OffscreenWindow(width, height)
        self._application = slicer.vtkSlicerApplicationLogic()
        self._application.SetMRMLScene(scene)
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
        node = scene.CreateNodeByClass("vtkMRMLSliceNode")
        node.UnRegister(None)
        node.SetSingletonTag(name)
        node.SetLayoutName(name)
        self._node = scene.AddNode(node)
        self._node.SetDimensions(width, height, 1)
        self._logic = slicer.vtkMRMLSliceLogic()
        self._logic.SetMRMLApplicationLogic(self._application)
        self._logic.SetMRMLScene(scene)
        self._logic.SetSliceNode(self._node)
        logics = vtk.vtkCollection()
        logics.AddItem(self._logic)
        self._application.SetSliceLogics(logics)
        # First of all: what is drawn later is blended with what is there.
        self._image_mapper = self._add_image_behind()
        self._markups_logic = self._make_markups_logic(scene) if markups else None
        self._managers = self._make_managers((_SEGMENTATIONS, _MARKUPS) if markups else (_SEGMENTATIONS,))
        self._managers.SetMRMLDisplayableNode(self._node)

    def render(self) -> None:
        """Draw the slice as it is set, without fetching a picture."""
        self._window.render()

    def picture(
        self, volume_node: Any, orientation: str, center_mm: npt.ArrayLike, field_of_view_mm: float
    ) -> tuple[Pixels, tuple[str, str, str, str]]:
        """Draw a slice of a volume.

        Parameters
        ----------
        volume_node : shown behind everything else
        orientation : ``Axial``, ``Coronal`` or ``Sagittal``, along the patient's axes
        center_mm : (3,) mm, LPS, middle of the picture
        field_of_view_mm : width of the picture

        Returns
        -------
        pixels, letters
            Letters of the patient's sides at the left, right, top and bottom of the picture.
        """
        self._logic.GetSliceCompositeNode().SetBackgroundVolumeID(volume_node.GetID())
        self._node.SetOrientation(orientation)
        height_mm = field_of_view_mm * self._window.height / self._window.width
        self._node.SetFieldOfView(field_of_view_mm, height_mm, 1.0)
        self._node.JumpSliceByCentering(*ras_from_lps(center_mm).tolist())
        # The logic gives out another connection when the volume behind changes.
        self._image_mapper.SetInputConnection(self._logic.GetImageDataConnection())
        return self._window.picture(), _side_letters(array_of_vtk_matrix(self._node.GetSliceToRAS()))

    def _make_markups_logic(self, scene: Any) -> Any:
        """Make the logic by which the manager of markups makes its widgets; it wants a selection node in the scene."""
        singleton(scene, "vtkMRMLSelectionNode", "Singleton")
        singleton(scene, "vtkMRMLInteractionNode", "Singleton")
        logic = load_slicer().vtkSlicerMarkupsLogic()
        logic.SetMRMLApplicationLogic(self._application)
        logic.SetMRMLScene(scene)
        self._application.SetModuleLogic("Markups", logic)
        return logic

    def _make_managers(self, names: tuple[str, ...]) -> Any:
        """Make the displayable managers of this view only: the factory is one for all views."""
        factory = load_slicer().vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        factory.SetMRMLApplicationLogic(self._application)
        for name in (_SEGMENTATIONS, _MARKUPS):
            registered = factory.IsDisplayableManagerRegistered(name)
            if name in names and not registered:
                factory.RegisterDisplayableManager(name)
            elif name not in names and registered:
                factory.UnRegisterDisplayableManager(name)
        return factory.InstantiateDisplayableManagers(self._window.renderer)

    def _add_image_behind(self) -> Any:
        """Add the slice's image: Slicer's own light box renderer is not within reach of Python."""
        vtk = load_vtk()
        mapper = vtk.vtkImageMapper()
        mapper.SetColorWindow(255)
        mapper.SetColorLevel(127.5)
        actor = vtk.vtkActor2D()
        actor.SetMapper(mapper)
        actor.GetProperty().SetDisplayLocationToBackground()
        self._window.renderer.AddViewProp(actor)
        return mapper


def _side_letters(slice_to_ras: npt.NDArray[np.float64]) -> tuple[str, str, str, str]:
    right, up = slice_to_ras[:3, 0], slice_to_ras[:3, 1]
    return _letter(-right), _letter(right), _letter(up), _letter(-up)


def _letter(direction_ras: npt.NDArray[np.float64]) -> str:
    axis = int(np.abs(direction_ras).argmax())
    return ("RL", "AP", "SI")[axis][0 if direction_ras[axis] > 0 else 1]
