"""`aiimaging info`: which series a path holds."""

from __future__ import annotations

import argparse
from typing import Any

from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.images.series import list_series
from AIImagingLogic.report.text import series_table


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """List the series of a folder or file: geometry and problems."""
    series = list_series(arguments.path)
    terminal.show(series_table(series))
    return {"series": [entry.to_json() for entry in series]}
