"""The first tab: a table of the models and the card of the one that is chosen."""

import qt
from slicer.i18n import tr as _

from AIModelsLib.card_text import card_html, modality_name, task_name


class ModelsSection:
    """Fills the table once; the catalogue does not change while Slicer runs.

    Parameters
    ----------
    table : qt.QTableWidget
    browser : qt.QTextBrowser
    """

    def __init__(self, table, browser):
        from AIImagingLogic.models.catalogue import model_card, model_ids

        self._table = table
        self._browser = browser
        self._cards = [model_card(model) for model in model_ids()]
        titles = [_("Model"), _("Task"), _("Modality"), _("Anatomy"), _("Licence"), _("Version")]
        table.setColumnCount(len(titles))
        table.setHorizontalHeaderLabels(titles)
        table.setRowCount(len(self._cards))
        for row, card in enumerate(self._cards):
            texts = (card.name, task_name(card), modality_name(card), card.anatomy, card.licence, card.version)
            for column, text in enumerate(texts):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(card.intended_use)
                table.setItem(row, column, item)
        table.resizeColumnsToContents()
        table.connect("itemSelectionChanged()", self._onChosen)
        table.selectRow(0)
        self._onChosen()

    def _onChosen(self):
        row = self._table.currentRow()
        if row < 0 or not self._table.selectedItems():
            self._browser.setHtml(f"<p>{_('Choose a model to read its card.')}</p>")
        else:
            self._browser.setHtml(card_html(self._cards[row]))
