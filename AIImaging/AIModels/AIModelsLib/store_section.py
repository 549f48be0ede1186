"""The buttons under the list: fetch, import, verify, remove, pack and trust models; and what they take on the disk."""

import qt
import slicer
from AIImagingLib.error_display import error_line, show_error
from AIImagingLib.run_rows import RunRows
from slicer.i18n import tr as _

from AIModelsLib.imported_files import ask_for_card, ask_for_package
from AIModelsLib.store_questions import agrees_to_download, agrees_to_licences, agrees_to_removal, agrees_to_trust

_PACK = "the packs"
_UNFINISHED = "broken downloads"


class StoreSection:
    """What the user does with models on this computer; each run has a row with its Cancel.

    Parameters
    ----------
    ui : the widgets of the panel: downloadButton, importButton, verifyButton, removeButton, exportButton,
        importPackButton, trustButton, unfinishedButton, storeLabel, storeRunsWidget, diskLabel
    actions : StoreActions
    models : callable
        Returns the ModelsSection.
    title : str
        Of the module, for message boxes.
    """

    def __init__(self, ui, actions, models, title):
        self._ui = ui
        self._actions = actions
        self._models = models
        self._title = title
        self._runs = {}
        self._untrusted = {}
        self._rows = RunRows(ui.storeRunsWidget)
        self._say("")
        ui.downloadButton.connect("clicked(bool)", lambda checked: self._try(self._download))
        ui.verifyButton.connect("clicked(bool)", lambda checked: self._try(self._verify))
        ui.removeButton.connect("clicked(bool)", lambda checked: self._try(self._remove))
        ui.importPackButton.connect("clicked(bool)", lambda checked: self._try(self._readPack))
        ui.trustButton.connect("clicked(bool)", lambda checked: self._try(self._trust))
        ui.unfinishedButton.connect("clicked(bool)", lambda checked: self._try(self._removeUnfinished))
        self._menus = [
            self._addMenu(
                ui.importButton,
                (_("Folder of the chosen model…"), lambda: self._import(folder=True)),
                (_("Zip archive or file of the chosen model…"), lambda: self._import(folder=False)),
                (_("Folder of a model of your own…"), lambda: self._importOwn(folder=True)),
                (_("Zip archive or file of a model of your own…"), lambda: self._importOwn(folder=False)),
            ),
            self._addMenu(
                ui.exportButton,
                (_("The chosen model…"), lambda: self._export([self._chosenCard()])),
                (_("All models on this computer…"), lambda: self._export(self._storedCards())),
            ),
        ]

    def close(self):
        """Let go: runs go on, and the store keeps what they fetch."""
        self._runs.clear()
        self._rows.clear()

    def showChosen(self):
        """Enable what can be done with the chosen model, and say why the rest cannot."""
        chosen = self._models().chosen
        busy = chosen is not None and chosen.card.id in self._runs
        built_in = chosen is not None and chosen.card.source == "builtin"
        missing = _("Choose a model") if chosen is None else _("This model comes with AI Imaging") if built_in else ""
        missing = missing or (_("A run of this model is under way") if busy else "")
        fetched = chosen is not None and chosen.size is not None
        there = chosen is not None and (fetched or chosen.damaged or chosen.other_version)
        absent = missing or ("" if there else _("This model is not on this computer"))
        ui = self._ui
        _enable(
            ui.downloadButton, missing or self._whyNoDownload(chosen, fetched), _("Fetch the model. You are asked.")
        )
        _enable(ui.verifyButton, absent, _("Read its files again, compare them with their hashes, and try to open it."))
        _enable(ui.removeButton, absent, _("Delete the model from this computer. You are asked first."))
        unknown = _("Nothing to trust here. Verify finds out whether a model needs code of its own.")
        needs = chosen is not None and chosen.card.id in self._untrusted
        _enable(ui.trustButton, missing or ("" if needs else unknown), _("Let this very package run its own code."))
        chosen_import, chosen_zip = self._menus[0].actions()[:2]
        chosen_import.enabled = chosen_zip.enabled = not missing
        self._menus[1].actions()[0].enabled = not missing and fetched
        ui.importPackButton.enabled = ui.exportButton.enabled = _PACK not in self._runs

    def showDiskUse(self):
        """Say what models take on the disk, and where."""
        from AIImagingLogic.models.store.disk_space import size_text
        from AIImagingLogic.models.store.disk_use import disk_use_of
        from AIImagingLogic.models.store.layout import Layout

        use, folder = disk_use_of(Layout(_folder())), _folder()
        count = len(use.packages)
        words = _("No models") if not count else _("1 model") if count == 1 else _("{n} models").format(n=count)
        text = _("{words}, {size} in {folder}").format(words=words, size=size_text(use.size), folder=folder)
        if use.unfinished:
            text += "\n" + _("{size} of it are downloads that broke off; a new download goes on with them.").format(
                size=size_text(use.unfinished)
            )
        self._ui.diskLabel.text = text
        self._ui.unfinishedButton.visible = bool(use.unfinished)
        self._ui.unfinishedButton.enabled = not self._runs

    # What the buttons do.

    def _download(self):
        from AIImagingLogic.models.store.layout import Layout
        from AIImagingLogic.models.store.licences import is_accepted

        card = self._chosenCard()
        if agrees_to_download(card, _folder(), is_accepted(Layout(_folder()), card), self._title):
            self._follow(card.id, self._actions.download(card, licenceAccepted=True), self._installedText(card))
        else:
            self._say(_("Nothing was downloaded."))

    def _import(self, folder):
        card = self._chosenCard()
        path = ask_for_package(folder)
        if path:
            self._follow(card.id, self._actions.importPath(path, card), self._installedText(card))

    def _importOwn(self, folder):
        card = ask_for_card()
        path = ask_for_package(folder) if card is not None else ""
        if path:
            self._follow(card.id, self._actions.importPath(path, card), self._installedText(card))

    def _verify(self):
        card = self._chosenCard()
        self._untrusted.pop(card.id, None)
        self._follow(card.id, self._actions.verify(card), lambda answer: self._verifiedText(card, answer))

    def _remove(self):
        from AIImagingLogic.models.store.disk_space import size_text

        card = self._chosenCard()
        if agrees_to_removal(card.name, self._title):
            said = _("'{name}' was deleted; {size} became free.")
            self._follow(
                card.id,
                self._actions.remove(card),
                lambda answer: said.format(name=card.name, size=size_text(answer["freed"])),
            )

    def _removeUnfinished(self):
        from AIImagingLogic.models.store.disk_space import size_text

        said = _("{size} became free.")
        self._follow(
            _UNFINISHED, self._actions.removeUnfinished(), lambda answer: said.format(size=size_text(answer["freed"]))
        )

    def _export(self, cards):
        from AIImagingLogic.models.store.disk_space import size_text

        if not cards:
            self._say(_("There is no model on this computer to export."))
            return
        name = f"{cards[0].id}.zip" if len(cards) == 1 else "models.zip"
        path = qt.QFileDialog.getSaveFileName(
            slicer.util.mainWindow(), _("Export a pack"), name, _("Packs of models (*.zip)")
        )
        if path:
            said = _(
                "{path}: {size}. Import it on the other computer. Whether you may pass a model on, its licence says."
            )
            self._follow(
                _PACK,
                self._actions.exportPack(cards, path),
                lambda answer: said.format(path=path, size=size_text(answer["size"])),
            )

    def _readPack(self):
        path = qt.QFileDialog.getOpenFileName(
            slicer.util.mainWindow(), _("Import a pack"), "", _("Packs of models (*.zip)")
        )
        if path:
            self._follow(
                _PACK, self._actions.packContent(path), lambda answer: self._importPack(path, answer["models"])
            )

    def _importPack(self, path, models):
        if not agrees_to_licences([model for model in models if not model["accepted"]], self._title):
            return _("Nothing was imported.")
        run = self._actions.importPack(path, [model["id"] for model in models])
        self._follow(_PACK, run, lambda answer: _("Imported: {names}.").format(names=", ".join(answer["names"])))
        return ""

    def _trust(self):
        from AIImagingLogic.models.safety.trust import trust

        card = self._chosenCard()
        untrusted = self._untrusted[card.id]
        if agrees_to_trust(card.name, untrusted, self._title):
            trust(untrusted["hash"], card.name)
            self._verify()

    # Runs.

    def _follow(self, key, run, said):
        """Show a run until it has finished; `said` makes a sentence of its result."""
        self._runs[key] = run
        self._rows.add(run)
        self._say("")
        self.showChosen()
        run.on_finish(lambda finished: self._onFinished(key, finished, said))

    def _onFinished(self, key, run, said):
        if self._runs.get(key) is not run:
            return
        del self._runs[key]
        try:
            text = said(run.result) if run.error is None else self._failureText(run.error)
        # The last stop before the user: one line, and the log holds the rest.
        except Exception as error:  # noqa: BLE001
            text = show_error(error, self._title)
        self._say(text)
        self.refresh()

    def refresh(self):
        """Look again at what is on this computer."""
        self._models().refresh()
        self.showDiskUse()

    def _failureText(self, error):
        from AIImagingLogic.records.errors import Cancelled

        return error_line(error) if isinstance(error, Cancelled) else show_error(error, self._title)

    def _installedText(self, card):
        from AIImagingLogic.models.store.disk_space import size_text

        said = _("'{name}' is on this computer now: {size}.")
        return lambda answer: said.format(name=card.name, size=size_text(answer["size"]))

    def _verifiedText(self, card, answer):
        if answer["problems"]:
            said = _("'{name}' is damaged: {problems}. Remove it and get it again.")
            return said.format(name=card.name, problems="; ".join(answer["problems"]))
        if answer["untrusted"]:
            self._untrusted[card.id] = answer["untrusted"]
        said = _("The files of '{name}' are as they were stored.").format(name=card.name)
        refused = _("It cannot be used: {why}").format(why=answer["refusal"]) if answer["refusal"] else ""
        return f"{said} {refused}".strip()

    # The small things.

    def _say(self, text):
        self._ui.storeLabel.text = text
        self._ui.storeLabel.visible = bool(text)

    def _addMenu(self, button, *entries):
        menu = qt.QMenu(button)
        for text, action in entries:
            menu.addAction(text).connect("triggered()", lambda action=action: self._try(action))
        button.setMenu(menu)
        return menu

    def _whyNoDownload(self, chosen, fetched):
        if fetched:
            return _("It is on this computer already")
        if not self._chosenCard().downloads:
            return _("It has no public address. Import its files.")
        return ""

    def _chosenCard(self):
        from AIImagingLogic.models.listing import listed_card

        return listed_card(self._models().chosen.card.id)

    def _storedCards(self):
        from AIImagingLogic.models.listing import listed_models, stored_card

        return [stored_card(listed.card.id) for listed in listed_models() if listed.size is not None]

    def _try(self, action):
        try:
            action()
        # The last stop before the user: one line, and the log holds the rest.
        except Exception as error:  # noqa: BLE001
            self._say(show_error(error, self._title))


def _enable(button, missing, otherwise):
    button.enabled = not missing
    button.toolTip = missing or otherwise


def _folder():
    from AIImagingLogic.models.store.layout import default_folder

    return default_folder()
