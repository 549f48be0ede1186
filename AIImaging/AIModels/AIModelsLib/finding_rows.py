"""What a check found, one block each: icon, what, why, what to do, and Repair where something can be done."""

from html import escape

import qt
from slicer.i18n import tr as _

_ICON_PIXELS = 24


class FindingRows:
    """The findings, in an empty widget of their own.

    Parameters
    ----------
    widget : qt.QWidget
    onRepair : callable
        Told the finding whose Repair was pressed.
    """

    def __init__(self, widget, onRepair):
        self._widget = widget
        self._onRepair = onRepair
        self._layout = qt.QVBoxLayout(widget)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._rows = []

    def show(self, findings):
        """Show these findings instead of those before."""
        for row in self._rows:
            self._layout.removeWidget(row.widget)
            row.widget.hide()
            row.widget.deleteLater()
        self._rows = [_FindingRow(finding, self._onRepair) for finding in findings]
        for row in self._rows:
            self._layout.addWidget(row.widget)

    def setRepairsEnabled(self, enabled):
        """Let repairs begin, or not while a check or a repair is under way."""
        for row in self._rows:
            if row.button is not None:
                row.button.enabled = enabled

    def buttons(self):
        """Return the Repair button of each finding, None where nothing can be done on a click."""
        return [row.button for row in self._rows]


class _FindingRow:
    def __init__(self, finding, onRepair):
        self._finding = finding
        self._onRepair = onRepair
        self.widget = qt.QFrame()
        self.widget.setFrameShape(qt.QFrame.StyledPanel)
        self._layout = qt.QHBoxLayout(self.widget)
        self._icon = qt.QLabel()
        icon = self.widget.style().standardIcon(_standard_icon(finding.severity.value))
        self._icon.setPixmap(icon.pixmap(qt.QSize(_ICON_PIXELS, _ICON_PIXELS)))
        self._icon.toolTip = severity_name(finding.severity.value)
        self._icon.setAlignment(qt.Qt.AlignTop)
        self._text = qt.QLabel(_html(finding))
        self._text.wordWrap = True
        self._text.setTextInteractionFlags(qt.Qt.TextSelectableByMouse)
        self._layout.addWidget(self._icon)
        self._layout.addWidget(self._text, 1)
        self.button = None
        if finding.repair is not None:
            self.button = qt.QPushButton(repair_name(finding.repair.value))
            self.button.toolTip = _("You are asked before anything is changed")
            self.button.connect("clicked(bool)", self._onClicked)
            self._layout.addWidget(self.button)

    def _onClicked(self):
        self._onRepair(self._finding)


def severity_name(severity):
    """Return the word for how much a finding matters."""
    return {"problem": _("Problem"), "warning": _("Warning"), "note": _("Note")}[severity]


def repair_name(repair):
    """Return what the button of a repair says."""
    names = {"install": _("Install…"), "install-torch": _("Install…"), "remove-leftovers": _("Delete…")}
    return names.get(repair, _("Repair…"))


def _standard_icon(severity):
    if severity == "problem":
        return qt.QStyle.SP_MessageBoxCritical
    return qt.QStyle.SP_MessageBoxWarning if severity == "warning" else qt.QStyle.SP_MessageBoxInformation


def _html(finding):
    advice = f"<br><i>{escape(finding.advice)}</i>" if finding.advice else ""
    return f"<b>{escape(finding.what)}</b><br>{escape(finding.why)}{advice}"
