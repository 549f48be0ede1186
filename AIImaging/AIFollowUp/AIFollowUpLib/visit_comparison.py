"""The compare view of a result: shown and left again, also when the user chooses another layout."""

import types

import vtk
from slicer.util import VTKObservationMixin

# Wide enough for landmarks around a lesion, narrow enough to judge a nodule of 6 mm.
_LESION_VIEW_MM = 120.0


class VisitComparison(VTKObservationMixin):
    """Both visits of a result side by side.

    Parameters
    ----------
    result : StoredResult
    onLeft : callable
        Told when the user switched to another layout.

    Raises
    ------
    SceneError
        Something of the result was removed from the scene.
    """

    def __init__(self, result, onLeft):
        VTKObservationMixin.__init__(self)
        from AIImagingLogic.scene.compare_view import CompareView

        scene = self._scene = result.table.GetScene()
        self._lesions = types.SimpleNamespace(lesions=result.lesions)
        self._view = CompareView(scene, result.visits())
        self._onLeft = onLeft
        self._view.show()
        self._nearby = False
        self._layout = scene.GetSingletonNode("vtkMRMLLayoutNode", "vtkMRMLLayoutNode")
        self._shown = self._layout.GetViewArrangement()
        self.addObserver(self._layout, vtk.vtkCommand.ModifiedEvent, self._onLayoutChanged)

    def jumpTo(self, number):
        """Move both visits to a lesion. Returns for each visit whether its place is known.

        The first jump also goes near; from then on the zoom is the user's.
        """
        if not self._nearby:
            self._goNear()
            self._nearby = True
        return self._view.jump_to_lesion(self._lesions, number)

    def leave(self):
        """Show the layout that was there before, with the results in all views again."""
        self.removeObservers()
        self._view.close()

    def forget(self):
        """Let go of a scene that is being closed."""
        self.removeObservers()
        self._scene = self._view = None

    def _goNear(self):
        from AIImagingLogic.scene.compare_layout import layout_rows

        for row in layout_rows():
            for view in row["views"]:
                node = self._scene.GetSingletonNode(view["tag"], "vtkMRMLSliceNode")
                across, down, deep = node.GetFieldOfView()
                node.SetFieldOfView(_LESION_VIEW_MM, _LESION_VIEW_MM * down / across, deep)

    def _onLayoutChanged(self, caller, event):
        chosen = self._layout.GetViewArrangement()
        if chosen == self._shown:
            return
        # What was shown in the compare view's own slices only must be seen in the layout that was chosen instead.
        self.leave()
        self._layout.SetViewArrangement(chosen)
        self._onLeft()
