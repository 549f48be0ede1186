"""Photograph every panel: ``python -m Testing.Pictures.panels [FOLDER] [NAME ...]``, Docs/Pictures and all by default.

Each picture is taken by a process of its own, so that one panel's state is not another's.
"""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import Testing.Pictures

ROOT = Path(__file__).resolve().parents[2]


def names() -> list[str]:
    """Return the names of the panels that have a picture."""
    return [entry.name for entry in pkgutil.iter_modules(Testing.Pictures.__path__) if entry.name.endswith("_panel")]


def main(arguments: list[str]) -> int:
    """Photograph the panels named, or all; return the exit status."""
    folder = Path(arguments[0]) if arguments else ROOT / "Docs" / "Pictures"
    wanted = arguments[1:] or names()
    if len(wanted) == 1:
        importlib.import_module(f"Testing.Pictures.{wanted[0]}").photograph(folder)
        return 0
    command = [sys.executable, "-m", "Testing.Pictures.panels", str(folder)]
    return max(subprocess.run([*command, name], cwd=ROOT, check=False).returncode for name in wanted)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
