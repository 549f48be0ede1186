"""The doctor: looks at this computer and its Python, and explains in plain words what is wrong and what to do."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from AIImagingLogic.inference.environment_damage import look_for_damage
from AIImagingLogic.inference.environment_gpu import TorchState, look_at_gpu
from AIImagingLogic.inference.environment_installation import Installation, WantedPackage
from AIImagingLogic.inference.environment_machine import look_at_machine
from AIImagingLogic.inference.environment_nvidia import look_for_nvidia
from AIImagingLogic.inference.environment_report import EnvironmentNotes, EnvironmentReport, Severity
from AIImagingLogic.inference.environment_requirements import look_at_requirements
from AIImagingLogic.inference.environment_trial import Explanation, Trial, explain, try_package
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.resources import load_resource

_OUTCOMES = {"fails": "does not load", "hangs": "hangs while it loads", "crashes": "crashes while it loads"}


def examine(
    probe: bool = True,
    progress: Progress | None = None,
    folders: Sequence[Path] | None = None,
    import_limit_s: float | None = None,
) -> EnvironmentReport:
    """Look at the computer, its Python and its packages.

    Nothing is imported here: packages are seen by their files, and loaded for trial in processes of their own, which
    cannot harm this one. Nothing is changed, and nothing is asked of the network.

    Parameters
    ----------
    probe
        Whether to load compiled packages for trial and to ask NVIDIA's driver. Without it the examination only looks
        at files and takes well under a second.
    progress
        Told what is looked at; asked whether the user cancelled.
    folders
        Where Python imports from; this Python's own path when None.
    import_limit_s
        How long one package may take to load; Resources/environment/limits.json says it when None.

    Returns
    -------
    EnvironmentReport
        The worst finding first. It names no user.

    Raises
    ------
    Cancelled
        The user cancelled.
    """
    progress = progress or Progress()
    notes = EnvironmentNotes()
    # PythonSlicer and Slicer both set it.
    in_slicer = "SLICER_HOME" in os.environ
    progress.report(0.0, "Looking at the computer")
    look_at_machine(notes)
    nvidia = look_for_nvidia(ask_driver=probe)
    progress.report(0.05, "Looking at installed packages")
    installation = Installation(_existing(sys.path if folders is None else folders), in_slicer)
    look_for_damage(notes, installation)
    look_at_requirements(notes, installation)
    trials: dict[str, Trial] = {}
    if probe:
        limit = load_resource("environment/limits.json")["import_limit_s"] if import_limit_s is None else import_limit_s
        search_path = list(sys.path) if folders is None else [*map(str, folders), *_standard_library()]
        trials = _try_all(installation, search_path, limit, progress.part(0.15, 1.0))
        for trial in trials.values():
            if trial.outcome != "works":
                _note_failure(notes, installation, trial)
    look_at_gpu(notes, nvidia, _torch_state(installation, trials.get("torch")))
    progress.report(1.0, "Done")
    return notes.report("3D Slicer" if in_slicer else "Python", probe)


def _existing(entries: Sequence[str | Path]) -> tuple[Path, ...]:
    """Return the folders among the entries of a path, each once."""
    folders = [Path(entry).resolve() for entry in entries if str(entry) and Path(entry).is_dir()]
    return tuple(dict.fromkeys(folders))


def _standard_library() -> list[str]:
    """Return the entries of Python's path that hold its own modules."""
    own = Path(os.__file__).parent
    return [
        entry
        for entry in sys.path
        if entry.endswith((".zip", "lib-dynload", "DLLs")) or (entry and Path(entry).resolve() == own.resolve())
    ]


def _try_all(
    installation: Installation, search_path: Sequence[str], limit_s: float, progress: Progress
) -> dict[str, Trial]:
    chosen = [package for package in installation.wanted.values() if package.probe and installation.is_there(package)]
    trials: dict[str, Trial] = {}
    for index, package in enumerate(chosen):
        progress.report(index / len(chosen), f"Loading {package.title} for trial")
        # What stands on a package that does not load would only repeat its failure.
        before = trials.get(package.after or "")
        if before is None or before.outcome == "works":
            trials[package.name] = _try(package, search_path, limit_s, progress)
    return trials


def _try(package: WantedPackage, search_path: Sequence[str], limit_s: float, progress: Progress) -> Trial:
    return try_package(package.name, package.probe or package.module, search_path, limit_s, progress)


def _note_failure(notes: EnvironmentNotes, installation: Installation, trial: Trial) -> None:
    wanted = installation.wanted[trial.package]
    explanation: Explanation = explain(trial)
    reinstall, repair, targets = installation.reinstallation(wanted)
    advice = explanation.advice.replace("Install the package again.", reinstall)
    if explanation.code in ("windows-runtime-missing", "memory", "system-too-old"):
        repair, targets = None, ()
    package = installation.installed.get(wanted.name)
    name = f"{wanted.title} {package.version}" if package else wanted.title
    where = "" if trial.stage == "loading" else f" while {trial.stage}" if trial.stage != "trying" else " when used"
    what = f"{name} {_OUTCOMES[trial.outcome]}{where}: {trial.reason}"
    notes.finding(explanation.code, Severity.PROBLEM, what, explanation.why, advice, repair, targets)


def _torch_state(installation: Installation, trial: Trial | None) -> TorchState:
    package = installation.installed.get("torch")
    if package is None or package.fault:
        return TorchState(None if package is None else package.version, None, trial)
    if trial is not None and trial.outcome == "works":
        return TorchState(package.version, trial.answer.get("cuda") or trial.answer.get("hip") or "", trial)
    return TorchState(package.version, _cuda_by_file(package.folder / "torch" / "version.py", package.version), trial)


def _cuda_by_file(path: Path, version: str) -> str | None:
    """Return what torch was built for, read from its files, since loading it may fail."""
    if version.endswith("+cpu"):
        return ""
    if not path.is_file():
        return None
    match = re.search(r"^cuda\b[^=]*=\s*(?:'([\d.]+)'|None)", path.read_text(encoding="utf-8", errors="replace"), re.M)
    return None if match is None else match.group(1) or ""
