"""Outlines by clicks against Slicer's GrowCut, a random walker and level sets: one simulated user for all.

The user clicks in the middle of the largest error: the place deepest, in mm, in the largest part that is missing or too
much. Or the first thing is a box, 3 mm wider than the object on each side; then clicks. A click in the object or a box
counts as one interaction.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.info import describe
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.prompts import Prompts
from AIImagingLogic.tasks.refine import open_refinement
from Testing.Benchmarks.interactive_cases import cases
from Testing.Benchmarks.interactive_courses import OURS, course
from Testing.Benchmarks.interactive_peers import PEERS
from Testing.Benchmarks.reporting import Figures, run_as_command, shared_data

CLICKS = 10
QUICK_CLICKS = 5
STARTS = ("click", "box")
# With coarse peers: a crop of at most this many voxels for them.
COARSE_VOXELS = 40_000
# A click that lowers Dice by more than this made the outline worse.
_FALL = 0.02
_AFTER = (1, 3, 5, 10)
_GOALS = (0.85, 0.90)
_TIMED_SIZE = (512, 512, 300)

Tell = Callable[[str], None]
# Dice after each interaction, by structure, start and method.
Courses = dict[tuple[str, str, str], tuple[float, ...]]


def run(
    tell: Tell,
    clicks: int = CLICKS,
    starts: Sequence[str] = STARTS,
    most_voxels: int | None = None,
    keep: Path | None = None,
    names: tuple[str, ...] = (),
    methods: Sequence[str] = (OURS, *PEERS),
) -> tuple[Figures, Mapping[str, Any]]:
    """Return mean Dice after some interactions, those to a goal, and the error beside the best peer's."""
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(2)
    courses: Courses = {}
    tuning, real = set(), set()
    for case in cases(shared_data(), names):
        (tuning.add(case.name) if case.tuning else None)
        (None if case.made else real.add(case.name))
        for start in starts:
            for method in methods:
                courses[case.name, start, method] = course(case, start, method, clicks, most_voxels, keep)
                shown = " ".join(f"{value:.3f}" for value in courses[case.name, start, method])
                tell(f"{case.name:24s} {start:6s} {method:20s} {shown}")
    figures = figures_of(courses, starts, tuning, real)
    figures["timing"] = our_seconds(tell)
    inputs = {
        "clicks": clicks,
        "starts": list(starts),
        "structures": sorted(real),
        "made_shapes": sorted({name for name, _, _ in courses} - real),
        "tuned_on": sorted(tuning),
        "peers_most_voxels": most_voxels or "1,000,000 GrowCut, 150,000 the others",
        "methods": list(methods),
        "measured": True,
    }
    return figures, inputs


def figures_of(courses: Courses, starts: Sequence[str], tuning: set[str], real: set[str]) -> Figures:
    """Return the figures of all courses."""
    names = list(dict.fromkeys(name for name, _, _ in courses))
    methods = list(dict.fromkeys(method for _, _, method in courses))
    figures: Figures = {}
    for start in starts:
        table = {method: np.array([courses[name, start, method] for name in names]) for method in methods}
        figures[f"{start}_mean_dice_after"] = {
            method: {str(n): float(rows[:, n - 1].mean()) for n in _AFTER if n <= rows.shape[1]}
            for method, rows in table.items()
        }
        if len(methods) > 1:
            figures[f"{start}_error_ratio"] = _error_ratio(courses, start, names, methods)
            figures[f"{start}_error_ratio_not_tuned_on"] = _error_ratio(
                courses, start, [name for name in names if name not in tuning], methods
            )
            figures[f"{start}_error_ratio_real"] = _error_ratio(
                courses, start, [name for name in names if name in real], methods
            )
            figures[f"{start}_best_at"] = sum(
                courses[name, start, OURS][n - 1] >= max(courses[name, start, m][n - 1] for m in methods)
                for name in names
                for n in _AFTER
                if n <= len(courses[name, start, OURS])
            )
            figures[f"{start}_compared_at"] = len(names) * sum(n <= table[OURS].shape[1] for n in _AFTER)
        figures[f"{start}_share_of_clicks_that_lower_dice"] = {
            method: _falls(courses, start, names, method) for method in methods
        }
        for goal in _GOALS:
            figures[f"{start}_clicks_to_{goal:.2f}"] = {
                name: {method: _clicks_to(courses[name, start, method], goal) for method in methods} for name in names
            }
        figures[f"{start}_by_structure"] = {
            name: {
                method: [float(courses[name, start, method][n - 1]) for n in _AFTER if n <= table[method].shape[1]]
                for method in methods
            }
            for name in names
        }
    ratios = [figures[f"{start}_error_ratio"] for start in starts if f"{start}_error_ratio" in figures]
    if ratios:
        figures["error_ratio"] = statistics.mean(ratios)
    return figures


