"""Which packages are missing, by purpose, outside our ranges, or unfit for one another; seen without loading any."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from AIImagingLogic.inference.environment_folders import InstalledPackage, has_module
from AIImagingLogic.inference.environment_installation import Installation, Purpose, WantedPackage, purposes
from AIImagingLogic.inference.environment_report import EnvironmentNotes, Repair, Severity
from AIImagingLogic.inference.environment_versions import (
    applies_here,
    can_compare,
    canonical_name,
    is_met,
    requirement_name,
)

# What many packages share; a version that one of them cannot use is worth a word even when the package is not ours.
_SHARED = ("numpy", "torch")
_NAMED = 4


def look_at_requirements(notes: EnvironmentNotes, installation: Installation) -> None:
    """Note what is there for each purpose, what is missing, and what does not fit."""
    if not can_compare():
        notes.finding(
            "no-packaging",
            Severity.WARNING,
            "The package 'packaging' is missing, so versions were not compared.",
            "Versions that do not fit one another stay unseen.",
            "Install packaging.",
            Repair.INSTALL,
            ("packaging",),
        )
    _note_purposes(notes, installation)
    _note_conflicts(notes, installation)


def _note_purposes(notes: EnvironmentNotes, installation: Installation) -> None:
    for purpose in purposes():
        for package in purpose.packages:
            _note_version(notes, installation, package)
        missing = [package for package in purpose.packages if not installation.is_there(package)]
        if missing and purpose.offered:
            _note_missing(notes, installation, purpose, missing)


def _note_version(notes: EnvironmentNotes, installation: Installation, wanted: WantedPackage) -> None:
    package = installation.installed.get(wanted.name)
    if package is None:
        notes.fact("Packages", wanted.title, "there" if installation.is_there(wanted) else "not installed")
        return
    notes.fact("Packages", wanted.title, package.version)
    if package.fault or is_met(wanted.requirement, package.version):
        return
    advice, repair, targets = installation.reinstallation(wanted)
    if repair is Repair.REINSTALL:
        advice, repair = f"Install {wanted.requirement}.", Repair.INSTALL
    notes.finding(
        "out-of-range",
        Severity.WARNING,
        f"{wanted.title} {package.version} is outside the range that AI Imaging is made for ({wanted.requirement}).",
        "It may lack what we call, and was not tested.",
        advice,
        repair,
        targets,
    )


def _note_missing(
    notes: EnvironmentNotes, installation: Installation, purpose: Purpose, missing: Sequence[WantedPackage]
) -> None:
    # What stands on torch would bring a torch of pip's choice along: it comes after torch.
    names = [package.title for package in missing]
    ready = [package for package in missing if package.after not in names]
    advice, repair = f"Install {', '.join(package.requirement for package in ready)}.", Repair.INSTALL
    if any(package.by_pytorch_extension for package in ready):
        repair = Repair.INSTALL_TORCH
    severity = Severity.PROBLEM if purpose.needed else Severity.NOTE
    targets: tuple[str, ...] = tuple(package.requirement for package in ready)
    if installation.in_slicer and any(package.in_slicer for package in missing):
        notes.finding(
            "missing",
            severity,
            f"{purpose.name}: {_listed(names)} missing.",
            purpose.without,
            "They come with Slicer: install Slicer again.",
        )
        return
    what = f"{purpose.name}: {_listed(names)} {_are(names)} not installed."
    notes.finding("missing", severity, what, purpose.without, advice, repair, targets)


def _note_conflicts(notes: EnvironmentNotes, installation: Installation) -> None:
    for package in installation.packages:
        ours = package.canonical in installation.wanted
        lacking = []
        for requirement in package.requires:
            name = canonical_name(requirement_name(requirement))
            other = installation.installed.get(name)
            if not ours and name not in _SHARED:
                continue
            if other is not None:
                if not other.fault and not is_met(requirement, other.version):
                    _note_conflict(notes, installation, package, _asked(requirement), other)
            elif ours and applies_here(requirement) and not _is_importable(name, installation):
                lacking.append(_asked(requirement))
        if lacking and not package.fault:
            _note_lacking(notes, installation, package, tuple(lacking))


def _is_importable(name: str, installation: Installation) -> bool:
    return any(has_module(module, installation.folders) for module in (name, name.replace("-", "_")))


def _asked(requirement: str) -> str:
    return requirement.split(";")[0].strip()


def _note_lacking(
    notes: EnvironmentNotes, installation: Installation, package: InstalledPackage, lacking: tuple[str, ...]
) -> None:
    names = [requirement_name(requirement) for requirement in lacking]
    if len(names) > _NAMED:
        names = [*names[: _NAMED - 1], f"{len(names) - _NAMED + 1} more"]
    advice, repair, targets = f"Install {', '.join(lacking)}.", Repair.INSTALL, lacking
    if installation.wanted[package.canonical].by_pytorch_extension:
        advice, repair, targets = "Install torch and torchvision again, together.", Repair.REINSTALL_TORCH, ()
    notes.finding(
        "dependency-missing",
        Severity.WARNING,
        f"{package.name} {package.version} needs {_listed(names)}, which {_are(lacking)} not installed.",
        f"{package.name} may not load, or fail later.",
        advice,
        repair,
        targets,
    )


def _note_conflict(
    notes: EnvironmentNotes, installation: Installation, package: InstalledPackage, asked: str, other: InstalledPackage
) -> None:
    both_torch = {package.canonical, other.canonical} == {"torch", "torchvision"}
    wanted = installation.wanted.get(other.canonical)
    code: str = "version-conflict"
    repair: Repair | None = None
    targets: tuple[str, ...] = ()
    what = f"{package.name} {package.version} needs {asked}; installed is {other.name} {other.version}."
    why, advice = f"{package.name} may not load, or fail later.", f"Install a {package.name} that fits."
    if both_torch:
        code, repair = "torchvision-mismatch", Repair.REINSTALL_TORCH
        why = "torchvision works only with the torch it was built for; its operators are then missing."
        advice = "Install torch and torchvision again, together."
    elif other.canonical == "numpy":
        advice = f"Install a newer {package.name}. Do not install an older numpy: others need this one."
    elif wanted is None:
        advice, repair, targets = f"Install {asked}.", Repair.INSTALL, (asked,)
    notes.finding(code, Severity.WARNING, what, why, advice, repair, targets)


def _are(things: Sequence[object]) -> str:
    return "is" if len(things) == 1 else "are"


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
