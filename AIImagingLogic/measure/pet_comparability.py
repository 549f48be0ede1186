"""Whether two PET scans may be compared: the liver takes up about the same."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.resources import load_resource


@dataclass(frozen=True)
class Comparability(Record):
    """Whether two scans may be compared, one sentence with the figures, and the rule's source."""

    comparable: bool
    reason: str
    source: str


def percist_comparability(liver_sul_before: float, liver_sul_after: float) -> Comparability:
    """Compare the mean SUL of the liver at two scans.

    Parameters
    ----------
    liver_sul_before, liver_sul_after : g/ml, > 0

    References
    ----------
    PERCIST 1.0: the difference stays within 20% of the first scan and below 0.3 g/ml; the limits stand in
    Resources/rules/repeatability.json.
    """
    if liver_sul_before <= 0 or liver_sul_after <= 0:
        raise ValueError("The liver's SUL is above 0.")
    rule = load_resource("rules/repeatability.json")["comparability"]["percist"]
    difference = liver_sul_after - liver_sul_before
    percent = 100 * difference / liver_sul_before
    # The last bits of the numbers decide nothing: a difference of exactly 0.3 is not below it.
    comparable = (
        abs(percent) <= rule["liver_sul_percent"] + 1e-9 and abs(difference) < rule["liver_sul_absolute"] - 1e-9
    )
    reason = (
        f"Mean SUL of the liver {liver_sul_before:.2f} to {liver_sul_after:.2f} ({percent:+.0f}%, {difference:+.2f}): "
        f"{'comparable' if comparable else 'not comparable'} ({rule['name']}: within {rule['liver_sul_percent']:.0f}% "
        f"and less than {rule['liver_sul_absolute']:g} apart)."
    )
    return Comparability(comparable, reason, rule["source"])
