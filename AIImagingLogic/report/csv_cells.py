"""Cells of a CSV that other programs and spreadsheets read, and that come back exactly."""

from __future__ import annotations

# A spreadsheet runs a text that begins so as a formula; a text that begins with the guard needs one too.
_GUARDED = ("=", "+", "-", "@", "\t", "\r", "'")
_GUARD = "'"


def guarded(text: str) -> str:
    """Return a text so that no spreadsheet takes it for a formula."""
    return f"{_GUARD}{text}" if text.startswith(_GUARDED) else text


def unguarded(cell: str) -> str:
    """Return the text that `guarded` was given."""
    return cell[1:] if cell.startswith(_GUARD) and cell[1:].startswith(_GUARDED) else cell
