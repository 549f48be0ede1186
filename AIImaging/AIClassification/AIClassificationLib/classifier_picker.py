"""Two combo boxes: the classification models on this computer, and the classes of the chosen one."""

from slicer.i18n import tr as _


class ClassifierPicker:
    """Lists the models that are installed, the card of the chosen one, and its classes.

    Parameters
    ----------
    modelComboBox, classComboBox : qt.QComboBox
    cardLabel : qt.QLabel
        Shows what the chosen model is for and its limits; how to get one when there is none.
    onChosen : callable
        Told, without arguments, that the user chose a model or a class.
    """

    def __init__(self, modelComboBox, classComboBox, cardLabel, onChosen):
        self._modelComboBox, self._classComboBox, self._cardLabel = modelComboBox, classComboBox, cardLabel
        self._onChosen = onChosen
        self._models, self._classes = [], []
        self._filling = False
        modelComboBox.connect("currentIndexChanged(int)", self._onModel)
        classComboBox.connect("currentIndexChanged(int)", self._onClass)
        self.refresh()

    @property
    def modelId(self):
        """Id of the chosen model, empty when there is none."""
        return self._models[self._modelComboBox.currentIndex].card.id if self._models else ""

    @property
    def explainedClass(self):
        """Key of the class to explain, empty for the most probable one."""
        index = self._classComboBox.currentIndex - 1
        return self._classes[index].key if 0 <= index < len(self._classes) else ""

    def refresh(self):
        """Look again what is on this computer; the choice stays where it can."""
        from AIImagingLogic.models.installed_classifiers import installed_classifiers

        before = self.modelId, self.explainedClass
        self._filling = True
        try:
            self._models = list(installed_classifiers())
            self._modelComboBox.clear()
            for model in self._models:
                self._modelComboBox.addItem(model.card.name, model.card.id)
            self._modelComboBox.enabled = bool(self._models)
            self._showModel()
        finally:
            self._filling = False
        self.choose(*before)

    def choose(self, modelId, explainedClass):
        """Choose a model and a class; what is not there leaves the choice as it is."""
        self._filling = True
        try:
            for index, model in enumerate(self._models):
                if model.card.id == modelId:
                    self._modelComboBox.currentIndex = index
                    self._showModel()
            for index, concept in enumerate(self._classes):
                if concept.key == explainedClass:
                    self._classComboBox.currentIndex = index + 1
        finally:
            self._filling = False

    def _onModel(self, index):
        if self._filling:
            return
        self._filling = True
        try:
            self._showModel()
        finally:
            self._filling = False
        self._onChosen()

    def _onClass(self, index):
        if not self._filling:
            self._onChosen()

    def _showModel(self):
        """Show card and classes of the chosen model."""
        from AIImagingLogic.models.installed_classifiers import classes_of

        self._classes = []
        self._classComboBox.clear()
        self._classComboBox.addItem(_("Most probable class"), "")
        if not self._models:
            self._cardLabel.text = _(
                "No classification model is on this computer. Fetch one in the module AI Models, or bring your own: "
                "aiimaging models import FOLDER --card CARD.json. Nothing is fetched without your asking."
            )
            self._cardLabel.toolTip = ""
            return
        model = self._models[self._modelComboBox.currentIndex]
        self._classes = list(classes_of(model))
        for concept in self._classes:
            self._classComboBox.addItem(concept.name, concept.key)
        card = model.card
        self._cardLabel.text = card.intended_use
        limits = "".join(f"<li>{limit}</li>" for limit in card.limits)
        self._cardLabel.toolTip = _(
            "<p>Limits:</p><ul>{limits}</ul><p>Licence: {licence}</p><p>Tested on: {tested}</p>"
        ).format(limits=limits, licence=card.licence, tested=card.tested_on)
