"""Scans to judge nodule detectors by, which no fit or training saw: generated ones, and implants into a real CT.

They are those that the multi-view stage is measured on. Made scans are kept in the folder of AIIMAGING_BENCHMARK_SCANS
where that is set: making them takes most of the time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import SimpleITK as sitk

from AIImagingLogic.evaluation.detection import Target
from AIImagingLogic.models.builtin.candidate_search import LungCandidates
from AIImagingLogic.records.segmentation import Segmentation
from Testing.Benchmarks.reporting import shared_data
from Testing.Training.multi_view_scans import ScanName, held_out_scans, kept_scan, make_scan
from Testing.Training.nodule_score_cases import find_lungs

PATIENT = "LIDC-IDRI-0314"
_A_PAIR, _A_VARIANT = 4, 2
"""Scans that a number of `held_out_scans` gives: two recipes with two visits; two crops of the real CT."""


@dataclass(frozen=True)
class ScanCase:
    """One scan: its name, whose it is, CT in HU, lungs and candidates as the program finds them, and its lesions."""

    name: str
    person: str
    image: sitk.Image
    organs: Segmentation
    candidates: LungCandidates
    targets: tuple[Target, ...]


def generated_scans(count: int) -> Iterator[ScanCase]:
    """Yield `count` generated scans, two of each person."""
    names = [name for name in held_out_scans(-(-count // _A_PAIR), 0) if not name.real]
    return scan_cases(names[:count])


def implanted_scans(count: int) -> Iterator[ScanCase]:
    """Yield `count` scans of one real patient with nodules of every kind put in; his own nodule counts too."""
    names = [name for name in held_out_scans(0, 1 + -(-count // _A_VARIANT)) if name.real and name.number]
    return scan_cases(names[:count])


def scan_cases(names: Sequence[ScanName]) -> Iterator[ScanCase]:
    """Yield the named scans, from the folder of kept ones where they are there."""
    kept = os.environ.get("AIIMAGING_BENCHMARK_SCANS")
    folder = shared_data() / "chest_ct"
    for name in names:
        image, case = kept_scan(name, folder, Path(kept)) if kept else make_scan(name, folder)
        yield ScanCase(str(name), case.group, image, find_lungs(image), case.candidates, case.targets)
