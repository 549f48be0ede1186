"""Which model corrects: the one that comes with AI Imaging, or an interactive model that the user has."""

from slicer.i18n import tr as _

_BUILT_IN = "prompted-outline"


class EngineChoice:
    """The list of engines, shown only where there is something to choose, and the licence of the chosen one.

    Parameters
    ----------
    ui : widgets of the effect
    changed : called when another one is chosen

    Attributes
    ----------
    chosen : id of the chosen model
    """

    def __init__(self, ui, changed):
        self._ui, self._changed = ui, changed
        self._models = {}
        self.chosen = _BUILT_IN
        ui.engineBox.connect("currentIndexChanged(int)", self._on_chosen)
        self._fill()

    def look(self):
        """Look which models are on this computer now; the choice stays where it can."""
        from AIImagingLogic.models.interactive.presence import interactive_models

        found = {model.id: model for model in interactive_models()}
        if found != self._models:
            self._models = found
            self._fill()

    def close(self):
        """Listen no more."""
        self._ui.engineBox.disconnect("currentIndexChanged(int)", self._on_chosen)

    def _fill(self):
        box = self._ui.engineBox
        was_blocked = box.blockSignals(True)
        box.clear()
        box.addItem(_("Outline by clicks (comes with AI Imaging)"))
        for model in self._models.values():
            box.addItem(f"{model.name} ({model.licence})")
        if self.chosen not in self._models:
            self.chosen = _BUILT_IN
        box.currentIndex = [_BUILT_IN, *self._models].index(self.chosen)
        box.blockSignals(was_blocked)
        self._show()

    def _on_chosen(self, number):
        self.chosen = [_BUILT_IN, *self._models][max(0, number)]
        self._show()
        self._changed()

    def _show(self):
        for widget in (self._ui.engineBox, self._ui.engineLabel, self._ui.licenceLabel):
            widget.visible = bool(self._models)
        model = self._models.get(self.chosen)
        said = _("Licence: {licence}. Stated at {source}.")
        text = _("Licence: Apache-2.0.") if model is None else ""
        self._ui.licenceLabel.text = text or said.format(licence=model.licence, source=model.licence_source)
