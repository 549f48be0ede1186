"""The effect 'AI correction' of the Segment Editor: clicks, scribbles and boxes correct the selected segment."""

from pathlib import Path

import qt
import slicer
import vtk
from SegmentEditorEffects import AbstractScriptedSegmentEditorEffect
from slicer.i18n import tr as _

from SegmentEditorAICorrectionLib.correction_service import correction_service
from SegmentEditorAICorrectionLib.gestures import Gesture

_POLL_MS, _IDLE_MS, _PREPARE_MS = 5, 100, 200
_MODULE = "SegmentEditorAICorrection"


class SegmentEditorEffect(AbstractScriptedSegmentEditorEffect):
    """Turns what is done in a slice view into prompts; the work is done by `CorrectionTool`."""

    def __init__(self, scriptedEffect):
        scriptedEffect.name = "AI correction"  # not translated: effects are found by name
        scriptedEffect.title = _("AI correction")
        scriptedEffect.perSegment = True
        AbstractScriptedSegmentEditorEffect.__init__(self, scriptedEffect)
        self.ui = None
        self._tool = None
        self._toolNode = None
        self._gesture = None
        self._pollTimer = qt.QTimer()
        self._pollTimer.connect("timeout()", self.poll)
        self._prepareTimer = qt.QTimer()
        self._prepareTimer.setSingleShot(True)
        self._prepareTimer.setInterval(_PREPARE_MS)
        self._prepareTimer.connect("timeout()", self.prepare)

    def clone(self):
        import qSlicerSegmentationsEditorEffectsPythonQt as effects

        cloned = effects.qSlicerSegmentEditorScriptedEffect(None)
        cloned.setPythonSource(Path(__file__).as_posix())
        return cloned

    def icon(self):
        return qt.QIcon(str(_resource("Icons", f"{_MODULE}.png")))

    def helpText(self):
        return "<html>" + _(
            "Correct the selected segment by showing what is wrong.<p><ul style='margin: 0'>"
            "<li><b>Click:</b> this belongs to the object. <b>Ctrl-click:</b> this does not.</li>"
            "<li><b>Drag:</b> the same with a line. <b>Box, lasso:</b> the object lies in it.</li>"
            "<li><b>Backspace</b> takes the last one back, <b>Delete</b> all of them, <b>Enter</b> accepts and records "
            "how the segment differs from what was proposed.</li>"
            "<li><b>Grow like this</b> takes what lies next to the segment and looks like it. <b>Split here</b>, then "
            "a click, cuts the segment at its thinnest there. <b>Fill between slices</b> fills gaps. "
            "<b>Smooth to the edge</b> smooths the border and lets it follow the image.</li></ul>"
            "The result follows at once in the segment; editable area, intensity mask and overwrite mode hold, and "
            "every step can be undone. Research use; not a medical device."
        )

    def setupOptionsFrame(self):
        widget = slicer.util.loadUI(str(_resource("UI", f"{_MODULE}.ui")))
        widget.setMRMLScene(slicer.mrmlScene)
        self.scriptedEffect.addOptionsWidget(widget)
        self._widget = widget
        self.ui = slicer.util.childWidgetVariables(widget)
        self._buttons = {
            self.ui.acceptButton: self.onAccept,
            self.ui.takeBackButton: self.onTakeBack,
            self.ui.dropButton: self.onDrop,
            self.ui.roiButton: self.onRoi,
            self.ui.growButton: self.onGrow,
            self.ui.fillButton: self.onFill,
            self.ui.smoothButton: self.onSmooth,
        }
        for button, slot in self._buttons.items():
            button.connect("clicked()", slot)
        self._say("")

    def cleanup(self):
        for timer, slot in ((self._pollTimer, self.poll), (self._prepareTimer, self.prepare)):
            timer.stop()
            timer.disconnect("timeout()", slot)
        if self.ui is not None:
            for button, slot in self._buttons.items():
                button.disconnect("clicked()", slot)

    def activate(self):
        self._say("")
        correction_service().warm_up()
        self._pollTimer.start(_IDLE_MS)
        self._prepareTimer.start()

    def deactivate(self):
        self._end_gesture()
        self._prepareTimer.stop()
        self._pollTimer.stop()
        self._guarded(self._accept)

    def setMRMLDefaults(self):
        pass

    def updateGUIFromMRML(self):
        # Another segment or another source volume may be chosen: it is sent ahead, so that the first click is quick.
        if self._pollTimer.active:
            self._prepareTimer.start()

    def updateMRMLFromGUI(self):
        pass

    def sourceVolumeNodeChanged(self):
        self.updateGUIFromMRML()

    def processInteractionEvents(self, callerInteractor, eventId, viewWidget):
        if viewWidget.className() != "qMRMLSliceWidget":
            return False
        command = vtk.vtkCommand
        if eventId == command.LeftButtonPressEvent:
            if callerInteractor.GetShiftKey() or callerInteractor.GetAltKey():
                return False
            return self._begin_gesture(callerInteractor, viewWidget)
        if eventId == command.MouseMoveEvent and self._gesture is not None:
            self._gesture.move(callerInteractor.GetEventPosition())
            return True
        if eventId == command.LeftButtonReleaseEvent and self._gesture is not None:
            gesture = self._end_gesture()
            gesture.move(callerInteractor.GetEventPosition())
            self._guarded(lambda: self._show_gesture(gesture))
            return True
        if eventId == command.KeyPressEvent:
            slot = {
                "Return": self.onAccept,
                "KP_Enter": self.onAccept,
                # The editor keeps Escape for leaving the effect; where a view gets it all the same, it drops.
                "Delete": self.onDrop,
                "Escape": self.onDrop,
                "BackSpace": self.onTakeBack,
            }.get(callerInteractor.GetKeySym())
            if slot is not None:
                slot()
                return True
        return False

    def onAccept(self):
        self._guarded(self._accept)
        self._prepareTimer.start()

    def onTakeBack(self):
        self._guarded(lambda: self._present_tool().take_back())
        self._look_often()

    def onDrop(self):
        self._end_gesture()
        self._guarded(lambda: self._present_tool().drop())
        self._say(_("Dropped: the segment is what it was."))

    def onRoi(self):
        self._guarded(self._show_roi)

    def onGrow(self):
        self._use("GROW")

    def onFill(self):
        self._use("FILL")

    def onSmooth(self):
        self._use("SMOOTH")

    def prepare(self):
        """Send the volume and the selected segment ahead; what hinders it is said."""
        self._guarded(lambda: self._present_tool().prepare())

    def poll(self):
        """Take over what the worker answered."""
        if self._tool is None:
            return
        self._guarded(self._tool.poll)
        if not self._tool.waiting:
            self._pollTimer.start(_IDLE_MS)

    def _begin_gesture(self, interactor, view):
        confirmed = self.scriptedEffect.confirmCurrentSegmentVisible()
        # With a dialog, the button was released over the dialog: the press is not the beginning of anything.
        if confirmed in (self.scriptedEffect.NotConfirmed, self.scriptedEffect.ConfirmedWithDialog):
            return True
        self._end_gesture()
        inside = not interactor.GetControlKey()
        box = self.ui.boxButton.checked and inside
        self._gesture = Gesture(self.scriptedEffect, view, interactor.GetEventPosition(), inside, box)
        return True

    def _end_gesture(self):
        gesture, self._gesture = self._gesture, None
        if gesture is not None:
            gesture.end()
        return gesture

    def _show_gesture(self, gesture):
        from AIImagingLogic.scene.coordinates import array_of_vtk_matrix
        from AIImagingLogic.scene.segment_correction_prompts import box_of_corners, click, lasso, scribble

        volume = self.scriptedEffect.parameterSetNode().GetSourceVolumeNode()
        points = [self.xyToRas(xy, gesture.view) for xy in gesture.pixels]
        if self.ui.splitButton.checked:
            self.ui.splitButton.checked = False
            self._use("SPLIT", points[0])
        elif gesture.is_click:
            self._show(click(volume, points[0], gesture.inside))
        elif gesture.box:
            axes = array_of_vtk_matrix(gesture.view.sliceLogic().GetSliceNode().GetSliceToRAS())
            self._show(box_of_corners(volume, points[0], points[-1], axes))
        elif gesture.inside and self.ui.lassoButton.checked:
            self._show(lasso(volume, points))
        else:
            self._show(scribble(volume, points, gesture.inside))

    def _show_roi(self):
        from AIImagingLogic.records.errors import SceneError
        from AIImagingLogic.scene.segment_correction_prompts import box_of_roi

        roi = self.ui.roiSelector.currentNode()
        if roi is None:
            raise SceneError(_("No ROI is chosen."), _("Make one around the object in the Markups module."))
        self._show(box_of_roi(self.scriptedEffect.parameterSetNode().GetSourceVolumeNode(), roi))

    def _show(self, prompt):
        self._present_tool().show(prompt)
        self._say(_("Working…"))
        self._look_often()

    def _use(self, shortcut, position=None):
        from AIImagingLogic.scene.segment_correction_shortcuts import Shortcut

        self._say(_("Working…"))
        self._guarded(lambda: self._present_tool().use(Shortcut[shortcut], position))
        self._look_often()

    def _look_often(self):
        if self._tool is not None and self._tool.waiting:
            self._pollTimer.start(_POLL_MS)

    def _accept(self):
        if self._tool is None:
            return
        recorded = self._tool.accept()
        if recorded is not None:
            said = _("Accepted: {added:.2f} mL added, {removed:.2f} mL removed, {clicks} prompts.")
            self._say(said.format(added=recorded.added_ml, removed=recorded.removed_ml, clicks=recorded.clicks))

    def _present_tool(self):
        """Return the tool of the editor's present parameter node."""
        node = self.scriptedEffect.parameterSetNode()
        if node is None:
            from AIImagingLogic.records.errors import SceneError

            raise SceneError(_("No segmentation is chosen."), _("Choose one in the Segment Editor."))
        if self._tool is None or self._toolNode is not node:
            from AIImagingLogic.scene.segment_correction_tool import CorrectionTool

            self._tool = CorrectionTool(
                node, correction_service(), self.scriptedEffect.saveStateForUndo, self._applied, self._failed
            )
            self._toolNode = node
        return self._tool

    def _applied(self, edit):
        # After a shortcut, the worker is made ready for the next click; else nothing comes of it.
        self._prepareTimer.start()
        self._say(_("{added} voxels added, {removed} removed.").format(added=edit.added, removed=edit.removed))

    def _failed(self, error):
        from AIImagingLib.error_display import error_line

        self._say(error_line(error))

    def _guarded(self, action):
        """Do what may be refused; why is said in the effect's own line."""
        from AIImagingLogic.records.errors import AIImagingError

        try:
            action()
        except AIImagingError as error:
            self._failed(error)

    def _say(self, text):
        if self.ui is not None:
            self.ui.statusLabel.text = text or _("Click to add, Ctrl-click to remove.")


def _resource(kind, name):
    return Path(__file__).resolve().parents[1] / "Resources" / kind / name
