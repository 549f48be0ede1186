"""Mouse and keys in the slice views while the effect is active: which begin a gesture, and which are a command."""

import vtk

from SegmentEditorAICorrectionLib.gestures import Gesture


class SliceViewEvents:
    """Follows a gesture from the press of the button to its release, and takes the keys of the effect.

    Parameters
    ----------
    effect : the scripted effect
    box_chosen : says whether a drag makes a box
    on_gesture : called with a gesture that has ended
    keys : what is called for a key, by the key's name

    Attributes
    ----------
    gesture : that is being made; None between two
    """

    def __init__(self, effect, box_chosen, on_gesture, keys):
        self._effect, self._box_chosen, self._on_gesture, self._keys = effect, box_chosen, on_gesture, keys
        self.gesture = None

    def take(self, interactor, event_id, view):
        """Return whether an event was for the effect; what it asked for is done then."""
        if view.className() != "qMRMLSliceWidget":
            return False
        command = vtk.vtkCommand
        if event_id == command.LeftButtonPressEvent:
            if interactor.GetShiftKey() or interactor.GetAltKey():
                return False
            self._begin(interactor, view)
            return True
        if event_id == command.MouseMoveEvent and self.gesture is not None:
            self.gesture.move(interactor.GetEventPosition())
            return True
        if event_id == command.LeftButtonReleaseEvent and self.gesture is not None:
            gesture = self.drop()
            gesture.move(interactor.GetEventPosition())
            self._on_gesture(gesture)
            return True
        if event_id == command.KeyPressEvent and interactor.GetKeySym() in self._keys:
            self._keys[interactor.GetKeySym()]()
            return True
        return False

    def drop(self):
        """End the gesture that is being made, take its line off the screen, and return it; None: there is none."""
        gesture, self.gesture = self.gesture, None
        if gesture is not None:
            gesture.end()
        return gesture

    def _begin(self, interactor, view):
        confirmed = self._effect.confirmCurrentSegmentVisible()
        # With a dialog, the button was released over the dialog: the press is not the beginning of anything.
        if confirmed in (self._effect.NotConfirmed, self._effect.ConfirmedWithDialog):
            return
        self.drop()
        inside = not interactor.GetControlKey()
        box = inside and self._box_chosen()
        self.gesture = Gesture(self._effect, view, interactor.GetEventPosition(), inside, box)
