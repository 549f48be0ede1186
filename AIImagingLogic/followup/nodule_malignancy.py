"""The probability that a lung nodule is malignant, by published models, with every input that it rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.resources import load_resource

MODELS = ("brock", "mayo")

Facts = Mapping[str, float | bool | str | None]
"""Name of a fact (see Resources/rules/nodule_malignancy.json) to a number, yes or no, a word, or None: not known."""


@dataclass(frozen=True)
class RiskInput(Record):
    """One input of a model as it was used; `value` says 'not known' where it was not."""

    label: str
    value: str


@dataclass(frozen=True)
class MalignancyRisk(Record):
    """What a model says of one nodule.

    Attributes
    ----------
    model, source : its name, and where it was published
    low, high : probability, 0..1, over all that was not known; equal when all was
    inputs : every one that the model asks for
    missing : which were not known
    notes : where the nodule or the patient is not what the model was made for
    """

    model: str
    source: str
    low: float
    high: float
    inputs: tuple[RiskInput, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def probability(self) -> float | None:
        """The probability, 0..1; None when an input that matters was not known."""
        return None if self.missing else self.low


def malignancy_risk(model: str, facts: Facts) -> MalignancyRisk:
    """Return the probability of malignancy by a logistic model.

    Parameters
    ----------
    model : ``brock`` or ``mayo``
    facts : what is known; of facts that are not, both answers are tried, and the range is told

    Raises
    ------
    WrongImageError
        Age, diameter or number of nodules is not known, or a value makes no sense.

    References
    ----------
    McWilliams A et al. N Engl J Med 2013;369:910-919. Swensen SJ et al. Arch Intern Med 1997;157:849-855.
    """
    table = load_resource("rules/nodule_malignancy.json")[model]
    low = high = float(table["intercept"])
    inputs, missing, notes = [], [], [f"Made for {table['made_for']}."]
    count = facts.get("count")
    if table.get("solitary") and count is not None and float(count) > 1:
        notes.append(f"There are {float(count):g} nodules; the model was made for a single one.")
    for term in table["terms"]:
        value = facts.get(term["fact"])
        parts, shown = _parts(term, value)
        low, high = low + min(parts), high + max(parts)
        inputs.append(RiskInput(term["label"], shown))
        if value is None:
            missing.append(term["label"])
        elif "made_for" in term and not term["made_for"][0] <= float(value) <= term["made_for"][1]:
            first, last = term["made_for"]
            notes.append(f"{term['label']} {shown} lies outside of {first} to {last}, for which the model was made.")
    return MalignancyRisk(
        model=table["name"],
        source=table["source"],
        low=_logistic(low),
        high=_logistic(high),
        inputs=tuple(inputs),
        missing=tuple(missing),
        notes=tuple(notes),
    )


def facts_of_nodule(finding: Finding, findings: Sequence[Finding]) -> Facts:
    """Return what a finding says of itself: diameter, type, and how many nodules there are. The lobe is not known.

    Raises
    ------
    WrongImageError
        It was not measured, or its type is not one that the models know, such as calcified.
    """
    diameter, kind = finding.value("long_axis"), finding.descriptors.get("attenuation", "")
    if diameter is None:
        raise WrongImageError(f"'{finding.name}' has no measured diameter.", "Outline it first.")
    if kind not in ("solid", "part-solid", "ground-glass"):
        raise WrongImageError(
            f"'{finding.name}' is {kind or 'of no known type'}: the models are of solid, part-solid and ground-glass "
            "nodules.",
            "Leave it out.",
        )
    return {"diameter_mm": diameter, "attenuation": kind, "count": float(len(findings))}


def _parts(term: Mapping[str, Any], value: float | bool | str | None) -> tuple[Sequence[float], str]:
    """Return what a term may add, one value when it is known, and how its input is shown."""
    if "choices" in term:
        if value is not None and value not in term["choices"]:
            raise WrongImageError(
                f"'{value}' is no {term['label'].lower()}.", f"Choose of {', '.join(term['choices'])}."
            )
        options = term["choices"].values() if value is None else [term["choices"][value]]
        return tuple(options), "not known" if value is None else str(value)
    coefficient = float(term["coefficient"])
    if "unit" not in term:
        if value is None:
            return (0.0, coefficient), "not known"
        return (coefficient if value else 0.0,), "yes" if value else "no"
    if value is None or isinstance(value, str) or not 0 < float(value) < math.inf:
        raise WrongImageError(
            f"The model needs a positive number for '{term['label']}', not {value}.",
            "State it, or leave the model out.",
        )
    number = (float(value) / term.get("divisor", 1)) ** term.get("power", 1)
    unit = {"a": " years", "mm": " mm"}.get(term["unit"], "")
    return (coefficient * (number - term.get("centre", 0)),), f"{float(value):.3g}{unit}"


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))
