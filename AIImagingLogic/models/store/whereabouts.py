"""Which models are on this computer, and where; cheap enough for a panel that opens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from AIImagingLogic.models.store.layout import FILES, MANIFEST, Layout, default_folder
from AIImagingLogic.records.errors import ModelError

if TYPE_CHECKING:
    from AIImagingLogic.models.card import ModelCard
    from AIImagingLogic.models.store.manifest import StoredModel


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
    package = Layout(folder or default_folder()).package_of(card)
    return package / FILES if _size_when_whole(package) is not None else None


def installed_sizes(folder: Path | None = None) -> dict[tuple[str, str], int]:
    """Return the bytes of every package that is whole, by id and version; no card is decoded.

    Parameters
    ----------
    folder : Path, optional
        Of the store; without it $AIIMAGING_MODELS, else the user's cache.
    """
    layout = Layout(folder or default_folder())
    sizes = {(path.parent.name, path.name): _size_when_whole(path) for path in package_folders(layout)}
    return {key: size for key, size in sizes.items() if size is not None}


def find_stored(layout: Layout, model_id: str, version: str) -> StoredModel | None:
    """Return the package of a model, or None when it is not there or not whole."""
    from AIImagingLogic.models.store.manifest import read_stored

    package = layout.package(model_id, version)
    if _size_when_whole(package) is None:
        return None
    try:
        return read_stored(package)
    except ModelError:
        return None


def package_folders(layout: Layout) -> list[Path]:
    """Return the folder of every package of the store, whole or not, by id and version."""
    return sorted(path for path in layout.packages.glob("*/*") if (path / FILES).is_dir() or (path / MANIFEST).exists())


def _size_when_whole(package: Path) -> int | None:
    """Return the bytes of a package, or None when it is another's, damaged, or lacks a file."""
    try:
        data: Any = json.loads((package / MANIFEST).read_text(encoding="utf-8"))
        sizes = {str(file["path"]): int(file["size"]) for file in data["files"]}
        own = (data["card"]["id"], data["card"]["version"]) == (package.parent.name, package.name)
        whole = own and all((package / FILES / path).stat().st_size == size for path, size in sizes.items())
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return sum(sizes.values()) if whole else None
