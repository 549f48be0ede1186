"""The nodule detector on a real CT that it was not trained on: the place of the known nodule, and every other mark."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from AIImagingLogic.images.read import read_image
from AIImagingLogic.models.builtin.candidate_search import candidates_of_lungs
from AIImagingLogic.models.builtin.ct_lung_nodules_net import shipped_fusion, shipped_runner
from AIImagingLogic.models.catalogue import load_model
from AIImagingLogic.models.protocols import Candidate
from AIImagingLogic.records.progress import Progress
from Testing.Benchmarks.detector import (
    JOINED,
    JOINED_UNSEEN,
    LEARNING_FREE,
    LEARNING_FREE_UNSEEN,
    NETWORK,
    PATIENT,
    WAYS,
    marks_of,
)
from Testing.Benchmarks.detector_cases import ScanCase
from Testing.Benchmarks.real_ct import CROPS, read_truth
from Testing.Benchmarks.reporting import Figures, answer, shared_data

_SHOWN = 8
"""Marks of a crop that are listed: those of the best scores."""
Tell = Callable[[str], None]


def run(tell: Tell, pictures: Path | None = None) -> tuple[Figures, Mapping[str, Any]]:
    """Return the figures: ranks are the worse of two crops, the marks those of each.

    Parameters
    ----------
    pictures : folder for a picture of each crop's marks; None: none
    """
    folder = shared_data() / "chest_ct"
    center, diameter_mm = read_truth(folder)
    _, operating_score = shipped_fusion()
    runner = shipped_runner()
    ranks: dict[str, list[int]] = {way: [] for way in WAYS}
    others: dict[str, list[dict[str, Any]]] = {}
    for name in CROPS:
        image, info = read_image(folder / name)
        organs = load_model("ct-lungs").segment(image, info, Progress())
        candidates = candidates_of_lungs(image, organs, Progress())
        found = marks_of(ScanCase(name, PATIENT, image, organs, candidates, ()), runner)
        for way in WAYS:
            ranks[way].append(_rank(found[way], center, diameter_mm))
        shown = found[JOINED][:_SHOWN]
        others[name] = [_told(mark, operating_score) for mark in shown if _distance(mark, center) >= diameter_mm / 2]
        tell(f"{name}: rank {ranks[JOINED][-1]}, by each way { ({way: ranks[way][-1] for way in WAYS}) }")
        for mark in others[name]:
            tell(f"  {mark}")
        if pictures is not None:
            from Testing.Pictures.detector_marks import draw_marks

            draw_marks(image, shown, pictures / f"detector_{name.split('.')[0]}.png")
    figures: Figures = {
        "nodule_rank": max(ranks[JOINED]),
        "nodule_rank_network": max(ranks[NETWORK]),
        "nodule_rank_learning_free": max(ranks[LEARNING_FREE]),
        "nodule_rank_learning_free_unseen": max(ranks[LEARNING_FREE_UNSEEN]),
        "nodule_rank_joined_unseen": max(ranks[JOINED_UNSEEN]),
        "other_marks": max(sum(mark["finding"] for mark in each) for each in others.values()),
        "marks": others,
    }
    return figures, {"patient": PATIENT, "crops": CROPS, "operating_score": operating_score}


def _rank(marks: tuple[Candidate, ...], center: tuple[float, float, float], diameter_mm: float) -> int:
    """Return the place of the first mark within the nodule's radius, 1 for the best; 0 where there is none."""
    hits = [place for place, mark in enumerate(marks, 1) if _distance(mark, center) < diameter_mm / 2]
    return hits[0] if hits else 0


def _told(mark: Candidate, operating_score: float) -> dict[str, Any]:
    return {
        "position_mm": [round(value, 1) for value in mark.position_mm],
        "diameter_mm": round(mark.diameter_mm, 1),
        "score": round(mark.score, 3),
        "finding": mark.score >= operating_score,
    }


def _distance(mark: Candidate, center: tuple[float, float, float]) -> float:
    return float(np.linalg.norm(np.subtract(mark.position_mm, center)))


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m Testing.Benchmarks.detector_real", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    parser.add_argument("--pictures", type=Path, help="folder for a picture of the marks of each crop")
    arguments = parser.parse_args()
    tell: Tell = (lambda line: None) if arguments.json else lambda line: print(line, flush=True)
    print(answer("detector_real", *run(tell, arguments.pictures)))


if __name__ == "__main__":
    main()
