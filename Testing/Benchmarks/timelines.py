"""Timelines of simulated patients against their truth: links, statuses, what may not be called resolved, seconds.

100 patients of 3 to 6 visits and 1 to 40 lesions, whose places are those of a chest phantom, of the lungs of a real
chest CT and of the organs of a real abdominal CT. Statuses are judged by what can be known from the findings: a lesion
that the detector missed at every visit before is rightly called new.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.followup.registered_findings import centers_of
from AIImagingLogic.followup.timeline import make_timeline
from AIImagingLogic.images.geometry import Points, transform_points
from AIImagingLogic.images.phantoms.lung_map import LEFT, RIGHT, lung_map
from AIImagingLogic.images.phantoms.thorax import Physique
from AIImagingLogic.images.read import read_image
from AIImagingLogic.models.catalogue import load_model
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import make_provenance
from AIImagingLogic.records.timeline import Lesion, LinkStatus, Timeline
from AIImagingLogic.tasks.follow_up import lungs_of
from Testing.Benchmarks.reporting import Figures, run_as_command, shared_data
from Testing.Benchmarks.timelines_patient import Patient, TrueLesion, make_patient, spread_points

PATIENTS = 100
EXAM_SEED = 20261
CHEST = "chest_ct/lidc0314_ct_whole_1p6mm.nii.gz"
ABDOMEN = "abdomen_ct/example_seg_fast_force_split.nii.gz"
_POINTS = 6000
_NEAREST_MM = (5.0, 8.0, 12.0, 16.0)
_TIMED_RUNS = 3

Pair = tuple[str, str]


def run(tell: Callable[[str], None]) -> tuple[Figures, Mapping[str, Any]]:
    """Return the figures of the exam's patients."""
    anatomies = make_anatomies(tell)
    figures = score(anatomies, EXAM_SEED, PATIENTS, tell)
    figures["seconds"] = _seconds(anatomies["lungs"])
    return figures, {"patients": PATIENTS, "seed": EXAM_SEED, "anatomies": list(anatomies), "timed": "40 lesions x 6"}


def make_anatomies(tell: Callable[[str], None]) -> dict[str, Points]:
    """Return points (N, 3) mm, LPS of organs in which lesions may lie, by the anatomy's name."""
    random = np.random.default_rng(1)
    phantom = lung_map(Physique())
    image, info = read_image(shared_data() / CHEST)
    lungs = lungs_of(load_model("ct-lungs").segment(image, info, Progress()))
    assert lungs is not None
    organs = sitk.ReadImage(str(shared_data() / ABDOMEN))
    tell("anatomies made")
    return {
        "phantom": np.concatenate([phantom.points_between(side, 3, 100, _POINTS, random) for side in (LEFT, RIGHT)]),
        "lungs": spread_points(sitk.GetArrayViewFromImage(lungs) > 0, lungs, _POINTS, random),
        "abdomen": spread_points(sitk.GetArrayViewFromImage(organs) > 0, organs, _POINTS, random),
    }


def score(anatomies: Mapping[str, Points], seed: int, patients: int, tell: Callable[[str], None]) -> Figures:
    """Return the figures of `patients` patients, the anatomies taking turns."""
    ours, statuses, wrong_statuses = Counter[str](), Counter[str](), Counter[str]()
    nearest = {radius: Counter[str]() for radius in _NEAREST_MM}
    by_anatomy = {name: Counter[str]() for name in anatomies}
    names = list(anatomies)
    for number in range(patients):
        name = names[number % len(names)]
        patient = make_patient(anatomies[name], np.random.default_rng([seed, number]))
        timeline = make_timeline(patient.visits, patient.registrations, make_provenance("follow-up", [], []))
        truth = true_links(patient)
        links = _links(timeline)
        ours += _counted(truth, set(links))
        by_anatomy[name] += _counted(truth, set(links))
        for pair, ambiguous in links.items():
            ours[f"{'ambiguous' if ambiguous else 'sure'} {'right' if pair in truth else 'wrong'}"] += 1
        for radius, counter in nearest.items():
            counter += _counted(truth, nearest_links(patient, radius))
        statuses += _judged(patient, timeline, wrong_statuses)
    best = max(nearest, key=lambda radius: _share(nearest[radius]))
    tell(f"links {dict(ours)}; nearest neighbour within {best:g} mm {dict(nearest[best])}")
    tell(f"statuses {dict(statuses)}; wrong (true > ours) {dict(wrong_statuses.most_common(12))}")
    sure = ours["sure right"] + ours["sure wrong"]
    return {
        "links_right": _share(ours),
        "nearest_neighbour_links_right": _share(nearest[best]),
        "links_right_by_anatomy": {name: _share(counter) for name, counter in by_anatomy.items()},
        "status_right": statuses["right"] / statuses.total(),
        "not_evaluable_called_resolved": wrong_statuses["not evaluable > resolved"],
        "links": ours["right"] + ours["missed"],
        "statuses": statuses.total(),
        "ambiguous_share": 1 - sure / max(_made(ours), 1),
        "sure_links_right": ours["sure right"] / max(sure, 1),
        "ambiguous_links_right": ours["ambiguous right"] / max(ours["ambiguous right"] + ours["ambiguous wrong"], 1),
    }


