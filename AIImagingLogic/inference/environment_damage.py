"""Packages that are only half there, there twice, or left behind; seen without loading any."""

from __future__ import annotations

from collections import defaultdict

from AIImagingLogic.inference.environment_folders import InstalledPackage, leftovers, remains_of
from AIImagingLogic.inference.environment_installation import Installation
from AIImagingLogic.inference.environment_names import without_names
from AIImagingLogic.inference.environment_report import EnvironmentNotes, Repair, Severity


def look_for_damage(notes: EnvironmentNotes, installation: Installation) -> None:
    """Note what interrupted installations and removals left."""
    _note_halves(notes, installation)
    _note_doubles(notes, installation)
    _note_leftovers(notes, installation)


def _note_halves(notes: EnvironmentNotes, installation: Installation) -> None:
    for package in installation.packages:
        if not package.fault:
            continue
        wanted = installation.wanted.get(package.canonical)
        what = f"{package.name} {package.version} is only half installed: {package.fault}.".replace("  ", " ")
        why = "An installation or removal was interrupted. pip takes the package for complete and will not mend it."
        if wanted is None:
            advice = f"AI Imaging does not use it, another extension may: install {package.name} again."
            notes.finding("half-installed", Severity.WARNING, what, why, advice)
        else:
            notes.finding("half-installed", Severity.PROBLEM, what, why, *installation.reinstallation(wanted))
    for wanted in installation.wanted.values():
        remains = remains_of(wanted.module, installation.folders)
        if remains is not None and wanted.name not in installation.installed:
            advice, repair, targets = installation.reinstallation(wanted)
            notes.finding(
                "half-removed",
                Severity.PROBLEM,
                f"Files of {wanted.title} were left behind in {without_names(str(remains))}.",
                "Python finds a package of that name that has nothing in it.",
                f"{advice} If that fails, delete the folder.",
                repair,
                targets,
            )


def _note_doubles(notes: EnvironmentNotes, installation: Installation) -> None:
    by_name: dict[str, list[InstalledPackage]] = defaultdict(list)
    for package in installation.packages:
        by_name[package.canonical].append(package)
    for name, packages in by_name.items():
        wanted = installation.wanted.get(name)
        versions = " and ".join(dict.fromkeys(package.version for package in packages))
        if len({package.folder for package in packages}) < len(packages):
            what = f"{packages[0].name} is registered more than once in one folder ({versions})."
            why = "Its files may be a mix of two versions, and pip cannot tell which one is there."
            if wanted is None:
                advice = f"Another extension may use it: install {name} again."
                notes.finding("two-versions", Severity.WARNING, what, why, advice)
            else:
                notes.finding("two-versions", Severity.PROBLEM, what, why, *installation.reinstallation(wanted))
        elif len(packages) > 1 and wanted is not None and " and " in versions:
            first = packages[0]
            notes.finding(
                "shadowed",
                Severity.WARNING,
                f"{first.name} is there more than once ({versions}); {first.version} in "
                f"{without_names(str(first.folder))} is the one in use.",
                "A package may have been tested with the other one.",
                "Remove the one that you did not mean to install.",
            )


def _note_leftovers(notes: EnvironmentNotes, installation: Installation) -> None:
    found = leftovers(installation.folders)
    if found:
        names = ", ".join(path.name for path in found[:5]) + (" and more" if len(found) > 5 else "")
        notes.finding(
            "leftovers",
            Severity.WARNING,
            f"Leftovers of interrupted installations: {names}.",
            "pip renamed these files in order to replace them and could not delete them, often because Slicer was "
            "using them. They take space and make pip print warnings.",
            "Delete them; if a file is in use, restart Slicer first.",
            Repair.REMOVE_LEFTOVERS,
            tuple(path.name for path in found),
        )
