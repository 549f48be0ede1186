"""What of the models a list shows: task, modality, a word of the anatomy, and where they stand."""

from slicer.i18n import tr as _

from AIModelsLib.card_text import MODALITIES, TASKS


class ModelFilters:
    """The filters above the list.

    Parameters
    ----------
    ui : the widgets of the panel: taskComboBox, modalityComboBox, anatomyLineEdit, stateComboBox
    onChanged : callable
        Called when the user changed one.
    """

    def __init__(self, ui, onChanged):
        self._ui = ui
        _fill(ui.taskComboBox, _("Every task"), TASKS)
        _fill(ui.modalityComboBox, _("Every modality"), MODALITIES)
        states = {"usable": _("Ready to use"), "here": _("On this computer"), "other": _("Not on this computer")}
        _fill(ui.stateComboBox, _("Every model"), states)
        for box in (ui.taskComboBox, ui.modalityComboBox, ui.stateComboBox):
            box.connect("currentIndexChanged(int)", lambda index: onChanged())
        ui.anatomyLineEdit.connect("textChanged(QString)", lambda text: onChanged())

    def listed(self):
        """Return the models (ListedModel) that pass, those that can be used first."""
        from AIImagingLogic.models.listing import listed_models

        word = self._ui.anatomyLineEdit.text.strip()
        task, modality = _chosen(self._ui.taskComboBox), _chosen(self._ui.modalityComboBox)
        models = listed_models(task or None, modality or None, word or None)
        state = _chosen(self._ui.stateComboBox)
        return sorted((listed for listed in models if _passes(listed, state)), key=_rank)


def _fill(box, everything, choices):
    box.addItem(everything, "")
    for key, text in choices.items():
        box.addItem(text, key)


def _chosen(box):
    return box.itemData(box.currentIndex)


def _passes(listed, state):
    return {"usable": listed.usable, "here": listed.here, "other": not listed.here}.get(state, True)


def _rank(listed):
    """Return where a model stands: built in, installed, to be installed, not to be run yet."""
    from AIImagingLogic.models.run_state import BUILT_IN, NOT_YET

    if listed.card.runs == BUILT_IN:
        return 0
    if listed.here:
        return 1
    return 3 if listed.card.runs == NOT_YET else 2
