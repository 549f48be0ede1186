"""Random patients for the criteria: lesions that shrink, grow, vanish, come back, are missed; sizes in tenths of mm."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from AIImagingLogic.followup.criteria.facts import LesionObservation, LesionState, VisitFacts

_FACTORS = (0.5, 0.7, 0.8, 0.9, 1.0, 1.0, 1.1, 1.2, 1.3, 1.5)
_ORGANS = ("liver", "lung", "bone", "")


def random_visits(rng: random.Random) -> list[VisitFacts]:
    """Return 2 to 6 visits of one patient with 1 to 5 targets."""
    count = rng.randint(2, 6)
    date = datetime(2025, 1, 1)
    number = 0
    dates = []
    for _ in range(count):
        dates.append(date)
        date += timedelta(days=rng.choice((14, 27, 28, 42, 56, 90)))
    targets, others = [], []
    # One patient in five responds well: lesions vanish together, and some come back.
    responds = rng.random() < 0.2
    for _ in range(rng.randint(1, 3 if responds else 5)):
        number += 1
        targets.append(_course(rng, number, count, rng.random() < 0.3, responds))
    for _ in range(0 if responds else rng.randint(0, 2)):
        number += 1
        others.append(_non_target_course(rng, number, count))
    new = [] if responds else _new_courses(rng, number, count)
    liver = rng.randint(15, 25) / 10
    return [
        VisitFacts(
            date=dates[index],
            targets=tuple(course[index] for course in targets),
            non_targets=tuple(course[index] for course in others),
            new_lesions=tuple(lesion for course in new for lesion in course[index : index + 1] if lesion is not None),
            liver_sul_mean=liver + rng.choice((0, 0, 0, 0.1, -0.1, 0.4)) if index else liver,
            spleen_mm=rng.choice((None, 110, 120, 130, 135, 150, 160)) if index else 130,
        )
        for index in range(count)
    ]


def _course(rng: random.Random, number: int, count: int, is_node: bool, responds: bool) -> list[LesionObservation]:
    organ = rng.choice(_ORGANS)
    longest, sul = rng.randint(150, 800), rng.randint(20, 150)
    trend = rng.choice((_FACTORS, _FACTORS[:6], _FACTORS[4:]))
    course = []
    for index in range(count):
        if index:
            longest = max(20, round(longest * rng.choice(trend)))
            sul = max(5, round(sul * rng.choice(trend)))
        state, draw = LesionState.PRESENT, rng.random()
        if index and draw < 0.04:
            course.append(LesionObservation(number, organ, is_node, LesionState.NOT_EVALUATED))
            continue
        if index and draw < (0.7 if responds else 0.2 if trend is not _FACTORS else 0.1):
            course.append(LesionObservation(number, organ, is_node, LesionState.GONE))
            continue
        short = max(1, round(longest * 0.7))
        size = (longest / 10, short / 10, sul / 10, longest * sul / 100)
        course.append(LesionObservation(number, organ, is_node, state, *size))
    return course


def _non_target_course(rng: random.Random, number: int, count: int) -> list[LesionObservation]:
    weights = (70, 20, 5, 5)
    states = (LesionState.PRESENT, LesionState.GONE, LesionState.NOT_EVALUATED, LesionState.PROGRESSED)
    course = [LesionObservation(number, "peritoneum")]
    for _ in range(1, count):
        state = rng.choices(states, weights)[0]
        grew = state in (LesionState.PRESENT, LesionState.PROGRESSED) and rng.random() < 0.2
        course.append(LesionObservation(number, "peritoneum", state=state, increased=grew))
    return course


def _new_courses(rng: random.Random, number: int, count: int) -> list[list[LesionObservation | None]]:
    courses: list[list[LesionObservation | None]] = []
    for offset in range(rng.choice((0, 0, 0, 1, 1, 2))):
        first = rng.randint(1, count - 1)
        size = rng.randint(30, 250)
        course: list[LesionObservation | None] = [None] * first
        for _ in range(first, count):
            course.append(
                LesionObservation(
                    number + offset + 1,
                    rng.choice(_ORGANS),
                    longest_mm=size / 10,
                    short_axis_mm=round(size * 0.7) / 10,
                    sul_peak=3.0,
                )
            )
            size = max(10, round(size * rng.choice(_FACTORS)))
        courses.append(course)
    return courses
