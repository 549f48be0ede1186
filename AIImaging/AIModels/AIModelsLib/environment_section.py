"""The second tab: check this computer, read what was found, repair, copy the report."""

from html import escape

import slicer
from AIImagingLib.error_display import error_line, show_error
from AIImagingLib.run_rows import RunRows
from slicer.i18n import tr as _

from AIModelsLib.finding_rows import FindingRows
from AIModelsLib.repairs import repair


class EnvironmentSection:
    """Runs checks and shows the report of the last one.

    Parameters
    ----------
    ui : the widgets of the panel: checkButton, copyButton, environmentLabel, environmentRunsWidget, findingsWidget,
        factsCollapsibleButton, factsLabel
    logic : AIModelsLogic
    title : str
        Of the module, for message boxes.
    """

    def __init__(self, ui, logic, title):
        self._ui = ui
        self._logic = logic
        self._title = title
        self._check = None
        self._report = None
        self._repairing = False
        self._rows = RunRows(ui.environmentRunsWidget)
        self._findings = FindingRows(ui.findingsWidget, self.onRepair)
        self._before = ""
        ui.checkButton.connect("clicked(bool)", self.onCheck)
        ui.copyButton.connect("clicked(bool)", self.onCopy)
        self._showReport()

    @property
    def findingRows(self):
        return self._findings

    def close(self):
        """Let go: a check that is under way is of no use to anybody."""
        if self._check is not None:
            self._check.cancel()
        self._check = None
        self._rows.clear()

    def onCheck(self):
        if self._check is not None:
            return
        try:
            self._check = self._logic.checkEnvironment(wait=False)
        # The last stop before the user: one line, and the log holds the rest.
        except Exception as error:  # noqa: BLE001
            self._ui.environmentLabel.text = show_error(error, self._title)
            return
        self._rows.add(self._check)
        self._ui.environmentLabel.text = " ".join((self._before, _("Checking…"))).strip()
        self._showWhatCanBegin()
        self._check.on_finish(self._onFinished)

    def onRepair(self, finding):
        if self._repairing or self._check is not None:
            return
        self._repairing = True
        self._showWhatCanBegin()
        try:
            self._before = repair(finding)
        # The last stop before the user: one line, and the log holds the rest.
        except Exception as error:  # noqa: BLE001
            self._before = show_error(error, self._title)
        finally:
            self._repairing = False
            self._showWhatCanBegin()
        # Whether it went well or stopped half way, what is true now has to be seen.
        self.onCheck()

    def onCopy(self):
        from AIImagingLogic.inference.environment_text import shareable_text

        version = f"3D Slicer {slicer.app.applicationVersion}\n"
        slicer.app.clipboard().setText(version + shareable_text(self._report))
        self._ui.environmentLabel.text = _("The report is in the clipboard. It names no user and no patient.")

    def _onFinished(self, check):
        if check is not self._check:
            return
        self._check = None
        before, self._before = self._before, ""
        outcome = check.outcome if check.error is None else error_line(check.error)
        if check.report is not None:
            self._report = check.report
            self._showReport()
        self._ui.environmentLabel.text = " ".join((before, outcome)).strip()
        self._showWhatCanBegin()

    def _showReport(self):
        report = self._report
        if report is None:
            self._ui.environmentLabel.text = _(
                "Check looks at packages, graphics card, memory and disks of this computer. It changes nothing and "
                "sends nothing."
            )
        else:
            self._findings.show(report.findings)
            self._ui.factsLabel.text = _factsHtml(report.facts)
        self._ui.factsCollapsibleButton.visible = report is not None
        self._showWhatCanBegin()

    def _showWhatCanBegin(self):
        idle = self._check is None and not self._repairing
        self._ui.checkButton.enabled = idle
        self._ui.copyButton.enabled = idle and self._report is not None
        self._findings.setRepairsEnabled(idle)


def _factsHtml(facts):
    rows, topic = [], None
    for fact in facts:
        if fact.topic != topic:
            topic = fact.topic
            rows.append(f"<tr><td colspan='2'><b>{escape(topic)}</b></td></tr>")
        rows.append(f"<tr><td>{escape(fact.name)}&nbsp;&nbsp;</td><td>{escape(fact.value)}</td></tr>")
    return f"<table>{''.join(rows)}</table>"
