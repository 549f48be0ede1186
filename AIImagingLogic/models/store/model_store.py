"""The store: get, import, verify, remove and pack models."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.store.building import building
from AIImagingLogic.models.store.disk_use import DiskUse, disk_use_of, size_of
from AIImagingLogic.models.store.layout import Layout, default_folder
from AIImagingLogic.models.store.licences import AcceptLicence, is_accepted, require_licence
from AIImagingLogic.models.store.lock import locked
from AIImagingLogic.models.store.manifest import Manifest, StoredModel, problems_of, read_stored
from AIImagingLogic.models.store.part_file import PartFile
from AIImagingLogic.models.store.whereabouts import find_stored, package_folders
from AIImagingLogic.records.atomic_files import output_error
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress

if TYPE_CHECKING:
    from AIImagingLogic.models.store.web import Web


class ModelStore:
    """The models of the user on this computer. Several processes may use one store at once.

    Parameters
    ----------
    folder : Path, optional
        Of the store; without it $AIIMAGING_MODELS, else the user's cache.
    web : Web, optional
        For tests with a server of their own.
    pause_s : float
        Seconds before a broken download is tried again; doubled for each further try.
    """

    def __init__(self, folder: Path | None = None, web: Web | None = None, pause_s: float = 1.0) -> None:
        self.layout = Layout(folder or default_folder())
        self._web = web
        self._pause_s = pause_s

    def installed(self, card: ModelCard) -> Path | None:
        """Return the folder with the package of `card`, or None when it is not on this computer."""
        stored = self.find(card)
        return stored.folder if stored else None

    def find(self, card: ModelCard) -> StoredModel | None:
        """Return the package of `card`, or None when it is not on this computer or not whole."""
        return find_stored(self.layout, card.id, card.version)

    def models(self) -> tuple[StoredModel, ...]:
        """Return every package that is whole, by id and version."""
        found = [find_stored(self.layout, path.parent.name, path.name) for path in package_folders(self.layout)]
        return tuple(stored for stored in found if stored)

    def licence_is_accepted(self, card: ModelCard) -> bool:
        """Return True when `get` would not ask for the licence of `card`."""
        return is_accepted(self.layout, card)

    def get(
        self, card: ModelCard, accept_licence: AcceptLicence, progress: Progress, accept_changed: bool = False
    ) -> StoredModel:
        """Return the package of `card`; fetch it when it is not on this computer. The only use of the network.

        Parameters
        ----------
        card : ModelCard
        accept_licence : callable
            Asked once for each licence, before anything is fetched.
        progress : Progress
        accept_changed : bool
            Take a file for which no hash is published although another one came from its address before.

        Raises
        ------
        ModelError
            The card names no address; the licence was not accepted; the server refuses, cannot be reached or sends
            another file than the card names. What came of an unbroken file is kept and gone on with the next time.
        OutputError
            The disk has no room or is gone.
        Cancelled
            The user cancelled.
        """
        if stored := self.find(card):
            return stored
        # Here, since a panel that only asks what is installed should not pay for what speaks with the web.
        from AIImagingLogic.models.store.fetch_package import check_downloads, fetch_package
        from AIImagingLogic.models.store.web import Web

        web = self._web or Web()
        if not card.downloads:
            where = "comes with AI Imaging" if card.source == "builtin" else "has no public address"
            raise ModelError(f"The model '{card.id}' {where}; there is nothing to fetch.", "Import its files by hand.")
        check_downloads(card)
        require_licence(self.layout, card, accept_licence, progress)
        with building(self.layout, card.id, progress) as package:
            # Another process may have fetched it while this one waited.
            if stored := self.find(card):
                return stored
            files = fetch_package(card, package.files, self.layout, web, self._pause_s, accept_changed, progress)
            return package.place(Manifest(card, files, "download"))

    def import_path(self, source: Path, card: ModelCard, progress: Progress) -> StoredModel:
        """Copy a folder, zip archive or file that the user brings into the store, in place of an earlier one.

        Raises
        ------
        ModelError
            `source` is no package, is not the one that the card names, or the model is built in.
        OutputError
            The disk has no room or is gone.
        """
        from AIImagingLogic.models.store.take_in import take_in

        _refuse_built_in(card)
        with building(self.layout, card.id, progress) as package:
            files = take_in(source, card, package.files, progress)
            return package.place(Manifest(card, files, "import"))

    def verify(self, model_id: str, progress: Progress) -> tuple[str, ...]:
        """Read every file of a model again; return what is wrong, one line each, empty when all is well.

        Raises
        ------
        ModelError
            It is not on this computer.
        """
        problems: list[str] = []
        folders = self._folders_of(model_id)
        for number, folder in enumerate(folders):
            part = progress.part(number / len(folders), (number + 1) / len(folders))
            try:
                problems += problems_of(read_stored(folder), part)
            except ModelError as error:
                problems.append(error.what)
        return tuple(problems)

    def remove(self, model_id: str, progress: Progress) -> int:
        """Delete a model in all versions, whole or not, and return how many bytes became free.

        Raises
        ------
        ModelError
            It is not on this computer.
        OutputError
            A file is in use.
        """
        with locked(self.layout.lock(model_id), progress):
            folders = self._folders_of(model_id)
            freed = sum(size_of(folder) for folder in folders)
            for folder in folders:
                _delete(folder)
            with contextlib.suppress(OSError):
                folders[0].parent.rmdir()
        return freed

    def remove_unfinished(self, progress: Progress) -> int:
        """Delete what came of downloads that are not whole, and return how many bytes became free."""
        freed = size_of(self.layout.partial)
        for part in sorted(self.layout.partial.glob("*.part")):
            with locked(self.layout.lock(part.stem), progress):
                PartFile(part).remove()
        return freed - size_of(self.layout.partial)

    def disk_use(self) -> DiskUse:
        """Return what the store takes on the disk."""
        return disk_use_of(self.layout)

    def export_pack(self, cards: Sequence[ModelCard], path: Path, progress: Progress) -> None:
        """Write models into one file, for a computer without a network.

        Raises
        ------
        ModelError
            One is not on this computer or is damaged.
        OutputError
            `path` cannot be written.
        """
        from AIImagingLogic.models.store.pack import write_pack

        models = []
        for card in cards:
            stored = self.find(card)
            if stored is None:
                raise ModelError(f"'{card.id}' is not on this computer.", "Get it first.")
            models.append(stored)
        write_pack(models, path, progress)

    def import_pack(self, path: Path, accept_licence: AcceptLicence, progress: Progress) -> tuple[StoredModel, ...]:
        """Take in the models of a pack. Those before a damaged one stay.

        Raises
        ------
        ModelError
            It is no pack or damaged; a licence was not accepted; it brings a built-in model.
        OutputError
            The disk has no room or is gone.
        """
        from AIImagingLogic.models.store.pack import Pack

        stored = []
        with Pack(path) as pack:
            for manifest in pack.manifests:
                _refuse_built_in(manifest.card)
                require_licence(self.layout, manifest.card, accept_licence, progress)
            for number, manifest in enumerate(pack.manifests):
                part = progress.part(number / len(pack.manifests), (number + 1) / len(pack.manifests))
                with building(self.layout, manifest.card.id, part) as package:
                    pack.unpack(manifest, package.files, part)
                    stored.append(package.place(replace(manifest, origin="pack")))
        return tuple(stored)

    def _folders_of(self, model_id: str) -> list[Path]:
        folders = [path for path in package_folders(self.layout) if path.parent.name == model_id]
        if not folders:
            raise ModelError(
                f"'{model_id}' is not on this computer.", "'aiimaging models list --installed' shows what is."
            )
        return folders


def _refuse_built_in(card: ModelCard) -> None:
    from AIImagingLogic.models.catalogue import model_ids

    if card.source == "builtin" or card.id in model_ids():
        raise ModelError(f"'{card.id}' is a built-in model.", "It needs no files; give yours another id.")


def _delete(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise output_error(folder, error) from error
