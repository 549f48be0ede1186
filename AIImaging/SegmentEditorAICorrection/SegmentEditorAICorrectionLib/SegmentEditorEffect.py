"""The effect 'AI correction' of the Segment Editor: clicks, scribbles and boxes correct the selected segment."""

from pathlib import Path

import qt
import slicer
from SegmentEditorEffects import AbstractScriptedSegmentEditorEffect
from slicer.i18n import tr as _

from SegmentEditorAICorrectionLib.apply_at_once import ApplyAtOnce, set_default
from SegmentEditorAICorrectionLib.correction_service import correction_service
from SegmentEditorAICorrectionLib.engine_choice import EngineChoice
from SegmentEditorAICorrectionLib.help_text import help_text
from SegmentEditorAICorrectionLib.slice_view_events import SliceViewEvents
from SegmentEditorAICorrectionLib.status_lines import accepted_line, applied_line, proposed_line

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
        self._carrier = None
        self._atOnce = None
        self._events = SliceViewEvents(
            scriptedEffect,
            lambda: self.ui.boxButton.checked,
            lambda gesture: self._guarded(lambda: self._show_gesture(gesture)),
            {
                "Return": self.onAccept,
                "KP_Enter": self.onAccept,
                # The editor keeps Escape for leaving the effect; where a view gets it all the same, it drops.
                "Delete": self.onDrop,
                "Escape": self.onDrop,
                "BackSpace": self.onTakeBack,
            },
        )
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
        return help_text()

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
            self.ui.roiButton: lambda: self._guarded(self._show_roi),
            self.ui.growButton: lambda: self._use("GROW"),
            self.ui.fillButton: lambda: self._use("FILL"),
            self.ui.smoothButton: lambda: self._use("SMOOTH"),
            self.ui.carryButton: self.onCarry,
        }
        for button, slot in self._buttons.items():
            button.connect("clicked()", slot)
        self._atOnce = ApplyAtOnce(self.scriptedEffect, self.ui, lambda: self._tool)
        self._engines = EngineChoice(self.ui, self.prepare)
        self._say("")

    def cleanup(self):
        for timer, slot in ((self._pollTimer, self.poll), (self._prepareTimer, self.prepare)):
            timer.stop()
            timer.disconnect("timeout()", slot)
        if self._carrier is not None:
            self._carrier.cancel()
        if self.ui is not None:
            for button, slot in self._buttons.items():
                button.disconnect("clicked()", slot)
            self._atOnce.close()
            self._engines.close()

    def activate(self):
        self._say("")
        self._guarded(self._engines.look)
        correction_service().warm_up()
        self._pollTimer.start(_IDLE_MS)
        self._prepareTimer.start()

    def deactivate(self):
        self._events.drop()
        self._prepareTimer.stop()
        if self._carrier is None or not self._carrier.waiting:
            self._pollTimer.stop()
        self._guarded(self._accept)

    def setMRMLDefaults(self):
        set_default(self.scriptedEffect)

    def updateGUIFromMRML(self):
        self._show_auto_apply()
        # Another segment or another source volume may be chosen: it is sent ahead, so that the first click is quick.
        if self._pollTimer.active:
            self._prepareTimer.start()

    def updateMRMLFromGUI(self):
        pass

    def sourceVolumeNodeChanged(self):
        self.updateGUIFromMRML()

    def processInteractionEvents(self, callerInteractor, eventId, viewWidget):
        return self._events.take(callerInteractor, eventId, viewWidget)

    def onAccept(self):
        if self._tool is not None:
            self._tool.changes.apply()
        self._guarded(self._accept)
        self._prepareTimer.start()

    def onTakeBack(self):
        self._guarded(lambda: self._present_tool().take_back())
        self._look_often()

    def onDrop(self):
        self._events.drop()
        self._guarded(lambda: self._present_tool().drop())
        self._say(_("Dropped: the segment is what it was."))

    def onCarry(self):
        self._guarded(self._accept)
        self._guarded(self._carry)

    def prepare(self):
        """Send the volume and the selected segment ahead; what hinders it is said."""
        self._guarded(lambda: self._present_tool().prepare())

    def poll(self):
        """Take over what the workers answered."""
        if self._carrier is not None and self._carrier.waiting:
            self._guarded(self._carrier.poll)
        if self._tool is None:
            return
        self._guarded(self._tool.poll)
        if not self._tool.waiting:
            self._pollTimer.start(_IDLE_MS)

    def _show_gesture(self, gesture):
        from SegmentEditorAICorrectionLib.gesture_prompts import prompt_of_gesture

        points = [self.xyToRas(xy, gesture.view) for xy in gesture.pixels]
        if self.ui.splitButton.checked:
            self.ui.splitButton.checked = False
            self._use("SPLIT", points[0])
        elif self.ui.sliceButton.checked and gesture.inside and not gesture.is_click:
            self._say(_("Working…"))
            self._present_tool().redraw_slice(points)
            self._look_often()
        else:
            volume = self.scriptedEffect.parameterSetNode().GetSourceVolumeNode()
            self._show(prompt_of_gesture(gesture, points, volume, self.ui.lassoButton.checked))

    def _show_roi(self):
        from SegmentEditorAICorrectionLib.gesture_prompts import prompt_of_roi

        volume = self.scriptedEffect.parameterSetNode().GetSourceVolumeNode()
        self._show(prompt_of_roi(self.ui.roiSelector.currentNode(), volume))

    def _show(self, prompt):
        self._present_tool().show(prompt)
        self._say(_("Working…"))
        self._look_often()

    def _use(self, shortcut, position=None):
        from AIImagingLogic.scene.segment_correction_shortcuts import Shortcut

        self._say(_("Working…"))
        self._guarded(lambda: self._present_tool().use(Shortcut[shortcut], position))
        self._look_often()

    def _carry(self):
        from SegmentEditorAICorrectionLib.carrying import Carrying

        node = self._present_node()
        if self._carrier is None:
            self._carrier = Carrying(self.ui, self._say, self._failed)
        self._carrier.start(node)

    def _look_often(self):
        if self._tool is not None and self._tool.waiting:
            self._pollTimer.start(_POLL_MS)

    def _accept(self):
        if self._tool is None:
            return
        recorded = self._tool.accept()
        if recorded is not None:
            self._say(accepted_line(recorded))

    def _present_tool(self):
        """Return the tool of the editor's present parameter node."""
        node = self._present_node()
        if self._tool is None or self._toolNode is not node or self._tool.model != self._engines.chosen:
            from AIImagingLogic.scene.segment_correction_tool import CorrectionTool

            if self._tool is not None:
                self._accept()

            self._tool = CorrectionTool(
                node,
                correction_service(),
                self.scriptedEffect.saveStateForUndo,
                self._applied,
                self._failed,
                on_proposed=self._proposed,
                model=self._engines.chosen,
            )
            self._toolNode = node
            self._show_auto_apply()
        return self._tool

    def _present_node(self):
        node = self.scriptedEffect.parameterSetNode()
        if node is None:
            from AIImagingLogic.records.errors import SceneError

            raise SceneError(_("No segmentation is chosen."), _("Choose one in the Segment Editor."))
        return node

    def _applied(self, edit):
        # After a shortcut, the worker is made ready for the next click; else nothing comes of it.
        self._prepareTimer.start()
        self._say(applied_line(edit))

    def _proposed(self, planned):
        self._say(proposed_line(planned))

    def _show_auto_apply(self):
        if self._atOnce is not None:
            self._atOnce.show()

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
