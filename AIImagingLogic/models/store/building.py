"""Packages that appear whole or not at all: put together aside, then moved into place."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator

from AIImagingLogic.models.store.layout import FILES, MANIFEST, Layout
from AIImagingLogic.models.store.lock import locked
from AIImagingLogic.models.store.manifest import Manifest, StoredModel
from AIImagingLogic.models.store.safe_path import safe_id
from AIImagingLogic.records.atomic_files import output_error
from AIImagingLogic.records.progress import Progress


class Building:
    """A package that is being put together by this process alone; `files` is the folder to fill."""

    def __init__(self, layout: Layout, model_id: str) -> None:
        self._layout = layout
        self._model_id = model_id
        self._folder = layout.building / model_id
        self._replaced = layout.building / f"{model_id}.replaced"
        self.files = self._folder / FILES

    def place(self, manifest: Manifest) -> StoredModel:
        """Move what was put together into the store, in place of an earlier package of that version.

        Raises
        ------
        OutputError
            The disk is full or gone, or a file of the earlier package is in use.
        """
        target = self._layout.package_of(manifest.card)
        text = json.dumps(manifest.to_json(), indent=1, ensure_ascii=False)
        try:
            (self._folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                self._replaced.mkdir()
                target.rename(self._replaced / target.name)
            self._folder.rename(target)
        except OSError as error:
            raise output_error(target, error) from error
        return StoredModel(manifest, target / FILES)

    def clear(self) -> None:
        """Delete what a process left that died, this one not excepted; give back a package that it had moved away."""
        if self._replaced.exists():
            for earlier in self._replaced.iterdir():
                target = self._layout.package(self._model_id, earlier.name)
                if not target.exists():
                    with contextlib.suppress(OSError):
                        earlier.rename(target)
        for folder in (self._folder, self._replaced):
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def building(layout: Layout, model_id: str, progress: Progress) -> Iterator[Building]:
    """Give a `Building` for the block; other processes that want the same model wait.

    Raises
    ------
    Cancelled
        The user gave up waiting.
    OutputError
        The store is not writable.
    """
    safe_id(model_id, "1.0.0")
    with locked(layout.lock(model_id), progress):
        package = Building(layout, model_id)
        package.clear()
        try:
            package.files.mkdir(parents=True)
        except OSError as error:
            raise output_error(package.files, error) from error
        try:
            yield package
        finally:
            package.clear()
