"""Lung-RADS v2022: the category of a nodule and of a patient, read from Resources/rules/lung_rads_2022.json."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from AIImagingLogic.followup.nodule_facts import (
    BASELINE,
    SHRINKING,
    SLOWLY_GROWING,
    STABLE,
    NoduleFacts,
    whole_months,
)
from AIImagingLogic.followup.rule_table import Row, applying, rounded_half_up, rows_of, volume_words
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.timeline import Assessment


def category_of(facts: NoduleFacts) -> Row:
    """Return the row of Lung-RADS v2022 that decides the category of one nodule.

    Rows of benign features decide first; of the others that apply the highest category counts. A stable nodule that
    crosses a size limit upwards is classed by its size; else it keeps its category or takes the step down that is due.

    Raises
    ------
    ValueError
        The table has no row for such a nodule.

    References
    ----------
    Christensen J, et al. ACR Lung-RADS v2022. CHEST 2024;165:738-753. RSNA/ACR CDE set RDES267.
    """
    found = applying(_rows(), _values(facts))
    overriding = next((row for row in found if row.overrides), None)
    if overriding is not None:
        return overriding
    followed = facts.status in (STABLE, SLOWLY_GROWING, SHRINKING)
    crossed = [_at_first_detection(facts)] if followed and _crosses_a_limit(facts) else []
    candidates = [*found, *crossed]
    if candidates:
        return max(candidates, key=lambda row: category_rank(row.category))
    if not followed:
        raise ValueError(f"Lung-RADS v2022 has no row for a {facts.attenuation} nodule with status '{facts.status}'.")
    return _followed_row(facts)


def category_rank(category: str) -> int:
    """Return the place of a category in the order 1, 2, 3, 4A, 4B; a higher one is more suspicious."""
    order: list[str] = _table()["order"]
    return order.index(category)


def assess_lung_rads(
    facts_by_lesion: Mapping[int, NoduleFacts], incomplete: str | None = None, missing: Sequence[str] = ()
) -> Assessment:
    """Assess a patient by Lung-RADS v2022.

    Parameters
    ----------
    facts_by_lesion : number of each lesion seen at the last visit and its facts
    incomplete : ``prior-awaited``, ``not-evaluable`` or ``inflammatory`` gives category 0, unless a nodule is 4A or 4B
    missing : what else was not known

    Returns
    -------
    Assessment
        The highest category; of lesions with the same, the largest decides.

    Raises
    ------
    KeyError
        `incomplete` is none of the three.
    """
    table = _table()
    rows = {number: category_of(facts) for number, facts in facts_by_lesion.items()}
    unknown = [*missing, *(text for number in sorted(rows) for text in _missing_of(number, facts_by_lesion[number]))]
    decisive = max(
        rows,
        key=lambda number: (category_rank(rows[number].category), facts_by_lesion[number].mean_diameter_mm, -number),
        default=None,
    )
    if decisive is None:
        category, row_id, reason = table["no_nodule"]["category"], table["no_nodule"]["id"], "No lung nodule was found."
    else:
        row = rows[decisive]
        category, row_id, reason = row.category, row.id, _reason(decisive, facts_by_lesion[decisive], row)
    if incomplete is not None:
        entry = table["incomplete"][incomplete]
        if decisive is not None and category_rank(category) >= category_rank("4A"):
            unknown.append(entry["text"])
        else:
            known = f" Of what can be evaluated: {category}. {reason}"
            decisive, category, row_id, reason = None, "0", entry["id"], f"{entry['text'].capitalize()}.{known}"
    return Assessment(
        rules=table["name"],
        source=table["source"],
        category=category,
        next_step=table["next_steps"][category],
        lesion_number=decisive,
        row=row_id,
        reason=reason,
        missing=(*dict.fromkeys(unknown), table["not_assessed"]),
        by_lesion={str(number): rows[number].category for number in sorted(rows)},
    )


def _crosses_a_limit(facts: NoduleFacts) -> bool:
    if facts.prior is None:
        return False
    before = category_rank(_at_first_detection(facts.prior).category)
    return category_rank(_at_first_detection(facts).category) > before


def _at_first_detection(facts: NoduleFacts) -> Row:
    """Return the row by the present size alone."""
    return category_of(dataclasses.replace(facts, status=BASELINE, solid_status=None, prior=None))


def _followed_row(facts: NoduleFacts) -> Row:
    """Return the row of a stable or smaller nodule: a step down when due, else the category it had (or its size)."""
    table = _table()
    by_size = _at_first_detection(facts)
    previous = category_of(facts.prior) if facts.prior else by_size
    if facts.previous_category is not None:
        previous = Row(table["kept"]["id"], facts.previous_category, table["kept"]["text"], {})
    months = whole_months(facts.interval_days)
    for step in table["steps"]:
        is_due = step["from"] == previous.category and months is not None and months >= step["months"]
        if is_due and not facts.features.intersection(step["not_features"]):
            return Row(step["id"], step["to"], step["text"], {})
    if facts.status == SHRINKING:
        return by_size
    return dataclasses.replace(previous, text=f"{table['kept']['text']} ({previous.text})")


def _values(facts: NoduleFacts) -> dict[str, Any]:
    solid = facts.solid_mean_diameter_mm
    return {
        "attenuation": facts.attenuation,
        "status": facts.status,
        "mean_diameter_mm": rounded_half_up(facts.mean_diameter_mm, 1),
        "solid_mean_diameter_mm": None if solid is None else rounded_half_up(solid, 1),
        "solid_status": facts.solid_status or facts.status,
        "features": facts.features,
    }


def _reason(number: int, facts: NoduleFacts, row: Row) -> str:
    """Return the figures behind a category in one sentence, and the row that they meet."""
    parts = [f"{facts.attenuation}, mean diameter {rounded_half_up(facts.mean_diameter_mm, 1)} mm"]
    if facts.solid_mean_diameter_mm is not None and facts.attenuation == "part-solid":
        parts.append(f"solid part {rounded_half_up(facts.solid_mean_diameter_mm, 1)} mm")
    if facts.volume_mm3 is not None:
        parts.append(volume_words(row, facts.volume_mm3))
    parts.append("at first detection" if facts.status == BASELINE else facts.status)
    if facts.prior is not None:
        before = rounded_half_up(facts.prior.mean_diameter_mm, 1)
        parts[-1] += f" ({rounded_half_up(facts.mean_diameter_mm, 1) - before:+.1f} mm from {before} mm{_since(facts)})"
    if facts.solid_status is not None:
        parts.append(f"its solid part {facts.solid_status}")
    text = f"Lesion {number} is {', '.join(parts)}. {row.text[:1].upper()}{row.text[1:]}: category {row.category}."
    return f"{text} {_table()['calcified_note']}" if facts.attenuation == "calcified" else text


def _since(facts: NoduleFacts) -> str:
    months = whole_months(facts.interval_days)
    return "" if months is None else f" in {months} month{'' if months == 1 else 's'}"


def _missing_of(number: int, facts: NoduleFacts) -> list[str]:
    """Return what was not known of a lesion and would have mattered, naming the lesion."""
    missing = list(facts.missing)
    shape_known = {"smooth", "oval-lentiform-triangular"} <= facts.features
    if "juxtapleural" in facts.features and not shape_known:
        shaped = dataclasses.replace(facts, features=facts.features | {"smooth", "oval-lentiform-triangular"})
        if category_of(shaped).category != category_of(facts).category:
            missing.append("margin and shape (2 if smooth and oval, lentiform or triangular at the pleura)")
    if facts.status == SLOWLY_GROWING and facts.attenuation in ("solid", "part-solid"):
        missing.append("growth on further screens (4B may be given for slow growth on several screens)")
    return [f"lesion {number}: {text}" for text in missing]


@cache
def _rows() -> tuple[Row, ...]:
    return rows_of(_table())


def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = load_resource("rules/lung_rads_2022.json")
    return table
