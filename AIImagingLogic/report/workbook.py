"""A timeline as an XLSX workbook: visits, lesions by visit, changes, assessments, provenance."""

from __future__ import annotations

import importlib
import math
from datetime import datetime
from pathlib import Path
from typing import Any

from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.errors import OutputError
from AIImagingLogic.records.timeline import Timeline
from AIImagingLogic.report.response_section import ChosenResponse
from AIImagingLogic.report.texts import Texts
from AIImagingLogic.report.workbook_tables import Cell, SheetTable, workbook_tables

_WIDEST, _NARROWEST = 60, 9
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_workbook(
    timeline: Timeline, path: Path, language: str = "en", response: ChosenResponse | None = None
) -> None:
    """Write a timeline of 1 to 20 visits as an XLSX workbook: a sheet a table.

    Numbers are numbers and dates are dates; units stand in the headings, which stay in sight. A text that a spreadsheet
    would take for a formula is a text. What is not known is an empty cell.

    Parameters
    ----------
    language : ``en`` or ``zh`` (simplified Chinese); codes, UIDs and sources are the same in both
    response : what response criteria say, when targets were chosen

    Raises
    ------
    LanguageError
        The reports do not have that language.
    OutputError
        openpyxl is not installed, or the file cannot be written.
    """
    texts = Texts(language)
    openpyxl = required_openpyxl()
    book = openpyxl.Workbook()
    book.remove(book.active)
    book.properties.creator = "AI Imaging"
    for table in workbook_tables(timeline, texts, response):
        _write(book.create_sheet(table.name), table, texts)
    with written_atomically(path) as temporary, temporary.open("wb") as file:
        book.save(file)


def _write(sheet: Any, table: SheetTable, texts: Texts) -> None:
    styles = importlib.import_module("openpyxl.styles")
    if not table.rows:
        return
    sheet.append(list(table.columns))
    for row in table.rows:
        sheet.append([_value(row.get(column), texts) for column in table.columns])
    for cells in sheet.iter_rows(min_row=2):
        for cell in cells:
            if isinstance(cell.value, str):
                cell.data_type = "s"
                cell.quotePrefix = cell.value.startswith(_FORMULA_STARTS)
            elif isinstance(cell.value, datetime):
                cell.number_format = "yyyy-mm-dd hh:mm"
            cell.alignment = styles.Alignment(vertical="top", wrap_text=isinstance(cell.value, str))
    for cell, name in zip(sheet[1], table.columns, strict=True):
        cell.font = styles.Font(bold=True)
        cell.alignment = styles.Alignment(vertical="bottom", wrap_text=True)
        shown = [name[:24], *(str(row.get(name, "")) for row in table.rows)]
        width = max(map(_width, shown)) + 2
        sheet.column_dimensions[cell.column_letter].width = min(max(width, _NARROWEST), _WIDEST)
    sheet.freeze_panes = sheet.cell(row=2, column=table.fixed + 1)
    sheet.auto_filter.ref = sheet.dimensions
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = importlib.import_module("openpyxl.worksheet.properties").PageSetupProperties(
        fitToPage=True
    )


def _value(value: Cell, texts: Texts) -> str | int | float | datetime | None:
    if isinstance(value, bool):
        return texts("yes") if value else texts("no")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return value


def _width(text: str) -> int:
    """Return the width of a text in columns: a Chinese letter is as wide as two."""
    return sum(1 if ord(letter) < 0x2E80 else 2 for letter in text)


def required_openpyxl() -> Any:
    """Return openpyxl; call it before a long run whose result is to be a workbook.

    Raises
    ------
    OutputError
        It is not installed.
    """
    try:
        return importlib.import_module("openpyxl")
    except ImportError as error:
        raise OutputError(
            "An XLSX workbook needs the package openpyxl, which is not installed.",
            "Install it with: pip install 'aiimaging[report]'. The CSV tables hold the same figures.",
        ) from error
