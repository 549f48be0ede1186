"""The compare view of a result: shown and left again, also when the user chooses another layout."""

import types

import qt
import vtk
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

# A value of `scene.visit_overlay.OverlayMode`, and its words.
MODES = (
    ("as it is", _("as it is")),
    ("warped", _("warped")),
    ("flicker", _("flicker")),
    ("difference", _("difference")),
    ("checkerboard", _("checkerboard")),
)
_FLICKER_MS = 600

# Wide enough for landmarks around a lesion, narrow enough to judge a nodule of 6 mm.
_LESION_VIEW_MM = 120.0


class VisitComparison(VTKObservationMixin):
    """The two visits of a result that are compared, side by side.

    Parameters
    ----------
    result : StoredResult
    onLeft : callable
        Told when the user switched to another layout.
    linked : whether the views of both visits follow each other

    Raises
    ------
    SceneError
        Something of the result was removed from the scene.
    """

    def __init__(self, result, onLeft, linked=True):
        VTKObservationMixin.__init__(self)
        from AIImagingLogic.scene.compare_view import CompareView
        from AIImagingLogic.scene.follow_up_linked_views import LinkedVisits

        scene = self._scene = result.table.GetScene()
        self._lesions = types.SimpleNamespace(lesions=[_compared(lesion) for lesion in result.lesions])
        self._view = CompareView(scene, result.visits(), result.other_nodes())
        self._result = result
        self._overlay = None
        self._timer = qt.QTimer()
        self._timer.setInterval(_FLICKER_MS)
        self._timer.connect("timeout()", self._flip)
        self._onLeft = onLeft
        self._view.show()
        earlier, later = (visit.volume for visit in result.visits())
        self._link = LinkedVisits(earlier, later, result.transforms())
        self._linked = linked
        self._nearby = False
        self._layout = scene.GetSingletonNode("vtkMRMLLayoutNode", "vtkMRMLLayoutNode")
        self._shown = self._layout.GetViewArrangement()
        self.addObserver(self._layout, vtk.vtkCommand.ModifiedEvent, self._onLayoutChanged)
        self._link.enable(linked)

    @property
    def canLink(self):
        """Whether the visits are registered, so that their views can follow each other."""
        return self._link.possible

    def link(self, on):
        """Let the views of both visits follow each other, or no longer."""
        self._linked = on
        self._link.enable(on)

    def jumpTo(self, number):
        """Move both visits to a lesion. Returns for each visit whether its place is known.

        The first jump also goes near; from then on the zoom is the user's.
        """
        # Each visit goes to the lesion as it is there; from then on they follow each other.
        self._link.close()
        if not self._nearby:
            self._goNear()
            self._nearby = True
        moved = self._view.jump_to_lesion(self._lesions, number)
        if self._overlay is not None:
            self._overlay.follow()
        self._link.enable(self._linked)
        return moved

    def overlay(self, mode):
        """Show the later visit in another way, the first of an entry of `MODES`.

        Raises
        ------
        SceneError
            The visits were not registered, or their transform was removed.
        """
        from AIImagingLogic.scene.visit_overlay import OverlayMode, VisitOverlay

        self._timer.stop()
        if self._overlay is None:
            earlier, later = (visit.volume for visit in self._result.visits())
            self._overlay = VisitOverlay(earlier, later, self._result.transforms())
        self._link.close()
        self._overlay.show(OverlayMode(mode))
        self._link.enable(self._linked)
        self._link.show_warped(self._overlay.mode is not OverlayMode.AS_IT_IS)
        if self._overlay.mode is OverlayMode.FLICKER:
            self._timer.start()

    def _flip(self):
        self._overlay.flip()

    def leave(self):
        """Show the layout that was there before, with the results in all views again."""
        self.removeObservers()
        self._timer.stop()
        self._link.close()
        if self._overlay is not None:
            self._overlay.close()
            self._overlay = None
        self._view.close()

    def forget(self):
        """Let go of a scene that is being closed."""
        self.removeObservers()
        self._timer.stop()
        self._link.close()
        self._scene = self._view = self._overlay = None

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


def _compared(lesion):
    """Return what `CompareView` needs of a lesion, at the two visits compared."""
    return types.SimpleNamespace(
        number=lesion.number,
        observations=[lesion.observations[index] for index in lesion.pair],
        expected_mm=[lesion.expected_mm[index] for index in lesion.pair],
    )
