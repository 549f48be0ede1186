"""Answers of every response and guideline criterion to patients made at random, with facts missing here and there."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from AIImagingLogic.followup.criteria.assess import assess_response
from AIImagingLogic.followup.criteria.bts import assess_bts, assess_nelson
from AIImagingLogic.followup.criteria.criteria_table import RULES, criteria_table
from AIImagingLogic.followup.criteria.facts import FactsError, LesionObservation, LesionState, VisitFacts
from AIImagingLogic.followup.criteria.response import ResponseAssessment
from AIImagingLogic.followup.fleischner import PatientFacts, assess_fleischner
from AIImagingLogic.followup.lung_rads import assess_lung_rads
from AIImagingLogic.followup.nodule_facts import NoduleFacts, compared
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.timeline import Assessment
from Testing.Benchmarks.random_timelines import random_visits

PATIENTS = 160
_OF_TIMELINE = ("whether lesion 7 is new (not evaluable); it was not counted", "lesion 2 at this visit (merged)")


@cache
def response_answers(rules: str) -> tuple[tuple[ResponseAssessment, ...], ...]:
    """Return the answers of response criteria to each patient, one a visit; every option is on for each second one."""
    patients = []
    options = tuple(criteria_table(rules).options)
    for seed in range(PATIENTS):
        rng = random.Random(seed)
        visits = [_with_gaps(rng, visit, index) for index, visit in enumerate(random_visits(rng))]
        if seed % 10 == 0:
            visits = [replace(visit, targets=()) for visit in visits]
        try:
            patients.append(assess_response(visits, rules, options if seed % 2 else ()))
        except FactsError:
            # Criteria that need a target cannot answer a patient without one.
            continue
    return tuple(patients)


def guideline_answers() -> Iterator[Assessment]:
    """Yield what the guidelines for nodules say of patients with none to four nodules."""
    features = sorted(load_resource("rules/lung_rads_2022.json")["features"])
    incomplete = [None, *load_resource("rules/lung_rads_2022.json")["incomplete"]]
    for seed in range(2 * PATIENTS):
        rng = random.Random(seed)
        nodules = {number: _nodule(rng, features) for number in range(1, rng.choice((1, 2, 2, 3, 5)))}
        yield assess_lung_rads(nodules, rng.choice(incomplete))
        yield assess_bts(nodules, rng.choice((None, 6, 12, 24, 48)))
        yield assess_nelson(nodules)
        patient = PatientFacts(
            rng.choice(("low", "high", None)),
            rng.choice((None, 30, 60)),
            rng.choice((None, False, False, True)),
            rng.choice((None, False, False, True)),
        )
        yield assess_fleischner(nodules, patient)


def words_of(answer: ResponseAssessment | Assessment) -> Iterator[str]:
    """Yield every text of an answer that a report shows."""
    yield answer.category
    yield answer.next_step
    yield answer.reason
    yield from answer.missing
    if isinstance(answer, Assessment):
        yield from answer.by_lesion.values()


def _with_gaps(rng: random.Random, visit: VisitFacts, index: int) -> VisitFacts:
    """Take facts away that a person may not know, and add what a person may say."""
    new = tuple(replace(_lesion(rng, one, 1), attributable=rng.random() < 0.3) for one in visit.new_lesions)
    return replace(
        visit,
        date=None if rng.random() < 0.05 else visit.date,
        targets=tuple(_lesion(rng, one, index) for one in visit.targets),
        new_lesions=new if index else (),
        liver_sul_mean=None if rng.random() < 0.1 else visit.liver_sul_mean,
        liver_sul_sd=rng.choice((None, 0.2, 2.0)),
        markers_above_normal=rng.choice((None, False, True)),
        missing=_OF_TIMELINE if rng.random() < 0.1 else (),
    )


def _lesion(rng: random.Random, one: LesionObservation, index: int) -> LesionObservation:
    if not index:
        return replace(one, tlg=None) if rng.random() < 0.1 else one
    name = rng.choice(("longest_mm", "short_axis_mm", "sul_peak", "tlg", "tlg", *(11 * ["increased"])))
    if name != "increased":
        one = replace(one, **{name: None})  # type: ignore[arg-type]
    states = (LesionState.TOO_SMALL, LesionState.PROGRESSED)
    return replace(one, state=rng.choice(states)) if rng.random() < 0.05 else one


def _nodule(rng: random.Random, features: list[str]) -> NoduleFacts:
    prior = _single(rng)
    if rng.random() < 0.5:
        chosen = frozenset(rng.sample(features, rng.choice((0, 0, 0, 1, 2))))
        status = rng.choice(("baseline", "new"))
        return replace(prior, status=status, features=chosen)
    now = replace(_single(rng), attenuation=rng.choice((prior.attenuation, "part-solid")))
    if rng.random() < 0.5:
        now = replace(now, mean_diameter_mm=round(prior.mean_diameter_mm + rng.choice((-2, 0.3, 1.6, 4)), 1))
    return compared(now, prior, rng.choice((None, 20, 90, 200, 400, 900)))


def _single(rng: random.Random) -> NoduleFacts:
    attenuation = rng.choice(("solid", "solid", "part-solid", "part-solid", "ground-glass", "calcified"))
    mean = rng.randint(30, 320) / 10
    solid = rng.choice((None, mean / 3, mean / 2)) if attenuation == "part-solid" else None
    return NoduleFacts(attenuation, mean, solid_mean_diameter_mm=solid, volume_mm3=rng.choice((None, mean**3 / 2)))


__all__ = ["PATIENTS", "RULES", "guideline_answers", "response_answers", "words_of"]
