"""What lies in the folders that Python imports from: packages, halves of them, leftovers. Only looks at files."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

from AIImagingLogic.inference.environment_versions import canonical_name

_CODE = {".py", ".so", ".pyd", ".dll", ".dylib"}
# Elsewhere on Python's path lie people's own files, which may have any name.
_PIP_FOLDERS = ("site-packages", "dist-packages")
# Slicer's installer leaves these folders out of the packages it brings, so their absence is no fault.
_NOT_SHIPPED = {"test", "tests", "__pycache__"}


@dataclass(frozen=True)
class InstalledPackage:
    """What the folder of metadata beside a package says.

    Attributes
    ----------
    name, version : as written there
    folder : the folder that holds the package
    metadata : the `.dist-info` or `.egg-info`
    requires : its requirements
    fault : why it is only half there, empty when it is whole
    """

    name: str
    version: str
    folder: Path
    metadata: Path
    requires: tuple[str, ...]
    fault: str

    @property
    def canonical(self) -> str:
        return canonical_name(self.name)


def installed_packages(folders: Sequence[Path]) -> tuple[InstalledPackage, ...]:
    """Return every package of `folders`, those of the folder that Python looks into first before the others."""
    found = []
    for folder in folders:
        for metadata in sorted(folder.iterdir()):
            # pip marks what it is about to remove with a tilde: a leftover, not a package.
            if metadata.suffix in (".dist-info", ".egg-info") and not metadata.name.startswith("~"):
                found.append(_installed_package(folder, metadata))
    return tuple(found)


def leftovers(folders: Sequence[Path]) -> tuple[Path, ...]:
    """Return what pip renamed in order to remove it and then left: names that begin with a tilde."""
    places = [folder for folder in folders if folder.name in _PIP_FOLDERS]
    return tuple(path for folder in places for path in sorted(folder.iterdir()) if path.name.startswith("~"))


def remains_of(module: str, folders: Sequence[Path]) -> Path | None:
    """Return the folder of a module that holds files but nothing that Python could import, None when there is none."""
    for folder in folders:
        path = folder / module
        if folder.name not in _PIP_FOLDERS or not path.is_dir() or any(path.glob("__init__.*")):
            continue
        if any(child.is_file() for child in path.rglob("*")):
            return path
    return None


def has_module(module: str, folders: Sequence[Path]) -> bool:
    """Return whether there is something to import under that name."""
    return any(any((folder / module).glob("__init__.*")) or (folder / f"{module}.py").is_file() for folder in folders)


def _installed_package(folder: Path, metadata: Path) -> InstalledPackage:
    text = _metadata_text(metadata)
    name, _, version = metadata.stem.partition("-")
    requires: tuple[str, ...] = ()
    fault = ""
    if not text.strip():
        fault = "its description (METADATA) is missing"
    else:
        headers = HeaderParser().parsestr(text)
        name, version = headers.get("Name", name), headers.get("Version", version)
        requires = tuple(str(value) for value in headers.get_all("Requires-Dist", []))
    if not fault and metadata.suffix == ".dist-info":
        fault = _fault_of_files(folder, metadata)
    return InstalledPackage(name, version, folder, metadata, requires, fault)


def _metadata_text(metadata: Path) -> str:
    files = (metadata / "METADATA", metadata / "PKG-INFO") if metadata.is_dir() else (metadata,)
    for file in files:
        if file.is_file():
            return file.read_text(encoding="utf-8", errors="replace")
    return ""


def _fault_of_files(folder: Path, metadata: Path) -> str:
    record = metadata / "RECORD"
    if not record.is_file():
        installer = metadata / "INSTALLER"
        by_pip = installer.is_file() and installer.read_text(encoding="utf-8", errors="replace").strip() == "pip"
        return "its list of files (RECORD) is missing" if by_pip else ""
    with record.open(encoding="utf-8", errors="replace", newline="") as lines:
        listed = [row[0] for row in csv.reader(lines) if row]
    code = [name for name in listed if _is_code_of_package(name)]
    missing = [name for name in code if not (folder / name).exists()]
    if not missing:
        return ""
    return f"{len(missing)} of its {len(code)} files are missing, such as {missing[0]}"


def _is_code_of_package(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    outside = parts[0] in ("..", "") or ":" in parts[0] or parts[0].endswith(".dist-info")
    return not outside and not _NOT_SHIPPED.intersection(parts) and Path(name).suffix in _CODE
