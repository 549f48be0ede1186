"""`aiimaging models trust` and `distrust`: which packages may run code of their own, by their exact hash."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.text import Text

from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.models.safety.trust import distrust, package_hash, trust, trusted_packages
from AIImagingLogic.models.store.model_store import ModelStore
from AIImagingLogic.records.errors import ModelError


def run_trust(arguments: argparse.Namespace, terminal: Terminal, store: ModelStore) -> dict[str, Any]:
    """Trust a package, or show which are trusted."""
    if arguments.package is not None:
        wanted, what = _named(arguments.package)
        trust(wanted, arguments.what or what)
        terminal.show(Text(f"Trusted from now on: {wanted}. Every change of the package ends that."))
    rows = trusted_packages()
    for row in rows if arguments.package is None else []:
        terminal.show(Text(f"{row.package_hash}  {row.since}  {row.what}"))
    return {"trusted": [vars(row) for row in rows]}


def run_distrust(arguments: argparse.Namespace, terminal: Terminal, store: ModelStore) -> dict[str, Any]:
    """Trust a package no longer."""
    wanted, _ = _named(arguments.package)
    if not distrust(wanted):
        raise ModelError(f"The package {wanted} is not among those you trust.", "See 'aiimaging models trust'.")
    terminal.show(Text(f"Trusted no longer: {wanted}."))
    return {"trusted": [vars(row) for row in trusted_packages()]}


def _named(package: str) -> tuple[str, str]:
    """Return the hash of a package that is named by its hash or its path, and what to call it."""
    path = Path(package)
    return (package_hash(path), path.resolve().name) if path.exists() else (package.lower(), "named by its hash")
