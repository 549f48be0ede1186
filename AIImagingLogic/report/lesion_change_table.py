"""The changes between two visits of a brain as a table for the terminal and as CSV."""

from __future__ import annotations

import csv
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.lesion_change import LesionChange
from AIImagingLogic.report.number_format import rounded

_COLUMNS = (
    *("finding", "uid", "change", "volume_mm3", "intensity_change_percent", "change_over_noise"),
    *("centre_left_mm", "centre_posterior_mm", "centre_superior_mm"),
)
_MEASURED = ("volume", "intensity_change", "change_significance")


def lesion_change_table(result: LesionChange) -> RenderableType:
    """Return the changes as a table, or a sentence when there are none."""
    if not result.findings:
        return Text("No new, enlarging or shrinking lesions.")
    table = Table(title="Changes", title_justify="left")
    for heading in ("Finding", "Change"):
        table.add_column(heading)
    for heading in ("Volume (mm3)", "Intensity change (%)", "Change over noise"):
        table.add_column(heading, justify="right")
    for finding in result.findings:
        volume, intensity, significance = (finding.value(name) or 0.0 for name in _MEASURED)
        cells = rounded(volume, 0), rounded(intensity, 0), rounded(significance, 1)
        table.add_row(finding.name, finding.descriptors["change"], *cells)
    return table


def write_lesion_change_csv(result: LesionChange, path: Path) -> None:
    """Write the changes, one a row, largest first; the centre is in mm, LPS, on the later visit.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    with written_atomically(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(_COLUMNS)
        for finding in result.findings:
            numbers = [finding.value(name) for name in _MEASURED]
            cells = ["" if number is None else f"{number:.7g}" for number in (*numbers, *finding.box.center_mm)]
            writer.writerow([finding.name, finding.uid, finding.descriptors["change"], *cells])
