"""What must hold of every patient, whatever the tables say; none of it reads the tables."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from AIImagingLogic.followup.criteria.bts import assess_bts, assess_nelson
from AIImagingLogic.followup.criteria.facts import LesionObservation, LesionState, VisitFacts
from AIImagingLogic.followup.criteria.irecist import assess_irecist
from AIImagingLogic.followup.criteria.lugano import assess_lugano
from AIImagingLogic.followup.criteria.percist import assess_percist
from AIImagingLogic.followup.criteria.recist import assess_recist
from AIImagingLogic.followup.criteria.response import ResponseAssessment
from AIImagingLogic.followup.lung_rads import category_of
from AIImagingLogic.followup.nodule_facts import NoduleFacts
from Testing.Benchmarks.random_timelines import random_visits

Visits = Sequence[VisitFacts]
Assess = Callable[[Visits], tuple[ResponseAssessment, ...]]

_GONE, _UNSEEN = LesionState.GONE, LesionState.NOT_EVALUATED
_RANK = {name: rank for rank, name in enumerate(("CR", "PR", "SD", "PD"))}
_METABOLIC_RANK = {name: rank for rank, name in enumerate(("CMR", "PMR", "SMD", "PMD"))}
_LUNG_RADS = ("1", "2", "3", "4A", "4B")
_BTS = ("discharge", "CT 12 mo", "CT 3 mo", "risk model")
_NELSON = ("negative", "indeterminate", "positive")


def contradictions_of(seed: int) -> tuple[list[str], list[str]]:
    """Return what does not hold of the patient of a seed, and the categories that were given."""
    rng = random.Random(seed)
    visits = random_visits(rng)
    recist, irecist = assess_recist(visits), assess_irecist(visits)
    percist, lugano = assess_percist(visits), assess_lugano(visits)
    broken = [
        *_recist_contradictions(rng, visits, recist),
        *_irecist_contradictions(recist, irecist),
        *_percist_contradictions(rng, visits, percist),
        *_lugano_contradictions(rng, visits, lugano),
        *_nodule_contradictions(rng),
    ]
    for name, assess, answers in (
        ("RECIST", assess_recist, recist),
        ("iRECIST", assess_irecist, irecist),
        ("PERCIST", assess_percist, percist),
        ("Lugano", assess_lugano, lugano),
    ):
        broken += [f"{name}: {text}" for text in _general_contradictions(rng, visits, assess, answers)]
    given = [
        f"{answer.rules} {answer.category}" for answers in (recist, irecist, percist, lugano) for answer in answers
    ]
    return broken, given


def _general_contradictions(
    rng: random.Random, visits: Visits, assess: Assess, answers: Sequence[ResponseAssessment]
) -> Iterator[str]:
    shuffled = [_shuffled(rng, visit) for visit in visits]
    for one, other in zip(answers, assess(shuffled)):
        if (one.category, one.row, one.figures) != (other.category, other.row, other.figures):
            yield "depends on the order of the lesions"
            break
    length = rng.randint(1, len(visits))
    if list(assess(visits[:length])) != list(answers[:length]):
        yield "an answer depends on later visits"
    if any(not answer.row or not answer.reason or not answer.source for answer in answers):
        yield "an answer without row, reason or source"
    if any(bool(visit.missing) and not answer.missing for visit, answer in zip(visits, answers)):
        yield "what was missing is not told"


def _recist_contradictions(rng: random.Random, visits: Visits, answers: Sequence[ResponseAssessment]) -> Iterator[str]:
    last, answer = visits[-1], answers[-1]
    for visit, one, expected in zip(visits[1:], answers[1:], _plain_recist(visits)):
        if visit.new_lesions and one.category != "PD":
            yield "RECIST: new lesion without PD"
        if one.category == "CR" and not _nothing_left(visit):
            yield "RECIST: CR with disease left"
        if one.category != expected:
            yield f"RECIST: plain arithmetic says {expected}, the table {one.category}"
    grown = assess_recist([*visits[:-1], _grown(rng, last)])[-1].category
    if grown in _RANK and answer.category in _RANK and _RANK[grown] < _RANK[answer.category]:
        yield "RECIST: better after a target grew"
    if assess_recist([*visits, last])[-1].category != answer.category:
        yield "RECIST: changes when nothing changed"
    if all(not target.is_node for target in visits[0].targets):
        twice = assess_recist([_scaled(visit, 2) for visit in visits])[-1].category
        if twice != answer.category and twice != "PD":
            yield "RECIST: another answer in doubled sizes"
    unseen = assess_recist([*visits[:-1], _one_unseen(rng, last)])[-1].category
    if unseen not in ("NE", "PD") or (unseen == "PD" and answer.category not in ("PD", "NE")):
        yield "RECIST: an unseen target is taken for seen"
    tiny = LesionObservation(70, "skin", longest_mm=2.0)
    with_tiny = [replace(visit, non_targets=(*visit.non_targets, tiny)) for visit in visits]
    beside = assess_recist(with_tiny)[-1].category
    if answer.row != "pd-reappeared" and beside != ("PR" if answer.category == "CR" else answer.category):
        yield "RECIST: a stable small lesion changes more than CR to PR"


def _plain_recist(visits: Visits) -> Iterator[str]:
    """The answer by arithmetic on whole tenths of a millimetre."""
    sums: list[int] = []
    had_response = False
    for index, visit in enumerate(visits):
        sizes = [None if target.state is _UNSEEN else round(10 * (target.diameter_mm or 0)) for target in visit.targets]
        complete, total = None not in sizes, sum(size or 0 for size in sizes)
        if index == 0:
            sums.append(total)
            continue
        nadir = min(sums)
        normal = all(
            size is None or target.state is _GONE or (target.is_node and size < 100)
            for target, size in zip(visit.targets, sizes)
        )
        gone = complete and normal
        others = [lesion.state for lesion in visit.non_targets]
        rises = total * 10 >= nadir * 12 and total - nadir >= 50 and not normal
        persists = LesionState.PRESENT in others and _UNSEEN not in others
        seen_again = had_response and (persists or (complete and not gone))
        if visit.new_lesions or LesionState.PROGRESSED in others or rises or seen_again:
            answer = "PD"
        elif not complete:
            answer = "NE"
        elif gone:
            answer = "CR" if all(state is _GONE for state in others) else "PR"
        else:
            answer = "PR" if total * 10 <= sums[0] * 7 else "SD"
        had_response = had_response or answer == "CR"
        if complete:
            sums.append(total)
        yield answer


def _nothing_left(visit: VisitFacts) -> bool:
    lesions = (*visit.targets, *visit.non_targets)
    return not visit.new_lesions and all(
        lesion.state is _GONE or (lesion.is_node and (lesion.short_axis_mm or 99) < 10) for lesion in lesions
    )


def _irecist_contradictions(
    recist: Sequence[ResponseAssessment], answers: Sequence[ResponseAssessment]
) -> Iterator[str]:
    plain = [answer.category for answer in recist[1:]]
    immune = [answer.category for answer in answers[1:]]
    first = plain.index("PD") if "PD" in plain else len(plain)
    if any(one != (other if other in ("NE", "NED") else f"i{other}") for one, other in zip(immune[:first], plain)):
        yield "iRECIST: differs from RECIST 1.1 before any progression"
    if first < len(plain) and immune[first] != "iUPD":
        yield "iRECIST: the first progression is not unconfirmed"
    if "iCPD" in immune:
        confirmed = immune.index("iCPD")
        before = [category for category in immune[:confirmed] if category != "NE"]
        if before[-1:] != ["iUPD"]:
            yield "iRECIST: confirmed without an unconfirmed progression right before"
        if set(immune[confirmed:]) != {"iCPD"}:
            yield "iRECIST: confirmed progression is taken back"
        called = max(index for index in range(confirmed) if immune[index] == "iUPD")
        while called and immune[called - 1] in ("iUPD", "NE"):
            called -= 1
        called = next(index for index in range(called, confirmed) if immune[index] == "iUPD")
        then, now = answers[called + 1].date, answers[confirmed + 1].date
        if then is not None and now is not None and (now - then).days < 28:
            yield "iRECIST: confirmed within 4 weeks"
    for one, other in zip(recist, answers):
        if one.figures["sum_mm"] != other.figures["sum_mm"]:
            yield "iRECIST: another sum than RECIST 1.1"


def _percist_contradictions(rng: random.Random, visits: Visits, answers: Sequence[ResponseAssessment]) -> Iterator[str]:
    for visit, one in zip(visits[1:], answers[1:]):
        if visit.new_lesions and one.category != "PMD":
            yield "PERCIST: new lesion without PMD"
        lesions = (*visit.targets, *visit.non_targets)
        if one.category == "CMR" and any(lesion.state is not _GONE for lesion in lesions):
            yield "PERCIST: CMR with uptake left"
    hotter = assess_percist([*visits[:-1], _grown(rng, visits[-1])])[-1].category
    now = answers[-1].category
    if hotter in _METABOLIC_RANK and now in _METABOLIC_RANK and _METABOLIC_RANK[hotter] < _METABOLIC_RANK[now]:
        yield "PERCIST: better after a lesion got hotter"


def _lugano_contradictions(rng: random.Random, visits: Visits, answers: Sequence[ResponseAssessment]) -> Iterator[str]:
    for visit, one in zip(visits[1:], answers[1:]):
        large = any((lesion.longest_mm or 0) > (15 if lesion.is_node else 10) for lesion in visit.new_lesions)
        if large and one.category != "PD":
            yield "Lugano: large new lesion without PD"
        left = any(
            target.state is _UNSEEN or (target.longest_mm or 0) > (15 if target.is_node else 0)
            for target in visit.targets
        )
        if one.category == "CR" and (left or any(lesion.state is not _GONE for lesion in visit.non_targets)):
            yield "Lugano: CR with disease left"
    grown = assess_lugano([*visits[:-1], _grown(rng, visits[-1])])[-1].category
    now = answers[-1].category
    if grown in _RANK and now in _RANK and _RANK[grown] < _RANK[now]:
        yield "Lugano: better after a target grew"


def _nodule_contradictions(rng: random.Random) -> Iterator[str]:
    small, large = sorted((rng.randint(30, 200) / 10, rng.randint(30, 200) / 10))
    attenuation = rng.choice(("solid", "part-solid", "ground-glass"))
    ranks = [_LUNG_RADS.index(category_of(NoduleFacts(attenuation, mm)).category) for mm in (small, large)]
    if ranks[0] > ranks[1]:
        yield "Lung-RADS: the larger nodule has the lower category"
    ranks = [_BTS.index(assess_bts({1: NoduleFacts("solid", mm)}).category) for mm in (small, large)]
    if ranks[0] > ranks[1]:
        yield "BTS: the larger nodule is less urgent"
    facts = [NoduleFacts("solid", mm, volume_mm3=mm**3 / 2) for mm in (small, large)]
    ranks = [_NELSON.index(assess_nelson({1: one}).category) for one in facts]
    if ranks[0] > ranks[1]:
        yield "NELSON: the larger nodule has the lower class"
    days = rng.randint(30, 900)
    grown = replace(facts[1], prior=facts[0], interval_days=days)
    slower = replace(grown, interval_days=days + 200)
    fast, slow = (assess_bts({1: one}).category for one in (grown, slower))
    if slow == "work-up" and fast != "work-up":
        yield "BTS: slower growth is more urgent"


def _shuffled(rng: random.Random, visit: VisitFacts) -> VisitFacts:
    def mixed(lesions: Sequence[LesionObservation]) -> tuple[LesionObservation, ...]:
        return tuple(rng.sample(lesions, len(lesions)))

    return replace(
        visit,
        targets=mixed(visit.targets),
        non_targets=mixed(visit.non_targets),
        new_lesions=mixed(visit.new_lesions),
    )


def _changed(visit: VisitFacts, number: int, change: Callable[[LesionObservation], LesionObservation]) -> VisitFacts:
    return replace(visit, targets=tuple(change(one) if one.number == number else one for one in visit.targets))


def _grown(rng: random.Random, visit: VisitFacts) -> VisitFacts:
    factor = rng.choice((1.01, 1.1, 1.5, 3.0))

    def larger(one: LesionObservation) -> LesionObservation:
        if not one.is_seen:
            return one
        values = {name: getattr(one, name) for name in ("longest_mm", "short_axis_mm", "sul_peak", "tlg")}
        return replace(one, **{name: round(value * factor, 1) for name, value in values.items() if value is not None})

    return _changed(visit, rng.choice(visit.targets).number, larger)


def _one_unseen(rng: random.Random, visit: VisitFacts) -> VisitFacts:
    def unseen(one: LesionObservation) -> LesionObservation:
        return LesionObservation(one.number, one.organ, one.is_node, _UNSEEN)

    return _changed(visit, rng.choice(visit.targets).number, unseen)


def _scaled(visit: VisitFacts, factor: float) -> VisitFacts:
    def scaled(one: LesionObservation) -> LesionObservation:
        return replace(one, longest_mm=None if one.longest_mm is None else one.longest_mm * factor)

    return replace(visit, targets=tuple(scaled(one) for one in visit.targets))
