"""Nodule detectors on generated scans and on nodules put into a real CT: network, learning-free score, both joined.

Competition metric of LUNA16 with a 95% interval; then what the multi-view stage leaves of the false positives at equal
sensitivity.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from AIImagingLogic.evaluation.detection import Mark, ScanMatch, match_marks
from AIImagingLogic.evaluation.froc import froc_curve, froc_intervals
from AIImagingLogic.models.builtin.candidate_score import ScoreWeights, score_weights
from AIImagingLogic.models.builtin.ct_lung_nodules_net import shipped_fusion, shipped_runner
from AIImagingLogic.models.builtin.nodule_network.opinions import Runner, opinions
from AIImagingLogic.models.catalogue import load_model, model_ids
from AIImagingLogic.models.protocols import Candidate
from AIImagingLogic.records.progress import Progress
from Testing.Benchmarks.detector_cases import PATIENT, ScanCase, generated_scans, implanted_scans
from Testing.Benchmarks.reporting import Figures, answer
from Testing.Training.multi_view import HELD_OUT_DETECTOR
from Testing.Training.multi_view_ratio import false_positive_ratio, ratio_interval

GENERATED, IMPLANTED = 60, 40
NETWORK, LEARNING_FREE, JOINED = "network", "learning_free", "joined"
JOINED_UNSEEN, LEARNING_FREE_UNSEEN = "joined_unseen", "learning_free_unseen"
"""With a learning-free score that was fitted without the patient: the shipped one was fitted on him too."""
WAYS = (JOINED, NETWORK, LEARNING_FREE, JOINED_UNSEEN, LEARNING_FREE_UNSEEN)
LEAST_SCORE = 0.02
_DRAWS = 500
STAGE = "learning_free_with_views"
_REDUCTION, _DETECTOR = "lung-nodule-views", "ct-lung-nodules"
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Judged:
    """One scan: whose it is, and how the marks of each way match its lesions."""

    person: str
    matches: Mapping[str, ScanMatch]


def run(tell: Tell, generated: int = GENERATED, implanted: int = IMPLANTED) -> tuple[Figures, Mapping[str, Any]]:
    """Return the figures; those of the shipped detector, which joins both, have the plain names."""
    runner = shipped_runner()
    figures: Figures = {}
    groups = {
        "generated": judged(generated_scans(generated), runner, tell),
        "implanted": judged(implanted_scans(implanted), runner, tell),
    }
    for group, scans in groups.items():
        figures |= _figures(group, scans)
    figures |= _stage_figures([scan for scans in groups.values() for scan in scans])
    return figures, {"generated": generated, "implanted": implanted, "implanted_patient": PATIENT}


def judged(cases: Iterable[ScanCase], runner: Runner, tell: Tell) -> list[Judged]:
    """Return how each way did on each scan."""
    result = []
    for case in cases:
        marks = marks_of(case, runner)
        matches = {way: match_marks(_as_marks(found), case.targets) for way, found in marks.items()}
        result.append(Judged(case.person, matches))
        told = [f"{way} {_told(match)}" for way, match in matches.items()]
        tell(f"{case.name}: {sum(not target.excluded for target in case.targets)} lesions; {'; '.join(told)}")
    return result


def marks_of(case: ScanCase, runner: Runner) -> dict[str, tuple[Candidate, ...]]:
    """Return the marks of each way on one scan, best first."""
    fusion, _ = shipped_fusion()
    said = opinions(case.image, case.organs, runner, case.candidates, Progress())
    found = {
        JOINED: said.joined(fusion, LEAST_SCORE),
        NETWORK: said.by_network_alone(LEAST_SCORE),
        LEARNING_FREE: said.by_learning_free(LEAST_SCORE),
    }
    unseen = said.with_learning_free(_unseen_score().scores(case.candidates.figures))
    found[JOINED_UNSEEN] = unseen.joined(fusion, LEAST_SCORE)
    found[LEARNING_FREE_UNSEEN] = unseen.by_learning_free(LEAST_SCORE)
    if _REDUCTION in model_ids():
        before = found[LEARNING_FREE]
        scores = load_model(_REDUCTION).scores(case.image, before, _DETECTOR, Progress())
        found[STAGE] = tuple(replace(mark, score=float(score)) for mark, score in zip(before, scores, strict=True))
    return found


def _stage_figures(scans: Sequence[Judged]) -> Figures:
    """Return what the multi-view stage leaves of the learning-free detector's false positives; nothing without it."""
    if not all(STAGE in scan.matches for scan in scans):
        return {}
    pairs = [(scan.matches[LEARNING_FREE], scan.matches[STAGE]) for scan in scans]
    ratio = false_positive_ratio(pairs, score_weights().operating_score)
    operating, _ = ratio_interval(pairs, score_weights().operating_score)
    return {
        "false_positive_ratio": ratio.operating,
        "false_positive_ratio_interval": operating,
        "false_positives_before": ratio.before,
        "false_positives_after": ratio.after,
        "sensitivity_of_ratio": ratio.sensitivity,
    }


