"""BTS 2015 and the volume classes of NELSON for lung nodules, read from Resources/rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from AIImagingLogic.followup.criteria.exact import exact, rise_percent
from AIImagingLogic.followup.criteria.reasons import capitalised, percent_words
from AIImagingLogic.followup.nodule_facts import NoduleFacts, whole_months
from AIImagingLogic.followup.rule_table import Row, applying, rows_of
from AIImagingLogic.measure.growth import doubling_time_days
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.timeline import Assessment


@dataclass(frozen=True)
class NoduleGrowth:
    """Growth since the visit before.

    Attributes
    ----------
    by : ``volume``, or ``diameter`` when a volume is not known at both visits
    volume_percent : rise of the volume; from diameters, that of a ball
    doubling_time_days : of the volume; None when undated, or unless it rose
    """

    by: str
    volume_percent: float
    doubling_time_days: float | None


def growth_since(facts: NoduleFacts) -> NoduleGrowth | None:
    """Return the growth of a nodule since the visit before, None at first detection."""
    prior = facts.prior
    if prior is None:
        return None
    if facts.volume_mm3 and prior.volume_mm3:
        by, before, after, power = "volume", prior.volume_mm3, facts.volume_mm3, 1
    elif facts.mean_diameter_mm > 0 and prior.mean_diameter_mm > 0:
        by, before, after, power = "diameter", prior.mean_diameter_mm, facts.mean_diameter_mm, 3
    else:
        return None
    percent = rise_percent(exact(before) ** power, exact(after) ** power)
    days = facts.interval_days
    doubling = None
    if days is not None and days > 0 and after > before:
        doubling = doubling_time_days(before, after, days, 3 if by == "volume" else 1)
    return NoduleGrowth(by, percent, doubling)


def assess_bts(facts_by_lesion: Mapping[int, NoduleFacts], months_followed: float | None = None) -> Assessment:
    """Assess a patient by BTS 2015.

    Parameters
    ----------
    facts_by_lesion : number of each nodule seen at the last visit and its facts
    months_followed : since the first detection; None: since the visit before

    Returns
    -------
    Assessment
        The most urgent recommendation; of nodules with the same, the largest decides.

    References
    ----------
    Callister MEJ, et al. Thorax 2015;70 Suppl 2:ii1-ii54.
    """
    return _assess("bts_2015", facts_by_lesion, months_followed)


def assess_nelson(facts_by_lesion: Mapping[int, NoduleFacts]) -> Assessment:
    """Assess a patient by the volume classes and the growth rule of the NELSON trial; parameters as `assess_bts`.

    References
    ----------
    Horeweg N, et al. Eur Respir J 2013;42:1659-1667.
    """
    return _assess("nelson", facts_by_lesion, None)


def _assess(name: str, facts_by_lesion: Mapping[int, NoduleFacts], months_followed: float | None) -> Assessment:
    table = _table(name)
    if not facts_by_lesion:
        entry = table["no_nodule"]
        return _assessment(table, entry["category"], entry["next_step"], None, entry["id"], "No nodule was found.")
    rows = {number: _row(name, facts, months_followed) for number, facts in facts_by_lesion.items()}
    decisive = max(rows, key=lambda n: (rows[n].urgency, facts_by_lesion[n].mean_diameter_mm, -n))
    row = rows[decisive]
    missing = [text for number in sorted(rows) for text in _missing_of(number, facts_by_lesion[number])]
    return _assessment(
        table,
        row.category,
        row.next_step,
        decisive,
        row.id,
        _reason(decisive, facts_by_lesion[decisive], row),
        tuple(dict.fromkeys(missing)),
        {str(number): rows[number].category for number in sorted(rows)},
    )


def _row(name: str, facts: NoduleFacts, months_followed: float | None) -> Row:
    table = _table(name)
    growth = growth_since(facts)
    grew = "unknown"
    if growth is not None:
        grew = "yes" if growth.volume_percent >= table["growth"]["volume_percent"] else "no"
    months = months_followed if months_followed is not None else whole_months(facts.interval_days)
    values = {
        "attenuation": facts.attenuation,
        "mean_diameter_mm": facts.mean_diameter_mm,
        "volume_mm3": facts.volume_mm3,
        "growth": grew,
        "by": None if growth is None else growth.by,
        "doubling_time_days": None if growth is None else growth.doubling_time_days,
        "months_followed": months,
    }
    found = applying(_rows(name), values)
    outside = table["outside"]
    return (
        found[0]
        if found
        else Row(outside["id"], outside["category"], outside["text"], {}, next_step=outside["next_step"])
    )


def _reason(number: int, facts: NoduleFacts, row: Row) -> str:
    words = [f"lesion {number} is {facts.attenuation}", f"mean diameter {facts.mean_diameter_mm:g} mm"]
    if facts.volume_mm3 is not None:
        words.append(f"volume {facts.volume_mm3:g} mm\N{SUPERSCRIPT THREE}")
    growth = growth_since(facts)
    if growth is not None:
        words.append(f"volume {percent_words(growth.volume_percent)} by {growth.by}")
        if growth.doubling_time_days is not None:
            words.append(f"doubling time {growth.doubling_time_days:.0f} days")
    return f"{capitalised(', '.join(words))}. {capitalised(row.text)}."


def _missing_of(number: int, facts: NoduleFacts) -> list[str]:
    missing = [f"lesion {number}: {text}" for text in facts.missing]
    if facts.volume_mm3 is None:
        missing.append(f"lesion {number}: the volume")
    growth = growth_since(facts)
    if growth is not None and growth.by == "diameter":
        missing.append(f"lesion {number}: volumes at both visits (growth is computed from diameters)")
    if facts.prior is not None and facts.interval_days is None:
        missing.append(f"lesion {number}: the interval between the visits (dates)")
    return missing


def _assessment(
    table: Mapping[str, Any],
    category: str,
    next_step: str,
    lesion: int | None,
    row: str,
    reason: str,
    missing: tuple[str, ...] = (),
    by_lesion: Mapping[str, str] | None = None,
) -> Assessment:
    return Assessment(
        table["name"], table["source"], category, next_step, lesion, row, reason, missing, by_lesion or {}
    )


@cache
def _rows(name: str) -> tuple[Row, ...]:
    return rows_of(_table(name))


def _table(name: str) -> Mapping[str, Any]:
    table: Mapping[str, Any] = load_resource(f"rules/{name}.json")
    return table
