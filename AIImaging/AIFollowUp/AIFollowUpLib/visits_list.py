"""The visits to follow, a row each: volume, date, place in time, and where its lesions come from; rows come and go."""

import qt
import slicer
from slicer.i18n import tr as _

from AIFollowUpLib.dates import order_of_texts, text_from_date
from AIFollowUpLib.lesion_choice import LesionChoice, proposed_choice
from AIFollowUpLib.logic import FEWEST_VISITS, MOST_VISITS
from AIFollowUpLib.visit_lesions import LesionsLine

_DASH = "–"
_VOLUME = "vtkMRMLScalarVolumeNode"


class VisitsList:
    """Rows in which visits are chosen.

    Parameters
    ----------
    widget : qt.QWidget
        Empty; the rows are put into it.
    orderLabel : qt.QLabel
        Says how the order in time is known.
    onChanged : callable
        Told that the user chose something.
    """

    def __init__(self, widget, orderLabel, onChanged):
        self._orderLabel = orderLabel
        self._onChanged = onChanged
        self._layout = qt.QVBoxLayout(widget)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._rows = []
        # Of each volume, by its id: what was chosen goes with the volume when rows are exchanged.
        self._lesions = {}
        self._lesionsGiven = False
        self._count = 0
        self._quiet = False
        self.show([])

    @property
    def visits(self):
        """(volume or None, date as typed) of each row."""
        return [(row.selector.currentNode(), row.date.text) for row in self._rows[: self._count]]

    @property
    def lesions(self):
        """The LesionChoice of each row; of one without a volume, that of a new row."""
        return [self._lesionsOf(node) for node, _date in self.visits]

    def showLesions(self, given, choices):
        """Show for each row where its lesions come from, when they are `given`.

        Parameters
        ----------
        given : whether rows have a second line
        choices : (volume, LesionChoice) that are known; of other volumes what was drawn on them is proposed
        """
        self._lesionsGiven = given
        for node, choice in choices:
            self._lesions[node.GetID()] = choice
        self.show(self.visits)

    def forgetLesions(self):
        """Forget what was chosen for volumes of a scene that is closed."""
        self._lesions = {}

    def _lesionsOf(self, node):
        if node is None:
            return LesionChoice()
        if self._lesionsGiven and node.GetID() not in self._lesions:
            self._lesions[node.GetID()] = proposed_choice(node)
        return self._lesions.get(node.GetID(), LesionChoice())

    def show(self, visits):
        """Show visits, (volume or None, date as typed); there are at least two rows."""
        wanted = [*visits, *[(None, "")] * (FEWEST_VISITS - len(visits))]
        self._quiet = True
        try:
            while len(self._rows) < len(wanted):
                self._rows.append(_Row(len(self._rows), self))
                self._layout.addWidget(self._rows[-1].widget)
            self._count = len(wanted)
            for index, row in enumerate(self._rows):
                node, date = wanted[index] if index < len(wanted) else (None, "")
                row.selector.setCurrentNode(node)
                row.date.text = date
                row.widget.visible = index < len(wanted)
                given = self._lesionsGiven and node is not None
                row.lesions.widget.visible = given
                if given:
                    row.lesions.show(self._lesionsOf(node))
        finally:
            self._quiet = False
        self._showOrder()

    def add(self, visits):
        """Add visits; they take empty rows first. More than the most are left out."""
        kept = [entry for entry in self.visits if entry[0] is not None or entry[1]]
        self._change([*kept, *visits][:MOST_VISITS])

    def addRow(self):
        """Add an empty row."""
        self._change([*self.visits, (None, "")][:MOST_VISITS])

    def onVolume(self, index):
        """A volume was chosen: its date goes with it."""
        if not self._quiet:
            visits = self.visits
            node = visits[index][0]
            visits[index] = (node, known_date(node))
            self._change(visits)

    def onDate(self):
        """A date was typed."""
        if not self._quiet:
            self._showOrder()
            self._onChanged()

    def onLesions(self, index, choice):
        """Lesions were chosen: they go with the volume of the row."""
        node = self._rows[index].selector.currentNode()
        if node is not None and not self._quiet:
            self._lesions[node.GetID()] = choice
            self._onChanged()

    def onUp(self, index):
        """Exchange a row with the one above it."""
        visits = self.visits
        visits[index - 1], visits[index] = visits[index], visits[index - 1]
        self._change(visits)

    def onRemove(self, index):
        """Take a row away."""
        visits = self.visits
        del visits[index]
        self._change(visits)

    def _change(self, visits):
        self.show(visits)
        self._onChanged()

    def _showOrder(self):
        chosen = [(row, row.date.text) for row in self._rows[: self._count] if row.selector.currentNode() is not None]
        order, dated = order_of_texts([text for _row, text in chosen])
        for index, row in enumerate(self._rows[: self._count]):
            row.number.text = _DASH
            row.up.enabled = index > 0
            row.remove.enabled = self._count > FEWEST_VISITS or row.selector.currentNode() is not None
        for place, index in enumerate(order, start=1):
            chosen[index][0].number.text = str(place)
        self._orderLabel.text = (
            _("Not every visit has a date of its own: they are taken in the order of the list.")
            if len(chosen) >= FEWEST_VISITS and not dated
            else ""
        )
        self._orderLabel.visible = bool(self._orderLabel.text)


