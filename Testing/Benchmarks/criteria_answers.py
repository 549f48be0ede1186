"""What the criteria answer to the cases of criteria_cases, which were written from the rules, not from the tables."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from AIImagingLogic.followup.criteria.bts import assess_bts, assess_nelson
from AIImagingLogic.followup.criteria.facts import LesionObservation, LesionState, VisitFacts
from AIImagingLogic.followup.criteria.irecist import assess_irecist
from AIImagingLogic.followup.criteria.lugano import assess_lugano
from AIImagingLogic.followup.criteria.percist import assess_percist
from AIImagingLogic.followup.criteria.recist import assess_recist
from AIImagingLogic.followup.criteria.target_choice import propose_targets
from AIImagingLogic.followup.fleischner import PatientFacts, assess_fleischner, recommendation_of
from AIImagingLogic.followup.lung_rads import assess_lung_rads, category_of
from AIImagingLogic.followup.nodule_facts import NoduleFacts, compared
from AIImagingLogic.measure.growth import doubling_time_days

_FOLDER = Path(__file__).parent / "criteria_cases"
_START = datetime(2025, 1, 1)
_STATES = {"p": LesionState.PRESENT, "u": LesionState.PROGRESSED, "i": LesionState.PROGRESSED, "g": LesionState.GONE}


@dataclass(frozen=True)
class AnsweredCase:
    """A case, what the rules say and what was answered."""

    name: str
    expected: Any
    answer: Any


def answered_cases() -> Iterator[AnsweredCase]:
    """Answer every case of every file."""
    for name, answer in _ANSWERS.items():
        for case in json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))["cases"]:
            *question, expected = case
            yield AnsweredCase(f"{name} {json.dumps(question)}", expected, answer(*question))
    yield from _overall_cells()


def _lung_rads(attenuation: str, status: str, mean: float, solid: float, solid_status: str, features: str) -> str:
    facts = NoduleFacts(attenuation, mean, status, solid, solid_status, features=frozenset(features.split()))
    return category_of(facts).category


def _lung_rads_followed(kind: str, before: float | None, after: float, days: float | None) -> str:
    attenuation = "ground-glass" if kind == "glass" else "solid"
    facts = NoduleFacts(attenuation, after)
    if before is not None:
        facts = compared(facts, NoduleFacts(attenuation, before), days)
    if kind == "status":
        return facts.status
    answer = assess_lung_rads({1: facts})
    if kind != "next":
        return answer.category
    words = ("12 months", "6 months", "3 months", "work-up")
    return next((word for word in words if word in answer.next_step), answer.next_step)


def _fleischner(attenuation: str, number: str, risk: str, mean: float, solid: float | None) -> str:
    return recommendation_of(NoduleFacts(attenuation, mean, solid_mean_diameter_mm=solid), number, risk).category


def _lung_rads_patient(incomplete: str | None, diameters: Sequence[float]) -> str:
    facts = {number: NoduleFacts("solid", mm) for number, mm in enumerate(diameters, 1)}
    return assess_lung_rads(facts, incomplete).category


def _fleischner_patient(age: float, cancer: bool, immunosuppressed: bool) -> str:
    return assess_fleischner(
        {1: NoduleFacts("solid", 5.0)}, PatientFacts("low", age, cancer, immunosuppressed)
    ).category


def _nodule_growth(
    kind: str, attenuation: str, diameters: list[float] | None, volumes: list[float] | None, days: float | None
) -> str | float:
    if kind == "doubling":
        before, after = volumes or diameters or []
        return round(doubling_time_days(before, after, days or 0, 3 if volumes else 1), 9)
    visits = [
        NoduleFacts(attenuation, diameter, volume_mm3=volumes[index] if volumes else None)
        for index, diameter in enumerate(diameters or [])
    ]
    facts = visits[0] if len(visits) == 1 else compared(visits[1], visits[0], days)
    return (assess_bts if kind == "bts" else assess_nelson)({1: facts}).category


def _recist(sizes: Sequence[Sequence[float | str | None]]) -> list[str]:
    answers = assess_recist([VisitFacts(targets=_targets(visit)) for visit in sizes])
    return [answer.category for answer in answers[1:]]


def _targets(sizes: Sequence[float | str | None]) -> tuple[LesionObservation, ...]:
    return tuple(_target(number, size) for number, size in enumerate(sizes, 1))


def _target(number: int, size: float | str | None) -> LesionObservation:
    if isinstance(size, str):
        return LesionObservation(number, is_node=True, short_axis_mm=float(size[1:]))
    state = LesionState.NOT_EVALUATED if size is None else LesionState.GONE if size == 0 else LesionState.PRESENT
    return LesionObservation(number, state=state, longest_mm=size)


def _overall_cells() -> Iterator[AnsweredCase]:
    table = json.loads((_FOLDER / "recist_overall.json").read_text(encoding="utf-8"))
    for (target, row), new in itertools.product(table["rows"].items(), (False, True)):
        for non_target, expected in zip(table["non_targets"], row, strict=True):
            now = (*_OVERALL_TARGETS[target], *_OVERALL_OTHERS[non_target])
            baseline = VisitFacts(
                targets=() if target == "none" else _targets([100]),
                non_targets=() if non_target == "none" else (LesionObservation(9),),
            )
            others = tuple(lesion for lesion in now if lesion.number == 9)
            targets = tuple(lesion for lesion in now if lesion.number == 1)
            found = (LesionObservation(90, longest_mm=4),) if new else ()
            answer = assess_recist([baseline, VisitFacts(targets=targets, non_targets=others, new_lesions=found)])[1]
            name = f"recist_overall {target}, {non_target}, new {new}"
            yield AnsweredCase(name, "PD" if new else expected, answer.category)


_OVERALL_TARGETS: Mapping[str, tuple[LesionObservation, ...]] = {
    "CR": _targets([0]),
    "PR": _targets([60]),
    "SD": _targets([90]),
    "PD": _targets([130]),
    "NE": _targets([None]),
    "none": (),
}
_OVERALL_OTHERS: Mapping[str, tuple[LesionObservation, ...]] = {
    "CR": (LesionObservation(9, state=LesionState.GONE),),
    "non-CR/non-PD": (LesionObservation(9),),
    "PD": (LesionObservation(9, state=LesionState.PROGRESSED),),
    "NE": (LesionObservation(9, state=LesionState.NOT_EVALUATED),),
    "none": (),
}


def _irecist(visits: Sequence[tuple[float, float | None, list[float], str]]) -> list[str]:
    facts = []
    for week, size, new, other in visits:
        others = (LesionObservation(50, state=_STATES[other], increased=other == "i"),) if other else ()
        found = tuple(LesionObservation(90 + n, longest_mm=mm) for n, mm in enumerate(new))
        date = _START + timedelta(weeks=week)
        facts.append(VisitFacts(date, targets=_targets([size]), non_targets=others, new_lesions=found))
    return [answer.category for answer in assess_irecist(facts)[1:]]


def _percist(sul: Sequence[float | None], liver: Sequence[float], glycolysis: Sequence[float] | None, new: bool) -> str:
    visits = []
    for index in (0, 1):
        peak = sul[index]
        state = LesionState.GONE if peak is None else LesionState.PRESENT
        tlg = glycolysis[index] if glycolysis else None
        hot = LesionObservation(1, state=state, sul_peak=peak, tlg=tlg)
        found = (LesionObservation(90, sul_peak=3.0),) if new and index else ()
        visits.append(VisitFacts(targets=(hot,), new_lesions=found, liver_sul_mean=liver[index]))
    return assess_percist(visits)[1].category


def _lugano(visits: Sequence[Sequence[Any]], spleen: Sequence[float] | None, new: Sequence[tuple[str, float]]) -> str:
    is_node = visits[0][0][0] == "n"
    facts = []
    for index, sizes in enumerate(visits):
        targets = tuple(_lugano_target(number, size, is_node) for number, size in enumerate(sizes, 1))
        found = tuple(
            LesionObservation(90 + n, is_node=kind == "n", longest_mm=mm, short_axis_mm=mm / 2)
            for n, (kind, mm) in enumerate(new)
        )
        last = index == len(visits) - 1
        length = spleen[index] if spleen else None
        facts.append(VisitFacts(targets=targets, new_lesions=found if last else (), spleen_mm=length))
    return assess_lugano(facts)[-1].category


def _lugano_target(number: int, size: Any, is_node: bool) -> LesionObservation:
    if isinstance(size, str):
        state = LesionState.TOO_SMALL if size == "small" else LesionState.NOT_EVALUATED
        return LesionObservation(number, is_node=is_node, state=state)
    kind, longest, perpendicular = size
    state = LesionState.PRESENT if longest else LesionState.GONE
    return LesionObservation(number, is_node=kind == "n", state=state, longest_mm=longest, short_axis_mm=perpendicular)


def _target_choice(node: bool, longest: float, short: float, thickness: float) -> str:
    lesion = LesionObservation(1, "liver", node, longest_mm=longest, short_axis_mm=short)
    choice = propose_targets([lesion], slice_thickness_mm=thickness)
    return "target" if choice.targets else "non-target" if choice.non_targets else "normal"


_ANSWERS: Mapping[str, Callable[..., Any]] = {
    "lung_rads": _lung_rads,
    "lung_rads_followed": _lung_rads_followed,
    "lung_rads_patient": _lung_rads_patient,
    "fleischner": _fleischner,
    "fleischner_patient": _fleischner_patient,
    "nodule_growth": _nodule_growth,
    "recist": _recist,
    "irecist": _irecist,
    "percist": _percist,
    "lugano": _lugano,
    "target_choice": _target_choice,
}
