"""The line of a visit's row in which the source of its lesions is chosen."""

from dataclasses import replace

import ctk
import qt
import slicer
from slicer.i18n import tr as _

from AIFollowUpLib.lesion_choice import DETECTOR, DRAWN, NONE, REPORT, LesionChoice

_SOURCES = (
    (DRAWN, _("drawn:")),
    (REPORT, _("DICOM report:")),
    (DETECTOR, _("found here")),
    (NONE, _("none seen")),
)


class LesionsLine:
    """The second line of a visit's row.

    Parameters
    ----------
    number : of the row, from 1; part of the widgets' names
    onChanged : callable
        Told the new LesionChoice.
    """

    def __init__(self, number, onChanged):
        from AIImagingLogic.scene.follow_up_sources import SOURCE_CLASSES

        self._onChanged = onChanged
        self._choice = LesionChoice()
        self._quiet = False
        self.widget = qt.QWidget()
        label = qt.QLabel(_("Lesions:"))
        self.source = qt.QComboBox()
        self.source.objectName = f"visitSource{number}"
        self.source.toolTip = _(
            "Drawn: each part of a segment, each point, box (ROI) or line is a lesion. DICOM report: a structured "
            "report (SR) of another program. Found here: lung nodules on chest CT, by this program."
        )
        for _source, text in _SOURCES:
            self.source.addItem(text)
        self.nodes = slicer.qMRMLCheckableNodeComboBox()
        self.nodes.objectName = f"visitLesions{number}"
        self.nodes.nodeTypes = list(SOURCE_CLASSES)
        self.nodes.addEnabled = False
        self.nodes.removeEnabled = False
        self.nodes.renameEnabled = False
        self.nodes.toolTip = _("Segmentations (their visible segments), point lists, boxes and lines of this visit.")
        self.nodes.setMRMLScene(slicer.mrmlScene)
        self.report = ctk.ctkPathLineEdit()
        self.report.objectName = f"visitReport{number}"
        self.report.filters = ctk.ctkPathLineEdit.Files
        self.report.toolTip = _("The SR file of this visit; its SEG is looked for beside it. The path is not saved.")
        layout = qt.QHBoxLayout(self.widget)
        layout.setContentsMargins(18, 0, 0, 0)
        layout.addWidget(label, 0)
        layout.addWidget(self.source, 0)
        layout.addWidget(self.nodes, 1)
        layout.addWidget(self.report, 1)
        self.source.connect("activated(int)", self._onSource)
        self.nodes.connect("checkedNodesChanged()", self._onNodes)
        self.report.connect("currentPathChanged(QString)", self._onReport)

    def show(self, choice):
        """Show a LesionChoice."""
        self._choice = choice
        self._quiet = True
        try:
            self.source.setCurrentIndex([source for source, _text in _SOURCES].index(choice.source))
            for index in range(self.nodes.nodeCount()):
                node = self.nodes.nodeFromIndex(index)
                self.nodes.setCheckState(node, qt.Qt.Checked if node in choice.nodes else qt.Qt.Unchecked)
            self.report.currentPath = choice.report
            self.nodes.visible = choice.source == DRAWN
            self.report.visible = choice.source == REPORT
        finally:
            self._quiet = False

    def _onSource(self, index):
        self._change(replace(self._choice, source=_SOURCES[index][0]))

    def _onNodes(self):
        if not self._quiet:
            self._change(replace(self._choice, nodes=tuple(self.nodes.checkedNodes())))

    def _onReport(self, path):
        if not self._quiet:
            self._change(replace(self._choice, report=path))

    def _change(self, choice):
        self.show(choice)
        self._onChanged(choice)
