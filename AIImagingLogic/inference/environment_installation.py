"""The packages of this Python beside those that AI Imaging has a use for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from AIImagingLogic.inference.environment_folders import has_module, installed_packages
from AIImagingLogic.inference.environment_report import Repair
from AIImagingLogic.inference.environment_versions import canonical_name, requirement_name
from AIImagingLogic.records.resources import load_resource

_DATA = "environment/packages.json"


@dataclass(frozen=True)
class WantedPackage:
    """A package of Resources/environment/packages.json: what we ask of it, and how it is installed.

    Attributes
    ----------
    requirement : such as ``torch>=2.4``
    module : what is imported
    probe : what is imported for trial, None when a look at its files is enough
    in_slicer : comes with Slicer
    by_pytorch_extension : in Slicer, only the PyTorch extension installs it
    after : the package that must be there first, None when none must
    """

    requirement: str
    module: str
    probe: str | None
    in_slicer: bool
    by_pytorch_extension: bool
    after: str | None

    @property
    def name(self) -> str:
        """The name as pip compares it."""
        return canonical_name(self.title)

    @property
    def title(self) -> str:
        """The name as it is written."""
        return requirement_name(self.requirement)


@dataclass(frozen=True)
class Purpose:
    """What some packages are for.

    Attributes
    ----------
    name : what for
    needed : whether no task runs without them
    offered : whether a user is told that they are missing; others are for developers
    without : what does not work without them
    packages : the packages
    """

    name: str
    needed: bool
    offered: bool
    without: str
    packages: tuple[WantedPackage, ...]


def purposes() -> tuple[Purpose, ...]:
    """Return what packages are for, in the order of importance."""
    return tuple(
        Purpose(
            name=entry["name"],
            needed=entry["needed"],
            offered=entry.get("offered", True),
            without=entry["without"],
            packages=tuple(_wanted(item) for item in entry["packages"]),
        )
        for entry in load_resource(_DATA)["purposes"]
    )


class Installation:
    """The packages that lie in some folders.

    Parameters
    ----------
    folders
        Where Python imports from, in its order.
    in_slicer
        Whether this is Slicer's Python.

    Attributes
    ----------
    packages : every one, also those that are only half there
    installed : by name; of two, the one that is imported
    wanted : what AI Imaging has a use for, by name
    """

    def __init__(self, folders: Sequence[Path], in_slicer: bool) -> None:
        self.folders = folders
        self.in_slicer = in_slicer
        self.packages = installed_packages(folders)
        self.installed = {package.canonical: package for package in reversed(self.packages)}
        wanted = [package for purpose in purposes() for package in purpose.packages]
        wanted += [_wanted(entry) for entry in load_resource(_DATA)["also_probed"]]
        self.wanted = {package.name: package for package in wanted}

    def is_there(self, wanted: WantedPackage) -> bool:
        """Return whether there is something to import, with metadata or without (Slicer builds some itself)."""
        return wanted.name in self.installed or has_module(wanted.module, self.folders)

    def reinstallation(self, wanted: WantedPackage) -> tuple[str, Repair | None, tuple[str, ...]]:
        """Return advice, repair and its targets for a package that has to be installed again."""
        if wanted.by_pytorch_extension:
            return "Install torch and torchvision again, together.", Repair.REINSTALL_TORCH, ()
        if wanted.in_slicer and self.in_slicer:
            return f"{wanted.title} comes with Slicer: install Slicer again.", None, ()
        return f"Install {wanted.title} again.", Repair.REINSTALL, (wanted.requirement,)


def _wanted(entry: Any) -> WantedPackage:
    return WantedPackage(
        entry["requirement"],
        entry["module"],
        entry.get("import", entry["module"]) if entry.get("compiled") else None,
        entry.get("in_slicer", False),
        entry.get("by_pytorch_extension", False),
        entry.get("after"),
    )


def protected_packages() -> tuple[str, ...]:
    """Return the packages that no installation may replace by an older one: Slicer's own, and torch's."""
    wanted = [package for purpose in purposes() for package in purpose.packages]
    wanted += [_wanted(entry) for entry in load_resource(_DATA)["also_probed"]]
    return tuple(package.title for package in wanted if package.in_slicer or package.by_pytorch_extension)
