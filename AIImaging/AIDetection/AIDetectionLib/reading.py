"""The section of the panel in which a reader of a study reads case after case."""

from pathlib import Path

import qt
import slicer
from AIImagingLib.error_display import show_error
from AIImagingLib.findings_table import FindingsTable
from slicer.i18n import tr as _

from AIDetectionLib.reading_texts import asked, mark_columns, mark_rows, mark_states, said_column, said_texts

_TICK_MS = 5000
_NO_SCORE = -1


class ReadingSection:
    """Shows the open case of a reader's study; all that counts is in the `ReadingDesk` and in the reader's file.

    Parameters
    ----------
    ui : object
        The widgets of the panel.
    logic : AIDetectionLogic
    isBusy : callable
        Whether a run is under way, whose results would come into the reading.
    onReading : callable
        Told whether a study is being read: then the rest of the panel is not to be seen.
    """

    def __init__(self, ui, logic, isBusy, onReading):
        self._ui, self._logic, self._isBusy, self._onReading = ui, logic, isBusy, onReading
        self._filling = False
        self.desk = None
        self._table = FindingsTable(
            ui.readingMarksTableView, mark_columns(), said_column(), said_texts(), self._onMarkChosen
        )
        # As they come, own marks first: by their names, A10 would stand before A2.
        ui.readingMarksTableView.sortByColumn(-1, qt.Qt.AscendingOrder)
        self._timer = qt.QTimer()
        self._timer.setInterval(_TICK_MS)
        self._timer.connect("timeout()", self._onTick)
        ui.readingStudyPathLineEdit.connect("currentPathChanged(QString)", self._onOtherReader)
        ui.readingReaderLineEdit.connect("textChanged(QString)", self._onOtherReader)
        ui.scoreSpinBox.connect("valueChanged(int)", self._onScore)
        for button, action in (
            (ui.addMarkButton, self._onAdd),
            (ui.deleteMarkButton, lambda: self.desk.delete(self._table.chosen)),
            (ui.acceptMarkButton, lambda: self._judge("accepted", self.desk.accept)),
            (ui.refuseMarkButton, lambda: self._judge("refused", self.desk.refuse)),
            (ui.nextCaseButton, self._onNextCase),
            (ui.pauseButton, self._onPause),
            (ui.lockButton, lambda: self.desk.lock()),
            (ui.finishButton, lambda: self.desk.finish()),
        ):
            button.connect("clicked(bool)", self._slot(action))
        self.show()

    def close(self):
        """Leave the study: an open case is paused."""
        desk, self.desk = self.desk, None
        self._timer.stop()
        if desk is not None:
            desk.close()

    def sceneCloses(self):
        """The scene is about to be closed."""
        if self.desk is not None:
            self.desk.scene_closes()
            self.show()

    def show(self, choose=None):
        """Show the state of the case, and choose a mark."""
        ui, desk = self._ui, self.desk
        state = None if desk is None else desk.state
        running = state is not None and state.running
        ui.readingStatusLabel.text = (
            _("Choose the study and your code, then press Next case.")
            if desk is None
            else " ".join((asked(desk.recorder), *desk.recorder.notes))
        )
        chosen = choose or self._table.chosen
        self._table.show(mark_rows(state) if running else [], mark_states(state) if running else {})
        if running:
            self._table.choose(chosen)
        ui.readingMarksWidget.visible = running
        ui.readingStudyPathLineEdit.enabled = ui.readingReaderLineEdit.enabled = state is None
        ui.nextCaseButton.enabled = state is None and (desk is None or desk.recorder.next is not None)
        ui.pauseButton.enabled = state is not None
        ui.pauseButton.text = _("Go on") if state is not None and not running else _("Pause")
        alone = running and state.mode.shows_ai and not state.may_show_ai
        ui.lockButton.enabled = alone
        ui.finishButton.enabled = running and not alone
        self._showMark()
        self._onReading(state is not None)

    def _showMark(self):
        ui, state = self._ui, None if self.desk is None else self.desk.state
        running = state is not None and state.running
        name = self._table.chosen if running else None
        mark = state.marks.get(name) if running else None
        ai = running and name in {shown.mark for shown in state.shown or ()}
        changeable = mark is not None and name not in state.fixed
        ui.addMarkButton.enabled = running
        ui.deleteMarkButton.enabled = changeable and not ai
        ui.acceptMarkButton.enabled = ui.refuseMarkButton.enabled = ai
        said = mark_states(state).get(name) if running else ""
        ui.acceptMarkButton.text = _("Take back") if said == "accepted" else _("Accept AI mark")
        ui.refuseMarkButton.text = _("Take back") if said == "refused" else _("Refuse AI mark")
        self._filling = True
        ui.scoreSpinBox.enabled = changeable
        ui.scoreSpinBox.value = _NO_SCORE if mark is None or mark.score is None else round(mark.score)
        self._filling = False

    def _onNextCase(self):
        from AIImagingLogic.records.errors import SceneError

        if self._isBusy():
            raise SceneError("A run is under way.", "Wait until it has ended, or cancel it.")
        if self.desk is None:
            path = Path(self._ui.readingStudyPathLineEdit.currentPath)
            reader = self._ui.readingReaderLineEdit.text.strip()
            self.desk = self._logic.readingDesk(slicer.mrmlScene, path, reader, self._onHands, self._onRefused)
        self._open()

    def _onPause(self):
        if self.desk.state.running:
            self.desk.pause()
        else:
            self._open()

    def _open(self):
        self.desk.open()
        nodes = self.desk.nodes
        slicer.util.setSliceViewerLayers(background=nodes.volume, fit=True)
        self._timer.start()

    def _onAdd(self):
        self.desk.nodes.place_next()

    def _judge(self, said, action):
        name = self._table.chosen
        if mark_states(self.desk.state)[name] == said:
            self.desk.undecide(name)
        else:
            action(name)

    def _onScore(self, score):
        if self._filling or self.desk is None or self.desk.state is None:
            return
        if score == _NO_SCORE:
            self._showMark()
            return
        self._slot(lambda: self.desk.rate(self._table.chosen, float(score)))()

    def _onMarkChosen(self, name):
        if name is not None and self.desk is not None and self.desk.state is not None:
            self.desk.jump(name)
        self._showMark()

    def _onHands(self):
        """A mark was put, moved or removed in a view; a new one is chosen, so that it can be rated."""
        own = [name for name, mark in self.desk.state.marks.items() if not mark.accepted]
        newest = own[-1] if own and own[-1] not in self._table.uids else None
        self.show(choose=newest)

    def _onRefused(self, error):
        self._ui.readingStatusLabel.text = show_error(error, _("AI Detection"))

    def _onTick(self):
        if self.desk is None or self.desk.state is None:
            self._timer.stop()
        else:
            self._slot(self.desk.tick, shows=False)()

    def _onOtherReader(self, text):
        """Another study or reader: the one before is left."""
        self.close()
        self.show()

    def _slot(self, action, shows=True):
        """Return what a click does: the action, what is wrong with it in one line, and the state after it."""

        def do(*arguments):
            from AIImagingLogic.records.errors import AIImagingError

            error = None
            try:
                action()
            except AIImagingError as raised:
                error = raised
            if shows:
                self.show()
            if error is not None:
                show_error(error, _("AI Detection"))

        return do
