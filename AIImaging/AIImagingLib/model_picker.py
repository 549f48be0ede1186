"""A combo box with the models for a task that can be used now, and the card of the chosen one in a few words."""

from html import escape
from importlib.util import find_spec

from slicer.i18n import tr as _


class ModelPicker:
    """Offers the built-in models and the packages on this computer.

    Parameters
    ----------
    comboBox : qt.QComboBox
    cardLabel : qt.QLabel
        Shows what the chosen model is for and its limits, or why it cannot be used.
    task : str
        Such as ``segment``.
    onChosen : callable
        Told the id of the model that the user chose.
    """

    def __init__(self, comboBox, cardLabel, task, onChosen):
        self._comboBox = comboBox
        self._cardLabel = cardLabel
        self._task = task
        self._onChosen = onChosen
        self._offered = ()
        self._wanted = ""
        self._filling = False
        self.refresh()
        comboBox.connect("currentIndexChanged(int)", self._onIndexChanged)

    @property
    def modelId(self):
        """The id of the chosen model; of one that is not on this computer when such a one was asked for."""
        return self._wanted

    @property
    def problem(self):
        """Why the chosen model cannot be used here, empty when it can."""
        listed = self._chosen()
        if listed is None:
            return _("The model '{id}' is not on this computer. Get it in AI Models, or choose another one.").format(
                id=self._wanted
            )
        if listed.card.runs == "package" and find_spec("torch") is None:
            return _("This model needs PyTorch, which is not installed: see AI Models, Environment.")
        return ""

    def refresh(self):
        """Look again at what is on this computer; the choice stays."""
        from AIImagingLogic.models.listing import listed_models

        offered = tuple(listed for listed in listed_models(self._task) if listed.usable)
        if offered != self._offered:
            self._offered = offered
            self._fill()
        self.choose(self._wanted or offered[0].card.id)

    def choose(self, modelId):
        """Choose a model by its id; one that is not on this computer leaves the combo box without a choice."""
        self._wanted = modelId
        self._filling = True
        try:
            self._comboBox.currentIndex = self._comboBox.findData(modelId)
        finally:
            self._filling = False
        self._showCard()

    def _fill(self):
        self._filling = True
        try:
            self._comboBox.clear()
            built_in = [listed for listed in self._offered if listed.card.runs == "built-in"]
            packages = [listed for listed in self._offered if listed.card.runs != "built-in"]
            for listed in built_in:
                self._comboBox.addItem(listed.card.name, listed.card.id)
            if packages:
                self._comboBox.insertSeparator(len(built_in))
            for listed in packages:
                self._comboBox.addItem(_("{name} (installed)").format(name=listed.card.name), listed.card.id)
        finally:
            self._filling = False

    def _chosen(self):
        return next((listed for listed in self._offered if listed.card.id == self._wanted), None)

    def _onIndexChanged(self, index):
        if self._filling or index < 0:
            return
        self._wanted = self._comboBox.itemData(index)
        self._showCard()
        self._onChosen(self._wanted)

    def _showCard(self):
        from AIImagingLogic.models.listing import listed_card

        listed = self._chosen()
        if listed is None:
            self._cardLabel.text = self.problem
            self._cardLabel.toolTip = ""
            return
        card = listed_card(listed.card.id)
        self._cardLabel.text = "\n".join(line for line in (card.intended_use, self.problem) if line)
        limits = "".join(f"<li>{escape(limit)}</li>" for limit in card.limits)
        self._cardLabel.toolTip = _("<p>Limits:</p><ul>{limits}</ul><p>Tested on: {tested}</p>").format(
            limits=limits, tested=escape(card.tested_on)
        )
