"""`aiimaging doctor`: what is wrong with this computer's Python, and what to do."""

from __future__ import annotations

import argparse
from typing import Any

from rich.markup import escape

from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.inference.environment import examine
from AIImagingLogic.inference.environment_text import shareable_text


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Examine the environment and explain what was found."""
    with terminal.progress() as progress:
        report = examine(probe=not arguments.no_trial, progress=progress)
    terminal.show(escape(shareable_text(report).rstrip()))
    return report.to_json()
