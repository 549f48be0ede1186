"""The files that the user brings: a model's package, and the card of a model of his own."""

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _


def ask_for_package(folder):
    """Ask for a model's folder, or for its archive or single file; return the path, empty when the user gave none."""
    window = slicer.util.mainWindow()
    if folder:
        return qt.QFileDialog.getExistingDirectory(window, _("Folder of the model"), "")
    return qt.QFileDialog.getOpenFileName(window, _("Zip archive or file of the model"), "", "")


def ask_for_card():
    """Ask for the card of a model of the user's own; return it, None when the user gave none.

    Raises
    ------
    ModelError
        The file is no card.
    """
    from AIImagingLogic.models.card_file import read_card

    path = qt.QFileDialog.getOpenFileName(
        slicer.util.mainWindow(), _("Card of the model"), "", _("Model cards (*.json)")
    )
    return read_card(Path(path)) if path else None
