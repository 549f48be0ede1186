"""Which models are on this computer, and where; cheap enough for a panel that opens."""

from __future__ import annotations

from pathlib import Path

from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.store.layout import FILES, MANIFEST, Layout, default_folder
from AIImagingLogic.models.store.manifest import StoredModel, read_stored
from AIImagingLogic.records.errors import ModelError


def installed(card: ModelCard, folder: Path | None = None) -> Path | None:
    """Return the folder with the package of `card`, or None when it is not on this computer.

    Names and sizes of the files are compared with what was stored; hashes only by `ModelStore.verify`.

    Parameters
    ----------
    card : ModelCard
        Its id and version count.
    folder : Path, optional
        Of the store; without it $AIIMAGING_MODELS, else the user's cache.
    """
    stored = find_stored(Layout(folder or default_folder()), card.id, card.version)
    return stored.folder if stored else None


def find_stored(layout: Layout, model_id: str, version: str) -> StoredModel | None:
    """Return the package of a model, or None when it is not there or not whole."""
    package = layout.package(model_id, version)
    if not (package / MANIFEST).is_file():
        return None
    try:
        stored = read_stored(package)
    except ModelError:
        return None
    card = stored.card
    whole = (card.id, card.version) == (model_id, version) and all(
        (stored.folder / file.path).is_file() and (stored.folder / file.path).stat().st_size == file.size
        for file in stored.manifest.files
    )
    return stored if whole else None


def package_folders(layout: Layout) -> list[Path]:
    """Return the folder of every package of the store, whole or not, by id and version."""
    return sorted(path for path in layout.packages.glob("*/*") if (path / FILES).is_dir() or (path / MANIFEST).exists())