class _Row:
    def __init__(self, index, visits):
        number = index + 1
        self.widget = qt.QWidget()
        self.number = qt.QLabel(_DASH)
        self.number.toolTip = _("Place in time")
        self.number.objectName = f"visitNumber{number}"
        self.selector = slicer.qMRMLNodeComboBox()
        self.selector.objectName = f"visitSelector{number}"
        self.selector.nodeTypes = [_VOLUME]
        self.selector.showChildNodeTypes = False
        self.selector.noneEnabled = True
        self.selector.addEnabled = False
        self.selector.removeEnabled = False
        self.selector.toolTip = _(
            "An image of the patient; a chest CT in Hounsfield units where nodules are to be found here."
        )
        self.selector.setMRMLScene(slicer.mrmlScene)
        self.date = qt.QLineEdit()
        self.date.objectName = f"visitDate{number}"
        self.date.placeholderText = _("date: 2024-05-31")
        self.date.toolTip = _("When it was acquired. Filled in from DICOM; without dates no doubling time is given.")
        self.up = qt.QToolButton()
        self.up.objectName = f"visitUp{number}"
        self.up.text = "\N{UPWARDS ARROW}"
        self.up.toolTip = _("Exchange with the row above")
        self.remove = qt.QToolButton()
        self.remove.objectName = f"visitRemove{number}"
        self.remove.text = "\N{MULTIPLICATION SIGN}"
        self.remove.toolTip = _("Take this visit off the list")
        self.lesions = LesionsLine(number, lambda choice: visits.onLesions(index, choice))
        both = qt.QVBoxLayout(self.widget)
        both.setContentsMargins(0, 0, 0, 0)
        both.setSpacing(2)
        first = qt.QWidget()
        both.addWidget(first)
        both.addWidget(self.lesions.widget)
        layout = qt.QHBoxLayout(first)
        layout.setContentsMargins(0, 0, 0, 0)
        for part, stretch in ((self.number, 0), (self.selector, 3), (self.date, 2), (self.up, 0), (self.remove, 0)):
            layout.addWidget(part, stretch)
        self.selector.connect("currentNodeChanged(vtkMRMLNode*)", lambda node: visits.onVolume(index))
        self.date.connect("textEdited(QString)", lambda text: visits.onDate())
        self.up.connect("clicked(bool)", lambda checked: visits.onUp(index))
        self.remove.connect("clicked(bool)", lambda checked: visits.onRemove(index))


def known_date(node):
    """Return the date of a volume's study as text, empty where the scene does not know it."""
    if node is None:
        return ""
    from AIImagingLogic.scene.volume_info import acquisition_time

    return text_from_date(acquisition_time(node))


def loaded_visits(chosen, lesionsGiven=False):
    """Return (volume, date) of the volumes of the scene that could be visits of the patient and are not chosen yet.

    Parameters
    ----------
    chosen : volume nodes; with them the patient is known
    lesionsGiven : of any modality, then, that of the chosen ones; else CT is preferred

    Raises
    ------
    SceneError
        Volumes of several patients are loaded, and none is chosen yet; or there is none to add.
    """
    from AIImagingLogic.records.errors import SceneError
    from AIImagingLogic.scene.volume_info import facts_of_volume_node

    found = slicer.util.getNodesByClass(_VOLUME)
    found = [
        node for node in found if node.GetClassName() == "vtkMRMLScalarVolumeNode" and not node.GetHideFromEditors()
    ]
    wanted = {facts_of_volume_node(node)["modality"] for node in chosen} if lesionsGiven and chosen else {"CT"}
    alike = [node for node in found if facts_of_volume_node(node)["modality"] in wanted]
    offered = alike or found
    patients = {_patient(node) for node in (chosen or offered)}
    if len(patients) > 1 and not chosen:
        raise SceneError(_("Volumes of several patients are loaded."), _("Choose the first visit."))
    new = [node for node in offered if node not in chosen and _patient(node) in patients]
    if not new:
        raise SceneError(_("There is no other such image of the patient in the scene."), _("Load it first."))
    return [(node, known_date(node)) for node in new]


def _patient(node):
    """Return the subject hierarchy's item of the patient that a volume belongs to, 0 where it names none."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.GetItemByDataNode(node) if hierarchy is not None else 0
    if not item:
        return 0
    return hierarchy.GetItemAncestorAtLevel(item, slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMLevelPatient())
