"""The later of two visits over the earlier one: warped, in turn, as difference, as checkerboard; by Slicer's own means.

The volumes of the user stay as they are: what is shown is a second volume node on the same voxels, under the
registration; it goes when the overlay ends and is not saved.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

import numpy as np

from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.scene.compare_layout import layout_rows
from AIImagingLogic.scene.host import load_slicer, load_vtk

_SQUARE_MM = 25.0


class OverlayMode(enum.Enum):
    """How the later visit is shown."""

    AS_IT_IS = "as it is"
    WARPED = "warped"
    FLICKER = "flicker"
    DIFFERENCE = "difference"
    CHECKERBOARD = "checkerboard"


class VisitOverlay:
    """Shows the later visit on the earlier one in the views of the compare layout.

    Parameters
    ----------
    earlier, later : volume nodes
    transforms : transform node from each visit to the one before, from the earlier volume's to the later one's; None
        where the two were not registered
    """

    def __init__(self, earlier: Any, later: Any, transforms: Sequence[Any | None]) -> None:
        self._scene = earlier.GetScene()
        self._earlier, self._later, self._transforms = earlier, later, tuple(transforms)
        self._made: list[Any] = []
        self._warped: Any | None = None
        self._checkerboard: Any | None = None
        self.mode = OverlayMode.AS_IT_IS

    def show(self, mode: OverlayMode) -> None:
        """Show the later visit in another way.

        Raises
        ------
        SceneError
            The visits were not registered, or the transform was removed from the scene.
        """
        if mode is not OverlayMode.AS_IT_IS:
            self._make_warped()
        self.mode = mode
        first, second = ([self._composite(view["tag"]) for view in row["views"]] for row in layout_rows())
        over = mode in (OverlayMode.FLICKER, OverlayMode.DIFFERENCE)
        for composite in first:
            back = self._checkerboard_volume() if mode is OverlayMode.CHECKERBOARD else self._earlier
            was_modifying = composite.StartModify()
            composite.SetBackgroundVolumeID(back.GetID())
            composite.SetForegroundVolumeID(self._warped.GetID() if over and self._warped is not None else None)
            composite.SetForegroundOpacity(1.0 if over else 0.0)
            composite.SetCompositing(composite.Subtract if mode is OverlayMode.DIFFERENCE else composite.Alpha)
            composite.EndModify(was_modifying)
        shown = self._later if mode is OverlayMode.AS_IT_IS or self._warped is None else self._warped
        for composite in second:
            composite.SetBackgroundVolumeID(shown.GetID())
        self.follow()

    def flip(self) -> None:
        """Show the other visit in the views of the earlier one; what a timer calls while they flicker."""
        for view in layout_rows()[0]["views"]:
            composite = self._composite(view["tag"])
            composite.SetForegroundOpacity(0.0 if composite.GetForegroundOpacity() else 1.0)

    def follow(self) -> None:
        """Move the later visit's views to where the earlier one's are, when it is shown warped."""
        if self.mode is OverlayMode.AS_IT_IS:
            return
        rows = layout_rows()
        for first, second in zip(rows[0]["views"], rows[1]["views"], strict=True):
            matrix = self._slice(first["tag"]).GetSliceToRAS()
            self._slice(second["tag"]).JumpSliceByCentering(*(matrix.GetElement(axis, 3) for axis in range(3)))

    def close(self) -> None:
        """Show both visits as they are, and remove what was made."""
        if self._later.GetScene() is self._scene and self._earlier.GetScene() is self._scene:
            self.show(OverlayMode.AS_IT_IS)
        for node in reversed(self._made):
            self._scene.RemoveNode(node)
        self._made, self._warped, self._checkerboard = [], None, None

    def _make_warped(self) -> None:
        if self._warped is not None:
            return
        if not self._transforms or None in self._transforms:
            raise SceneError(
                "The two visits were not registered, or their transform was removed from the scene.",
                "Compare them side by side.",
            )
        chain = self._added("vtkMRMLTransformNode", f"{self._later.GetName()} to {self._earlier.GetName()}")
        general = load_vtk().vtkGeneralTransform()
        for node in self._transforms:
            # What is concatenated last is applied first.
            general.Concatenate(node.GetTransformToParent())  # type: ignore[union-attr]
        chain.SetAndObserveTransformToParent(general)
        chain.SetAndObserveTransformNodeID(self._earlier.GetTransformNodeID())
        warped = self._added("vtkMRMLScalarVolumeNode", f"{self._later.GetName()} (warped)")
        warped.CopyOrientation(self._later)
        warped.SetAndObserveImageData(self._later.GetImageData())
        warped.SetAndObserveTransformNodeID(chain.GetID())
        self._show_alike(warped)
        self._warped = warped

    def _checkerboard_volume(self) -> Any:
        """Return squares of the earlier and of the warped later visit in turn, on the earlier one's grid."""
        if self._checkerboard is None:
            from vtkmodules.util.numpy_support import vtk_to_numpy

            logic = load_slicer().vtkSlicerVolumesLogic()
            logic.SetMRMLScene(self._scene)
            resampled = logic.ResampleVolumeToReferenceVolume(self._warped, self._earlier)
            if resampled is None:
                raise SceneError("The later visit could not be resampled.", "Choose another way to show it.")
            for display in (resampled.GetDisplayNode(), resampled):
                if display is not None:
                    self._hide(display)
            resampled.SetName(f"{self._later.GetName()} (checkerboard)")
            size = resampled.GetImageData().GetDimensions()[::-1]
            voxels = vtk_to_numpy(resampled.GetImageData().GetPointData().GetScalars()).reshape(size)
            earlier = vtk_to_numpy(self._earlier.GetImageData().GetPointData().GetScalars()).reshape(size)
            steps = [max(1, round(_SQUARE_MM / spacing)) for spacing in self._earlier.GetSpacing()[::-1]]
            parity = sum(np.ix_(*(np.arange(count) // step for count, step in zip(size, steps, strict=True))))
            np.copyto(voxels, earlier, where=parity % 2 == 0, casting="unsafe")
            resampled.GetImageData().Modified()
            self._show_alike(resampled)
            self._checkerboard = resampled
        return self._checkerboard

    def _show_alike(self, volume: Any) -> None:
        """Show a volume in the window of the earlier visit."""
        volume.CreateDefaultDisplayNodes()
        display, model = volume.GetDisplayNode(), self._earlier.GetDisplayNode()
        self._hide(display)
        if model is not None:
            display.AutoWindowLevelOff()
            display.SetWindowLevel(model.GetWindow(), model.GetLevel())
            display.SetAndObserveColorNodeID(model.GetColorNodeID())

    def _added(self, kind: str, name: str) -> Any:
        node = self._scene.AddNewNodeByClass(kind, name)
        self._hide(node)
        return node

    def _hide(self, node: Any) -> None:
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(False)
        if node not in self._made:
            self._made.append(node)

    def _composite(self, tag: str) -> Any:
        return self._scene.GetSingletonNode(tag, "vtkMRMLSliceCompositeNode")

    def _slice(self, tag: str) -> Any:
        return self._scene.GetSingletonNode(tag, "vtkMRMLSliceNode")
