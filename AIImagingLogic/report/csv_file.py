"""A CSV file of any program: rows by the names of its columns, and what its comment lines say."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from AIImagingLogic.records.errors import UnreadableImageError

_DELIMITERS = (",", ";", "\t")
# `# CoordinateSystem = LPS` of Slicer's .fcsv, and the like.
_STATED_SYSTEM = re.compile(r"coordinate\s*system\s*[=:]\s*(\w+)", re.IGNORECASE)
_LARGEST_BYTES = 200_000_000


@dataclass(frozen=True)
class CsvRow:
    """A row of a file.

    Attributes
    ----------
    where : file and line, for messages
    cells : by the plain name of the column: lower case, an underscore for every other character
    decimal_comma : numbers are written ``3,5``
    """

    where: str
    cells: Mapping[str, str]
    decimal_comma: bool

    def number(self, column: str) -> float | None:
        """Return the number in a column, None when the cell is empty or the file has no such column.

        Raises
        ------
        UnreadableImageError
            It is no finite number; file and line are named.
        """
        text = self.cells.get(column, "").strip()
        if not text:
            return None
        try:
            value = float(text.replace(",", ".") if self.decimal_comma else text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise UnreadableImageError(f"{self.where}: '{text}' is no number for {column}.", "Correct the line.")
        return value


@dataclass(frozen=True)
class CsvFile:
    """A file that was opened: the plain names of its columns, as written, and the coordinate system of its comments."""

    path: Path
    columns: Mapping[str, str]
    stated_system: str
    _text: str
    _delimiter: str
    _first_line: int

    def rows(self) -> Iterator[CsvRow]:
        """Yield the rows that are not empty.

        Raises
        ------
        UnreadableImageError
            A row has more cells than there are columns, or a quote is not closed; file and line are named.
        """
        reader = csv.reader(io.StringIO(self._text, newline=""), delimiter=self._delimiter, strict=True)
        names = list(self.columns)
        next(reader)
        try:
            for cells in reader:
                where = f"'{self.path}', line {self._first_line + reader.line_num - 1}"
                if not any(cell.strip() for cell in cells):
                    continue
                if any(cell.strip() for cell in cells[len(names) :]):
                    raise UnreadableImageError(
                        f"{where}: {len(cells)} cells for {len(names)} columns.",
                        "Quote text that holds the separator.",
                    )
                yield CsvRow(where, dict(zip(names, cells, strict=False)), self._delimiter == ";")
        except csv.Error as error:
            where = f"'{self.path}', line {self._first_line + reader.line_num - 1}"
            raise UnreadableImageError(f"{where}: {error}.", "Correct the line.") from error


def open_csv(path: Path) -> CsvFile:
    """Open a CSV file with commas, semicolons (then numbers may have decimal commas) or tabs between its cells.

    Lines that begin with ``#`` before the header are comments; Slicer's ``# columns = ...`` is the header.

    Raises
    ------
    UnreadableImageError
        It is missing, not UTF-8, empty, larger than 200 MB, or names a column twice.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise UnreadableImageError(f"'{path}' has more than 200 MB.", "Split it by scan.")
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableImageError(f"'{path}' cannot be read: {error}.", "Give a CSV file in UTF-8.") from error
    comments, text, first = _without_comments(text)
    said = [match.group(1) for comment in comments if (match := _STATED_SYSTEM.search(comment))]
    header = next((line for line in comments if line.lstrip("# ").lower().startswith("columns")), "")
    if header:
        text, first = f"{header.split('=', 1)[-1].strip()}\n{text}", first - 1
    if not text.strip():
        raise UnreadableImageError(f"'{path}' holds no table.", "Its first line must name the columns.")
    line = text.splitlines()[0]
    delimiter = max(_DELIMITERS, key=line.count)
    written = next(csv.reader([line], delimiter=delimiter))
    columns: dict[str, str] = {}
    for number, name in enumerate(written, start=1):
        # Row numbers of other programs stand in a column without a name.
        plain = plain_name(name) or f"column_{number}"
        if plain in columns:
            raise UnreadableImageError(f"'{path}' names the column '{name}' twice.", "Rename one of them.")
        columns[plain] = name
    return CsvFile(path, columns, said[0] if said else "", text, delimiter, first)


def plain_name(name: str) -> str:
    """Return a column's name in lower case, with one underscore for every run of other characters."""
    return re.sub(r"[\W_]+", "_", name.strip().lower()).strip("_")


def _without_comments(text: str) -> tuple[list[str], str, int]:
    """Return the comments before the table, the table, and the number of its first line."""
    comments = []
    first = 1
    while text.startswith("#") or text[:1] in ("\n", "\r"):
        line, _, text = text.partition("\n")
        first += 1
        if line.startswith("#"):
            comments.append(line.rstrip("\r"))
    return comments, text, first