def true_links(patient: Patient) -> set[Pair]:
    """Return the pairs of findings of one lesion that follow each other in time."""
    return {pair for lesion in patient.lesions for pair in _pairs(lesion.findings)}


def nearest_links(patient: Patient, radius_mm: float) -> set[Pair]:
    """Return what the plain way links: through the same registrations, the nearest pairs first, up to a distance."""
    pairs: set[Pair] = set()
    for earlier, later, registration in zip(patient.visits, patient.visits[1:], patient.registrations):
        expected = transform_points(registration.transform, centers_of(earlier.findings))
        apart = np.linalg.norm(expected[:, None] - centers_of(later.findings)[None], axis=2)
        while apart.size and apart.min() <= radius_mm:
            i, j = np.unravel_index(int(apart.argmin()), apart.shape)
            pairs.add((earlier.findings[int(i)].uid, later.findings[int(j)].uid))
            apart[i], apart[:, j] = np.inf, np.inf
    return pairs


def true_status(lesion: TrueLesion, visit: int) -> LinkStatus | None:
    """Return what is true of a lesion at a visit, told from its findings and from what the visits show."""
    seen = [index for index, uid in enumerate(lesion.findings) if uid is not None]
    if visit < seen[0] or visit == 0:
        return None
    if visit == seen[0]:
        if lesion.split_at is not None:
            return LinkStatus.SPLIT
        return LinkStatus.NEW if any(lesion.evaluable[:visit]) else LinkStatus.NOT_EVALUABLE
    if lesion.findings[visit] is not None:
        if visit == lesion.splits_at:
            return LinkStatus.SPLIT
        return LinkStatus.MERGED if visit == lesion.takes_in_at else LinkStatus.MATCHED
    if lesion.merged_at is not None and visit >= lesion.merged_at:
        return LinkStatus.MERGED
    if not lesion.evaluable[visit]:
        return LinkStatus.NOT_EVALUABLE
    return LinkStatus.NOT_SEEN if visit < seen[-1] else LinkStatus.RESOLVED


def _judged(patient: Patient, timeline: Timeline, wrong: Counter[str]) -> Counter[str]:
    """Count the statuses of every true lesion at every visit after it was first seen."""
    answer = Counter[str]()
    by_uid = {uid: lesion for lesion in timeline.lesions for uid in lesion.observations if uid is not None}
    for lesion in patient.lesions:
        for visit in range(1, len(patient.visits)):
            true = true_status(lesion, visit)
            if true is None:
                continue
            uid = next(uid for uid in reversed(lesion.findings[: visit + 1]) if uid is not None)
            said = _said(by_uid[uid], visit)
            right = said is true
            answer["right" if right else "wrong"] += 1
            if not right:
                wrong[f"{true.value} > {said.value if said else 'nothing'}"] += 1
    return answer


def _said(lesion: Lesion, visit: int) -> LinkStatus | None:
    return lesion.steps[visit].status


def _links(timeline: Timeline) -> dict[Pair, bool]:
    """Return the links of a timeline and whether each is ambiguous."""
    links = {}
    for lesion in timeline.lesions:
        for pair in _pairs(lesion.observations):
            links[pair] = lesion.steps[lesion.observations.index(pair[1])].ambiguous
    return links


def _pairs(uids: tuple[str | None, ...]) -> list[Pair]:
    seen = [uid for uid in uids if uid is not None]
    return list(zip(seen, seen[1:]))


def _counted(truth: set[Pair], made: set[Pair]) -> Counter[str]:
    return Counter(right=len(truth & made), missed=len(truth - made), wrong=len(made - truth))


def _share(links: Counter[str]) -> float:
    """Return right links over all that were made or should have been."""
    return links["right"] / max(links["right"] + links["missed"] + links["wrong"], 1)


def _made(links: Counter[str]) -> int:
    """Return how many links were made."""
    return links["right"] + links["wrong"]


def _seconds(anatomy: Points) -> float:
    """Return the median seconds of a timeline of 40 lesions and 6 visits, registrations given."""
    patient = make_patient(anatomy, np.random.default_rng([EXAM_SEED, PATIENTS]), lesions=40, visits=6)
    seconds = []
    for _ in range(_TIMED_RUNS):
        began = time.perf_counter()
        make_timeline(patient.visits, patient.registrations, make_provenance("follow-up", [], []))
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


if __name__ == "__main__":
    run_as_command("timelines", run)
