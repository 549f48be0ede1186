"""The part of the panel that works on a result: which visits are compared, corrections, roles, charts, sign-off."""

import slicer
from AIImagingLib.error_display import show_error
from slicer.i18n import tr as _

from AIFollowUpLib.kept_result import KeptResult, signed_off

_TARGET_ROLES = (("", _("none")), ("target", _("target")), ("non-target", _("non-target")))
_PAIR = 2


class ResultEditor:
    """Connects the buttons of a result with what is kept of it.

    Parameters
    ----------
    ui : widgets by name
    lesionTable : LesionTable
    title : callable
        The module's title, for messages.
    onChanged : callable
        Told that the result says something else now.
    """

    def __init__(self, ui, lesionTable, title, onChanged):
        self._ui = ui
        self._lesionTable = lesionTable
        self._title = title
        self._onChanged = onChanged
        self._result = None
        self._kept = None
        self._filling = False
        for _role, text in _TARGET_ROLES:
            ui.roleComboBox.addItem(text)
        ui.earlierComboBox.connect("activated(int)", lambda index: self._compare(index, None))
        ui.laterComboBox.connect("activated(int)", lambda index: self._compare(None, index))
        ui.roleComboBox.connect("activated(int)", self.onRole)
        buttons = {
            "confirmButton": lambda kept: kept.confirm_link(self._lesionTable.current),
            "breakButton": lambda kept: kept.break_link(self._lesionTable.current),
            "joinButton": lambda kept: kept.join(*self._lesionTable.selected),
            "notLesionButton": lambda kept: kept.not_a_lesion(self._lesionTable.current),
            "markNewButton": lambda kept: kept.mark_new(self._lesionTable.current),
            "markResolvedButton": lambda kept: kept.mark_resolved(self._lesionTable.current),
            "undoButton": lambda kept: kept.undo(),
            "redoButton": lambda kept: kept.redo(),
        }
        for name, action in buttons.items():
            getattr(ui, name).connect("clicked(bool)", lambda checked, action=action: self._do(action))
        ui.chartButton.connect("clicked(bool)", self.onChart)
        ui.sumChartButton.connect("clicked(bool)", self.onSumChart)
        ui.lesionTable.connect("itemSelectionChanged()", self.showButtons)

    @property
    def kept(self):
        """The KeptResult of what is shown."""
        if self._kept is None:
            self._kept = KeptResult(self._result)
        return self._kept

    def show(self, result):
        """Show a result, a StoredResult or None."""
        if result is None or self._result is None or result.table is not self._result.table:
            self._kept = None
        self._result = result
        several = result is not None and len(result.titles) > _PAIR
        self._ui.pairLabel.visible = several
        for box, place in ((self._ui.earlierComboBox, 0), (self._ui.laterComboBox, 1)):
            box.clear()
            for title in result.titles if result else ():
                box.addItem(title)
            box.setCurrentIndex(result.pair[place] if result else -1)
            box.enabled = several
            box.visible = several
        signature = signed_off(result.table) if result else None
        self._ui.signOffLabel.text = "" if signature is None else signatureWords(*signature)
        self._ui.signOffLabel.visible = signature is not None
        self.showButtons()

    def showButtons(self):
        """Enable what can be done with the lesions that are chosen."""
        ui, result = self._ui, self._result
        chosen = self._lesionTable.selected if result else []
        one, two = len(chosen) == 1, len(chosen) == _PAIR
        for button in (ui.confirmButton, ui.breakButton, ui.notLesionButton, ui.roleComboBox):
            button.enabled = one
        lesion = next((lesion for lesion in result.lesions if lesion.number == chosen[0]), None) if one else None
        ui.markNewButton.enabled = lesion is not None and lesion.seen_later
        ui.markResolvedButton.enabled = lesion is not None and lesion.seen_before
        ui.joinButton.enabled = two
        ui.undoButton.enabled = bool(result and result.undo)
        ui.redoButton.enabled = bool(result and result.redo)
        ui.undoButton.toolTip = _("Take back: {what}").format(what=result.undo) if result and result.undo else ""
        ui.redoButton.toolTip = _("Apply again: {what}").format(what=result.redo) if result and result.redo else ""
        ui.chartButton.enabled = result is not None and result.chart is not None
        ui.sumChartButton.enabled = result is not None
        ui.signOffButton.enabled = result is not None
        role = lesion.role if lesion is not None else ""
        ui.roleComboBox.setCurrentIndex([known for known, _text in _TARGET_ROLES].index(role))

    def onRole(self, index):
        """Let the chosen lesion be a target, a non-target or neither."""
        number = self._lesionTable.current
        self._do(lambda kept: kept.set_role(number, _TARGET_ROLES[index][0]))

    def onChart(self):
        """Show the growth of the chosen lesions, when several are chosen, else of all."""
        from AIImagingLogic.scene.plots import show_lesions

        chosen = self._lesionTable.selected
        show_lesions(self._result.chart, chosen if len(chosen) > 1 else [])
        slicer.modules.plots.logic().ShowChartInLayout(self._result.chart)

    def onSumChart(self):
        """Show the sum of the diameters of the targets."""
        try:
            slicer.modules.plots.logic().ShowChartInLayout(self.kept.sum_chart())
        # The last stop before the user: one line, and the log holds the rest.
        except Exception as error:  # noqa: BLE001
            self._ui.statusLabel.text = show_error(error, self._title())

    def _compare(self, earlier, later):
        self._do(lambda kept: kept.compare(earlier, later))

    def _do(self, action):
        try:
            action(self.kept)
        # The last stop before the user: one line, and the log holds the rest.
        except Exception as error:  # noqa: BLE001
            self._ui.statusLabel.text = show_error(error, self._title())
        self._onChanged()


def signatureWords(who, when):
    """Return who signed a table off and when, in a sentence."""
    date = when.replace("T", " ")[:16]
    if who:
        return _("Reviewed by {who}, {date}.").format(who=who, date=date)
    return _("Reviewed, {date}.").format(date=date)
