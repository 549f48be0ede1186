"""Files made to do harm, and honest ones: the first are refused and nothing of theirs happens, the second load."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from AIImagingLogic.records.errors import ModelError
from Testing.Benchmarks.reporting import Figures, run_as_command
from Testing.Python.attack_files import Case, attack_cases, honest_cases


def run(report: Callable[[str], None]) -> tuple[Figures, Mapping[str, Any]]:
    """Try every attack and every honest file; return how many were refused and how many accepted."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    attacks, honest = attack_cases(), honest_cases()
    refused = {name: _refused(case, report, name) for name, case in attacks.items()}
    accepted = {name: _accepted(case, report, name) for name, case in honest.items()}
    figures: Figures = {
        "tried": len(refused),
        "refused_share": sum(refused.values()) / len(refused),
        "honest": len(accepted),
        "accepted_honest": sum(accepted.values()) / len(accepted),
    }
    if failed := [name for name, well in (refused | accepted).items() if not well]:
        figures["failed"] = failed
    return figures, {"attacks": list(attacks), "honest": list(honest)}


def _refused(case: Case, report: Callable[[str], None], name: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        package, outside = Path(folder) / "package", Path(folder) / "outside"
        package.mkdir()
        outside.mkdir()
        case.make(package / case.name, outside / "canary")
        try:
            case.use(package / case.name)
            said = "LOADED"
        except ModelError as error:
            said = f"refused: {error.what}"
        except Exception as error:  # noqa: BLE001 - an error that nobody foresaw is no refusal
            said = f"FAILED: {type(error).__name__}: {error}"
        harmed = [path.name for path in outside.iterdir()]
        report(f"{name}: {said}{' AND TOUCHED ' + harmed[0] if harmed else ''}")
        return said.startswith("refused") and not harmed


def _accepted(case: Case, report: Callable[[str], None], name: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "package"
        package.mkdir()
        case.make(package / case.name, Path(folder) / "canary")
        try:
            case.use(package / case.name)
        except ModelError as error:
            report(f"{name}: REFUSED: {error}")
            return False
        report(f"{name}: loaded")
        return True


if __name__ == "__main__":
    run_as_command("attacks", run)
