"""Rule tables as data: which rows of a table apply to known values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Values = Mapping[str, Any]
"""Name of a fact to a word, a number, a set of features, or None for not known."""


@dataclass(frozen=True)
class Row:
    """A row of a rule table.

    Attributes
    ----------
    id : stable, named in every assessment
    category : what the row says
    text : the row's condition in words
    when : name of a fact to a condition, see `applies`
    overrides : whether the row decides before all that do not override
    volume_mm3 : the guideline's volume bracket (from, to), None where the row has none or an end is open
    next_step, urgency : for tables whose rows recommend; a higher urgency counts before a lower
    """

    id: str
    category: str
    text: str
    when: Mapping[str, Any]
    overrides: bool = False
    volume_mm3: tuple[float | None, float | None] | None = None
    next_step: str = ""
    urgency: int = 0


def rows_of(table: Mapping[str, Any]) -> tuple[Row, ...]:
    """Return the rows of a table as read from Resources/rules."""
    return tuple(_row(entry) for entry in table["rows"])


def applying(rows: Sequence[Row], values: Values) -> tuple[Row, ...]:
    """Return the rows all of whose conditions hold, in the table's order."""
    return tuple(row for row in rows if applies(row, values))


def applies(row: Row, values: Values) -> bool:
    """Whether every condition of `row` holds.

    A condition is a list of words (the fact is one of them), ``{"at_least", "above", "at_most", "below": number}``,
    ``{"all": features}`` (the fact is a set that holds them all), or null (the fact is not known). A fact that is not
    known meets no other condition.

    Raises
    ------
    ValueError
        The table has a condition of another form.
    """
    return all(_holds(condition, values.get(name)) for name, condition in row.when.items())


def rounded_half_up(value: float, digits: int) -> float:
    """Return `value` rounded to `digits` decimals, a half always upwards, as written out in decimal."""
    return float(Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def volume_words(row: Row, volume_mm3: float) -> str:
    """Return a volume (mm3) in words, beside the guideline's bracket where the row has one."""
    text = f"volume {volume_mm3:.0f} mm\N{SUPERSCRIPT THREE}"
    if row.volume_mm3 is None:
        return text
    low, high = row.volume_mm3
    bracket = f"below {high}" if low is None else f"{low} or more" if high is None else f"{low} to below {high}"
    return f"{text} (guideline's bracket: {bracket})"


_COMPARISONS = {
    "at_least": lambda value, limit: value >= limit,
    "above": lambda value, limit: value > limit,
    "at_most": lambda value, limit: value <= limit,
    "below": lambda value, limit: value < limit,
}


def _row(entry: dict[str, Any]) -> Row:
    bracket = entry.get("volume_mm3")
    return Row(**{**entry, "volume_mm3": None if bracket is None else (bracket[0], bracket[1])})


def _holds(condition: Any, value: Any) -> bool:
    if condition is None:
        return value is None
    if value is None:
        return False
    if isinstance(condition, list):
        return value in condition
    if isinstance(condition, Mapping) and set(condition) == {"all"}:
        return set(condition["all"]) <= set(value)
    if isinstance(condition, Mapping) and condition and set(condition) <= set(_COMPARISONS):
        return all(_COMPARISONS[name](value, limit) for name, limit in condition.items())
    raise ValueError(f"A rule table has a condition of an unknown form: {condition}")
