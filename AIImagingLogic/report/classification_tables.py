"""The probabilities of a classification as a CSV file and as a table on the terminal."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.classification import Classification
from AIImagingLogic.report.number_format import rounded

if TYPE_CHECKING:
    from rich.console import RenderableType

_COLUMNS = ("class", "code", "scheme", "meaning", "probability", "above_threshold", "threshold", "calibration")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_probabilities_csv(result: Classification, path: Path) -> None:
    """Write the classes, one a row in the model's order, with their probabilities (0..1).

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    with written_atomically(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_COLUMNS)
        for concept, value, called in zip(result.classes, result.probabilities, result.above_threshold, strict=True):
            words = (concept.name, concept.type.value, concept.type.scheme, concept.type.meaning)
            figures = (f"{value:.7g}", str(called).lower(), f"{result.threshold:.7g}")
            writer.writerow([*map(_harmless, words), *figures, _harmless(result.calibration)])


def probabilities_table(result: Classification) -> RenderableType:
    """Return the classes, the most probable first, with their probabilities in percent."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("Class")
    table.add_column("Probability", justify="right")
    table.add_column("Above threshold")
    rows = zip(result.classes, result.probabilities, result.above_threshold, strict=True)
    for concept, value, called in sorted(rows, key=lambda row: -row[1]):
        table.add_row(Text(concept.name), Text(f"{rounded(100 * value, 1)} %"), "yes" if called else "no")
    return Group(table, Text(f"Threshold {rounded(100 * result.threshold, 0)} %; probabilities: {result.calibration}."))


def _harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
