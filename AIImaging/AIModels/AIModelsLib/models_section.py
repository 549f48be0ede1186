"""The first tab: a list of the models, and the card of the one that is chosen."""

import qt
from slicer.i18n import tr as _

from AIModelsLib.card_text import card_html, licence_name, modality_name, state_text, task_name
from AIModelsLib.model_filters import ModelFilters

# Set once: columns that follow their content measure every cell again whenever one is set.
_WIDTHS = (170, 92, 62, 66)
# Letters of a name that its column surely shows.
_TWO_LINES = 30


class ModelsSection:
    """Lists models as the filters say, from the first `refresh` on.

    Parameters
    ----------
    ui : the widgets of the panel: modelsTable, cardBrowser and those of the filters
    onChosen : callable
        Called when another model was chosen, or none.
    """

    def __init__(self, ui, onChosen):
        self._table = ui.modelsTable
        self._browser = ui.cardBrowser
        self._onChosen = onChosen
        self._models = []
        self._shown = None
        titles = [_("Model"), _("State"), _("Task"), _("Modality"), _("Licence")]
        self._table.setColumnCount(len(titles))
        self._table.setHorizontalHeaderLabels(titles)
        for column, width in enumerate(_WIDTHS):
            self._table.setColumnWidth(column, width)
        self._filters = ModelFilters(ui, self.refresh)
        self._table.connect("itemSelectionChanged()", self._show)

    @property
    def chosen(self):
        """The chosen ListedModel, or None."""
        row = self._table.currentRow()
        return self._models[row] if 0 <= row < len(self._models) and self._table.selectedItems() else None

    @property
    def models(self):
        """The listed models, in the order of the rows."""
        return tuple(self._models)

    def refresh(self):
        """List the models anew; the choice stays when the chosen one is still listed."""
        before, models = self.chosen, self._filters.listed()
        if models != self._models or not models:
            self._models = models
            self._fill(before.card.id if before else "")
        self._show()

    def choose(self, modelId):
        """Choose a model by its id; nothing changes when it is not listed."""
        for row, listed in enumerate(self._models):
            if listed.card.id == modelId:
                self._table.selectRow(row)

    def _fill(self, chosen):
        table = self._table
        table.blockSignals(True)
        table.setRowCount(len(self._models))
        for row, listed in enumerate(self._models):
            card = listed.card
            texts = (card.name, state_text(listed), task_name(card), modality_name(card), licence_name(card))
            for column, text in enumerate(texts):
                table.setItem(row, column, qt.QTableWidgetItem(text))
            if len(card.name) > _TWO_LINES:
                table.item(row, 0).setToolTip(card.name)
        table.clearSelection()
        rows = [row for row, listed in enumerate(self._models) if listed.card.id == chosen]
        if rows:
            table.selectRow(rows[0])
        table.blockSignals(False)

    def _show(self):
        chosen = self.chosen
        if chosen is None:
            words = _("Choose a model to read its card.") if self._models else _("No model passes these filters.")
            self._browser.setHtml(f"<p>{words}</p>")
        elif chosen != self._shown:
            from AIImagingLogic.models.listing import listed_card

            self._browser.setHtml(card_html(listed_card(chosen.card.id), state_text(chosen)))
        self._shown = chosen
        self._onChosen()
