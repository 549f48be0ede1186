"""A table of response criteria, read from Resources/rules, and the rows of it that apply."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from AIImagingLogic.followup.rule_table import Row, Values, applies, rows_of
from AIImagingLogic.records.resources import load_resource

RULES = {
    "recist-1.1": "recist_1_1",
    "irecist": "irecist",
    "percist-1.0": "percist_1_0",
    "lugano-ct": "lugano_ct",
}
"""Id of each table of response criteria to its file in Resources/rules."""


@dataclass(frozen=True)
class TargetRule:
    """Which lesions a table takes as targets: at most how many, how many an organ, by which size, and its rows."""

    most: int
    most_an_organ: int | None
    nodes_are_one_organ: bool
    size: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class CriteriaTable:
    """A table of response criteria.

    Attributes
    ----------
    order : categories from the best to the worst
    unconfirmed : category of a progression that is not confirmed yet, empty when the table has none
    rows : group to rows; of a group the first row that applies decides
    values : named limits that stand outside rows
    options : name to ``{"text", "confidence", "values"}``; all are off unless asked for
    """

    id: str
    name: str
    source: str
    order: tuple[str, ...]
    unconfirmed: str
    rows: Mapping[str, tuple[Row, ...]]
    values: Mapping[str, float]
    options: Mapping[str, Mapping[str, Any]]
    targets: TargetRule

    def decide(self, group: str, facts: Values) -> Row:
        """Return the first row of a group that applies.

        Raises
        ------
        ValueError
            No row applies: the table is not complete.
        """
        found = next((row for row in self.rows[group] if applies(row, facts)), None)
        if found is None:
            raise ValueError(f"{self.name} has no row of '{group}' for {dict(facts)}.")
        return found

    def checked_options(self, options: Collection[str]) -> tuple[str, ...]:
        """Return the options in order.

        Raises
        ------
        ValueError
            The table has no such option.
        """
        if unknown := sorted(set(options) - set(self.options)):
            raise ValueError(f"{self.name} has no option '{unknown[0]}'; it has: {', '.join(self.options) or 'none'}.")
        return tuple(sorted(options))


@cache
def criteria_table(rules: str) -> CriteriaTable:
    """Return the table with that id, a key of `RULES`.

    Raises
    ------
    KeyError
        There is no such table.
    """
    data = load_resource(f"rules/{RULES[rules]}.json")
    targets = data["targets"]
    return CriteriaTable(
        id=data["id"],
        name=data["name"],
        source=data["source"],
        order=tuple(data["order"]),
        unconfirmed=data.get("unconfirmed", ""),
        rows={group: rows_of({"rows": rows}) for group, rows in data["rows"].items()},
        values={name: entry["value"] for name, entry in data["values"].items()},
        options=data["options"],
        targets=TargetRule(**{**targets, "rows": rows_of(targets)}),
    )
