"""Fleischner 2017: what to do about incidental nodules, read from Resources/rules/fleischner_2017.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from AIImagingLogic.followup.nodule_facts import BASELINE, NoduleFacts
from AIImagingLogic.followup.rule_table import Row, applying, rounded_half_up, rows_of, volume_words
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.timeline import Assessment

_RISKS = ("low", "high")
_SUBSOLID = ("ground-glass", "part-solid")
_BENIGN = ("calcified", "fat")


@dataclass(frozen=True)
class PatientFacts:
    """What the guideline needs to know of the patient; None where it is not known.

    Attributes
    ----------
    risk : ``low`` or ``high``, of lung cancer
    age_years, known_cancer, immunosuppressed : whether the guideline applies at all
    """

    risk: str | None = None
    age_years: float | None = None
    known_cancer: bool | None = None
    immunosuppressed: bool | None = None


def recommendation_of(facts: NoduleFacts, number: str, risk: str, whole_millimetres: bool = False) -> Row:
    """Return the row of the Fleischner 2017 table for one nodule.

    Parameters
    ----------
    facts : of the nodule; its size and attenuation count, its growth does not
    number : ``single`` or ``several`` nodules of its kind (solid, or subsolid)
    risk : ``low`` or ``high``
    whole_millimetres : round diameters to whole millimetres first (recalled, not read in the guideline: off)

    Raises
    ------
    ValueError
        The table has no row for such a nodule.

    References
    ----------
    MacMahon H, et al. Radiology 2017. doi 10.1148/radiol.2017161659
    """
    table = _table()
    if facts.attenuation in _BENIGN:
        return Row(table["benign"]["id"], table["benign"]["category"], table["benign"]["text"], {})

    def size(value: float | None) -> float | None:
        return rounded_half_up(value, 0) if whole_millimetres and value is not None else value

    values = {
        "attenuation": facts.attenuation,
        "number": number,
        "risk": risk,
        "mean_diameter_mm": size(facts.mean_diameter_mm),
        "solid_mean_diameter_mm": size(facts.solid_mean_diameter_mm),
    }
    found = applying(_rows(), values)
    if not found:
        raise ValueError(f"Fleischner 2017 has no row for a {number} {facts.attenuation} nodule with {risk} risk.")
    return found[0]


def assess_fleischner(
    facts_by_lesion: Mapping[int, NoduleFacts],
    patient: PatientFacts | None = None,
    whole_millimetres: bool = False,
) -> Assessment:
    """Assess a patient by Fleischner 2017.

    Parameters
    ----------
    facts_by_lesion : number of each lesion seen at the last visit and its facts
    patient : what is known of the patient; without a risk the answers for both risks are given

    Returns
    -------
    Assessment
        The most urgent recommendation; of lesions with the same, the largest decides. `missing` lists what was not
        known.
    """
    patient = patient or PatientFacts()
    excluded = _exclusion(patient)
    if excluded is not None:
        words = _table()["excluded"]
        return _assessment(words["category"], words["next_step"], None, excluded["id"], f"{excluded['text']}.", (), {})
    missing = _missing(patient, facts_by_lesion)
    if not facts_by_lesion:
        entry = _table()["no_nodule"]
        return _assessment(
            entry["category"], entry["next_step"], None, entry["id"], "No nodule was found.", missing, {}
        )
    risks = _RISKS if patient.risk is None else (patient.risk,)
    rows = {
        number: tuple(
            recommendation_of(facts, _number_word(facts, facts_by_lesion), risk, whole_millimetres) for risk in risks
        )
        for number, facts in facts_by_lesion.items()
    }
    decisive = max(
        rows,
        key=lambda number: (
            *(row.urgency for row in reversed(rows[number])),
            facts_by_lesion[number].mean_diameter_mm,
            -number,
        ),
    )
    chosen = rows[decisive]
    return _assessment(
        category=_by_risk(risks, [row.category for row in chosen]),
        next_step=_by_risk(risks, [row.next_step or row.category for row in chosen]),
        lesion=decisive,
        row=" / ".join(dict.fromkeys(row.id for row in chosen)),
        reason=_reason(decisive, facts_by_lesion[decisive], chosen),
        missing=missing,
        by_lesion={str(key): _by_risk(risks, [row.category for row in rows[key]]) for key in sorted(rows)},
    )


def _exclusion(patient: PatientFacts) -> Mapping[str, str] | None:
    table = _table()
    excluded: Mapping[str, Mapping[str, str]] = table["excluded"]
    if patient.age_years is not None and patient.age_years < table["applies_to"]["youngest_years"]:
        return excluded["age"]
    if patient.known_cancer:
        return excluded["known_cancer"]
    return excluded["immunosuppressed"] if patient.immunosuppressed else None


def _number_word(facts: NoduleFacts, all_facts: Mapping[int, NoduleFacts]) -> str:
    """Solid nodules are counted among solid ones, subsolid among subsolid; benign calcified ones are not counted."""
    kind = _SUBSOLID if facts.attenuation in _SUBSOLID else (facts.attenuation,)
    return "several" if sum(other.attenuation in kind for other in all_facts.values()) > 1 else "single"


def _by_risk(risks: tuple[str, ...], texts: list[str]) -> str:
    if len(set(texts)) == 1:
        return texts[0]
    return "; ".join(f"{risk} risk {text}" for risk, text in zip(risks, texts))


def _reason(number: int, facts: NoduleFacts, rows: tuple[Row, ...]) -> str:
    size = f"mean diameter {facts.mean_diameter_mm:.1f} mm"
    if facts.attenuation == "part-solid" and facts.solid_mean_diameter_mm is not None:
        size += f", solid part {facts.solid_mean_diameter_mm:.1f} mm"
    if facts.volume_mm3 is not None:
        size += f", {volume_words(rows[0], facts.volume_mm3)}"
    texts = " / ".join(dict.fromkeys(row.text for row in rows))
    return f"Lesion {number} is {facts.attenuation}, {size}. {texts[:1].upper()}{texts[1:]}."


def _missing(patient: PatientFacts, facts_by_lesion: Mapping[int, NoduleFacts]) -> tuple[str, ...]:
    questions = {
        "risk of lung cancer (low or high: both answers are given)": patient.risk,
        "age (the guideline applies from 35 years)": patient.age_years,
        "known cancer (the guideline would not apply)": patient.known_cancer,
        "immunosuppression (the guideline would not apply)": patient.immunosuppressed,
    }
    unknown = [question for question, value in questions.items() if value is None]
    if any(facts.status != BASELINE for facts in facts_by_lesion.values()):
        unknown.append(_table()["first_detection_note"])
    return tuple(unknown)


def _assessment(
    category: str,
    next_step: str,
    lesion: int | None,
    row: str,
    reason: str,
    missing: tuple[str, ...],
    by_lesion: Mapping[str, str],
) -> Assessment:
    table = _table()
    reason = reason[:1].upper() + reason[1:]
    return Assessment(table["name"], table["source"], category, next_step, lesion, row, reason, missing, by_lesion)


@cache
def _rows() -> tuple[Row, ...]:
    return rows_of(_table())


def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = load_resource("rules/fleischner_2017.json")
    return table