def _figures(group: str, scans: Sequence[Judged]) -> Figures:
    figures: Figures = {}
    for way in WAYS:
        matches = [scan.matches[way] for scan in scans]
        name = f"cpm_{group}" if way == JOINED else f"cpm_{group}_{way}"
        people = [scan.person for scan in scans]
        # One patient cannot be drawn again: his scans are, and the count of patients says so.
        whose = people if len(set(people)) > 1 else None
        figures[name] = froc_curve(matches).competition_metric
        figures[f"{name}_interval"] = list(froc_intervals(matches, whose).competition_metric)
    for seen, (way, other) in {"": (JOINED, LEARNING_FREE), "_unseen": (JOINED_UNSEEN, LEARNING_FREE_UNSEEN)}.items():
        gain, interval = _gain(scans, way, other)
        figures[f"cpm_{group}_gain_by_network{seen}"] = gain
        figures[f"cpm_{group}_gain_by_network{seen}_interval"] = interval
    figures[f"patients_{group}"] = len({scan.person for scan in scans})
    figures[f"lesions_{group}"] = sum(len(scan.matches[JOINED].hit_scores) for scan in scans)
    return figures


def _gain(scans: Sequence[Judged], way: str, other: str) -> tuple[float, list[float]]:
    """Return by how much the metric of one way is larger than another's, with a 95% interval of the same scans drawn.

    Scans of one person are drawn together where there are several people.
    """
    people = list(dict.fromkeys(scan.person for scan in scans))
    groups = (
        [[scan for scan in scans if scan.person == who] for who in people] if len(people) > 1 else [[s] for s in scans]
    )

    def gain(drawn: Sequence[Sequence[Judged]]) -> float:
        ours, theirs = (
            froc_curve([scan.matches[name] for group in drawn for scan in group]).competition_metric
            for name in (way, other)
        )
        return ours - theirs

    random = np.random.default_rng(0)
    gains = [gain([groups[n] for n in random.integers(0, len(groups), len(groups))]) for _ in range(_DRAWS)]
    return gain(groups), [float(value) for value in np.quantile(gains, (0.025, 0.975))]


@cache
def _unseen_score() -> ScoreWeights:
    return ScoreWeights.from_content(json.loads(HELD_OUT_DETECTOR.read_text(encoding="utf-8")))


def _as_marks(candidates: Sequence[Candidate]) -> list[Mark]:
    return [Mark(candidate.position_mm, candidate.score, candidate.diameter_mm) for candidate in candidates]


def _told(match: ScanMatch) -> str:
    hits = sum(score is not None for score in match.hit_scores)
    worst = min((score for score in match.hit_scores if score is not None), default=1.0)
    above = sum(score >= worst for score in match.false_positive_scores)
    return f"{hits} hit, {above} false marks above the last"


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m Testing.Benchmarks.detector", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    parser.add_argument("--generated", type=int, default=GENERATED, help="number of generated scans")
    parser.add_argument("--implanted", type=int, default=IMPLANTED, help="number of scans of the real CT with implants")
    arguments = parser.parse_args()
    tell: Tell = (lambda line: None) if arguments.json else lambda line: print(line, flush=True)
    print(answer("detector", *run(tell, arguments.generated, arguments.implanted)))


if __name__ == "__main__":
    main()
