"""The inputs of a model after the first: what they are called, which volumes are chosen, and a selector for each."""

import qt
import slicer
from slicer.i18n import tr as _

_OBJECT_NAME = "furtherInput{number}Selector"


def inputNames(modelId):
    """Return the names of a model's inputs, in order, as its card has them; none when the model is not known here."""
    from AIImagingLogic.models.listing import listed_card
    from AIImagingLogic.records.errors import ModelError

    try:
        return tuple(listed_card(modelId).inputs)
    except ModelError:
        return ()


def furtherKeys(names):
    """Return under which keys the parameters keep the volumes of the inputs `names` after the first.

    Place and name together: with another model a volume stays chosen only where it means the same.
    """
    return [f"{number}: {name}" for number, name in enumerate(names[1:], start=2)]


def chosenVolumes(parameters, names):
    """Return the volume that is chosen for each input of `names` after the first, None where there is none."""
    held = parameters.furtherVolumes
    return [held.get(key) for key in furtherKeys(names)]


class FurtherInputs:
    """A labelled volume selector for each input after the first; the rows that a model does not need are hidden.

    Parameters
    ----------
    form : qt.QFormLayout
        Rows are put under its first, which is for the first input.
    onChosen : callable
        Told that a person chose another volume.
    """

    def __init__(self, form, onChosen):
        self._form = form
        self._onChosen = onChosen
        self._rows = []
        self._shown = 0
        self._filling = False

    @property
    def volumes(self):
        """The volume of each row on show, None where none is chosen."""
        return [selector.currentNode() for _label, selector in self._rows[: self._shown]]

    def show(self, names, volumes):
        """Show a row for each of `names` with its volume, and no other row."""
        self._filling = True
        try:
            while len(self._rows) < len(names):
                self._addRow()
            self._shown = len(names)
            for index, (label, selector) in enumerate(self._rows):
                wanted = index < self._shown
                label.visible = wanted
                selector.visible = wanted
                label.text = _("{name}:").format(name=names[index]) if wanted else ""
                selector.setCurrentNode(volumes[index] if wanted else None)
        finally:
            self._filling = False

    def _addRow(self):
        label = qt.QLabel()
        label.wordWrap = True
        selector = slicer.qMRMLNodeComboBox()
        selector.objectName = _OBJECT_NAME.format(number=len(self._rows) + 1)
        selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
        selector.showChildNodeTypes = False
        selector.noneEnabled = True
        selector.addEnabled = False
        selector.removeEnabled = False
        selector.toolTip = _("A further input of the model. One on another grid is resampled to that of the first.")
        selector.setMRMLScene(slicer.mrmlScene)
        selector.connect("currentNodeChanged(vtkMRMLNode*)", self._onNodeChanged)
        self._form.insertRow(1 + len(self._rows), label, selector)
        self._rows.append((label, selector))

    def _onNodeChanged(self, node):
        if not self._filling:
            self._onChosen()
