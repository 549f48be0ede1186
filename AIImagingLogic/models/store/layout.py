"""Where the store keeps what: packages, parts of downloads, locks, and what it remembers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from AIImagingLogic.models.store.safe_path import safe_id
from AIImagingLogic.records.user_folders import cache_folder

if TYPE_CHECKING:
    from AIImagingLogic.models.card import ModelCard

MANIFEST = "manifest.json"
FILES = "files"


def default_folder() -> Path:
    """Return $AIIMAGING_MODELS, else a folder in the user's cache."""
    return Path(os.environ.get("AIIMAGING_MODELS") or cache_folder() / "models")


@dataclass(frozen=True)
class Layout:
    """The folders of one store.

    Attributes
    ----------
    root : of the store; every path lies in it
    """

    root: Path

    @property
    def packages(self) -> Path:
        """``<id>/<version>/`` with a manifest and the files of each model that is whole."""
        return self.root / "packages"

    @property
    def partial(self) -> Path:
        """Downloads that are not whole yet."""
        return self.root / "partial"

    @property
    def building(self) -> Path:
        """Packages that are being put together; what lies here belongs to a process, or to one that died."""
        return self.root / "building"

    @property
    def hashes(self) -> Path:
        """Hash and size of each address when it was first fetched."""
        return self.root / "hashes.json"

    @property
    def licences(self) -> Path:
        """Which licences the user accepted."""
        return self.root / "licences.json"

    def package(self, model_id: str, version: str) -> Path:
        """Return the folder of a package."""
        safe_id(model_id, version)
        return self.packages / model_id / version

    def package_of(self, card: ModelCard) -> Path:
        """Return the folder of the package of `card`."""
        return self.package(card.id, card.version)

    def lock(self, name: str) -> Path:
        """Return the lock file of a model id, or of what the store remembers."""
        return self.root / "locks" / f"{name}.lock"

    def part(self, url: str) -> Path:
        """Return where the download of `url` grows."""
        import hashlib  # not needed when a panel only lists

        return self.partial / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.part"

    def part_lock(self, url: str) -> Path:
        """Return the lock of the download of `url`, which two models may share."""
        return self.lock(self.part(url).stem)
