"""What the store takes on the disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from AIImagingLogic.models.store.layout import Layout
from AIImagingLogic.models.store.whereabouts import package_folders


@dataclass(frozen=True)
class PackageUse:
    """What a package takes: bytes; `id` and `version` of its model."""

    id: str
    version: str
    size: int


@dataclass(frozen=True)
class DiskUse:
    """What a store takes: its packages, and bytes of downloads that are not whole."""

    packages: tuple[PackageUse, ...]
    unfinished: int

    @property
    def size(self) -> int:
        """Bytes of all."""
        return self.unfinished + sum(use.size for use in self.packages)


def disk_use_of(layout: Layout) -> DiskUse:
    """Return what a store takes on the disk."""
    folders = package_folders(layout)
    packages = tuple(PackageUse(path.parent.name, path.name, size_of(path)) for path in folders)
    return DiskUse(packages, size_of(layout.partial) + size_of(layout.building))


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder; 0 when there is none."""
    if path.is_file():
        return path.stat().st_size
    return sum(item.lstat().st_size for item in path.rglob("*") if not item.is_dir())
