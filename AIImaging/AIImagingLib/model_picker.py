"""A combo box with the models for a task, and the card of the chosen one in a few words."""

from slicer.i18n import tr as _


class ModelPicker:
    """Fills a combo box from the catalogue.

    Parameters
    ----------
    comboBox : qt.QComboBox
    cardLabel : qt.QLabel
        Shows what the chosen model is for and its limits.
    task : str
        Such as ``segment``.
    onChosen : callable
        Told the id of the model that the user chose.
    """

    def __init__(self, comboBox, cardLabel, task, onChosen):
        from AIImagingLogic.models.catalogue import model_card, model_ids

        self._comboBox = comboBox
        self._cardLabel = cardLabel
        self._onChosen = onChosen
        self._cards = [model_card(model) for model in model_ids(task)]
        for card in self._cards:
            comboBox.addItem(card.name, card.id)
        comboBox.connect("currentIndexChanged(int)", self._onIndexChanged)
        self._showCard()

    @property
    def modelId(self):
        return self._cards[self._comboBox.currentIndex].id

    def choose(self, modelId):
        """Choose a model by its id; one that the catalogue does not have leaves the choice as it is."""
        for index, card in enumerate(self._cards):
            if card.id == modelId:
                self._comboBox.currentIndex = index

    def _onIndexChanged(self, index):
        self._showCard()
        self._onChosen(self.modelId)

    def _showCard(self):
        card = self._cards[self._comboBox.currentIndex]
        self._cardLabel.text = card.intended_use
        limits = "".join(f"<li>{limit}</li>" for limit in card.limits)
        self._cardLabel.toolTip = _("<p>Limits:</p><ul>{limits}</ul><p>Tested on: {tested}</p>").format(
            limits=limits, tested=card.tested_on
        )