def our_seconds(tell: Tell) -> Figures:
    """Return the time of one `refine` on an image of 512x512x300, click after click."""
    i, j, k = _TIMED_SIZE
    rng = np.random.default_rng(7)
    values = rng.normal(40, 20, (k, j, i)).astype(np.int16)
    for center, radius, level in (((150, 250, 250), 70, 110), ((80, 120, 130), 12, 160), ((220, 380, 360), 30, -20)):
        box = tuple(slice(c - radius, c + radius + 1) for c in center)
        around = np.indices(values[box].shape) - radius
        values[box][(around**2).sum(axis=0) <= radius**2] += np.int16(level - 40)
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((0.7, 0.7, 1.0))
    seconds = []
    for center in ((150, 250, 250), (80, 120, 130), (220, 380, 360)):
        session = open_refinement(image, describe(image))
        inside: tuple[tuple[float, float, float], ...] = ()
        for shift in (0, 3, -3, 6, -6, 9):
            x, y, z = image.TransformIndexToPhysicalPoint((center[2] + shift, center[1] - shift, center[0]))
            inside = (*inside, (x, y, z))
            began = time.perf_counter()
            session.refine(Prompts(inside_mm=inside), Progress())
            seconds.append(time.perf_counter() - began)
    tell("refine, 512x512x300: " + " ".join(f"{1000 * value:.0f}" for value in seconds) + " ms")
    return {
        "refine_median_ms": 1000 * statistics.median(seconds),
        "refine_largest_ms": 1000 * max(seconds),
    }


def _error_ratio(courses: Courses, start: str, names: Sequence[str], methods: Sequence[str]) -> float:
    """Return our missing Dice, mean over interactions 1 to 5 and structures, over that of the best peer."""
    missing = {method: 1 - float(np.mean([courses[name, start, method][:5] for name in names])) for method in methods}
    return missing[OURS] / min(value for method, value in missing.items() if method != OURS)


def _falls(courses: Courses, start: str, names: Sequence[str], method: str) -> float:
    """Return the share of all clicks after the first interaction that lowered Dice."""
    steps = np.concatenate([np.diff(courses[name, start, method]) for name in names])
    return float((steps < -_FALL).mean()) if len(steps) else 0.0


def _clicks_to(dice: Sequence[float], goal: float) -> int | None:
    """Return after how many interactions the goal is first reached; None when it never was."""
    return next((number for number, value in enumerate(dice, 1) if value >= goal), None)


if __name__ == "__main__":
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--quick", action="store_true")
    options.add_argument("--clicks", type=int)
    options.add_argument("--starts", nargs="+", choices=STARTS)
    options.add_argument("--coarse-peers", action="store_true")
    options.add_argument("--ours-alone", action="store_true")
    options.add_argument("--keep", type=Path)
    options.add_argument("--only", nargs="+", default=())
    chosen, rest = options.parse_known_args()
    sys.argv[1:] = rest
    run_as_command(
        "interactive",
        partial(
            run,
            clicks=chosen.clicks or (QUICK_CLICKS if chosen.quick else CLICKS),
            starts=tuple(chosen.starts or (STARTS[:1] if chosen.quick else STARTS)),
            most_voxels=COARSE_VOXELS if chosen.quick or chosen.coarse_peers else None,
            keep=chosen.keep,
            names=tuple(chosen.only),
            methods=(OURS,) if chosen.ours_alone else (OURS, *PEERS),
        ),
    )
