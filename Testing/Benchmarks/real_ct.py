"""A real nodule found and measured, real lungs outlined, and a real CT followed through known changes."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.geometry import transform_points
from AIImagingLogic.images.info import describe
from AIImagingLogic.images.phantoms.semi_synthetic import SemiSyntheticPair, make_semi_synthetic_pair
from AIImagingLogic.images.read import read_image
from AIImagingLogic.measure.label_overlap import dice
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.timeline import Lesion, LinkStatus, Timeline
from AIImagingLogic.tasks.detect import detect
from AIImagingLogic.tasks.follow_up import follow_up
from AIImagingLogic.tasks.segment import segment
from Testing.Benchmarks.reporting import Figures, run_as_command, shared_data

CROPS = ("lidc0314_ct_whole_1p6mm.nii.gz", "lidc0314_ct_rightlung_native.nii.gz")
FOLLOW_UPS = 10
Tell = Callable[[str], None]
Point = tuple[float, float, float]


def run(tell: Tell) -> tuple[Figures, Mapping[str, Any]]:
    """Return the figures of the real chest CTs."""
    folder = shared_data() / "chest_ct"
    center, diameter_mm = read_truth(folder)
    figures: Figures = _worse_of([_nodule_figures(folder / name, center, diameter_mm, tell) for name in CROPS])
    figures["lungs_dice"] = _lungs_dice(folder)
    tell(f"right lung, Dice {figures['lungs_dice']:.4f}")
    figures |= _follow_up_figures(folder / CROPS[1], center, diameter_mm, tell)
    return figures, {"crops": CROPS, "lungs": "3DCT_lung.mha", "follow_ups": FOLLOW_UPS}


def read_truth(folder: Path) -> tuple[Point, float]:
    """Return centre (LPS mm) and diameter (mm) of the real nodule."""
    with (folder / "lidc0314_nodule.csv").open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))
    x, y, z = (float(row[f"coord{axis}_lps_mm"]) for axis in "XYZ")
    return (x, y, z), float(row["diameter_mm"])


def _nodule_figures(path: Path, center: Point, diameter_mm: float, tell: Tell) -> Figures:
    image, info = read_image(path)
    findings = sorted(detect(image, info).findings, key=lambda finding: -finding.score)
    distances = [_distance(finding, center) for finding in findings]
    hits = [index for index, distance in enumerate(distances) if distance < diameter_mm / 2]
    best = min(range(len(findings)), key=lambda index: distances[index])
    measured = findings[best].value("mean_diameter") or 0.0
    figures = {
        "nodule_distance_mm": distances[best],
        "nodule_rank": best + 1,
        "diameter_ratio": measured / diameter_mm,
        "false_positives": len(findings) - len(hits),
    }
    tell(f"{path.name}: {figures}")
    return figures


def _worse_of(crops: list[Figures]) -> Figures:
    worse = {name: max(crop[name] for crop in crops) for name in crops[0]}
    worse["diameter_ratio"] = max((crop["diameter_ratio"] for crop in crops), key=lambda ratio: abs(ratio - 1))
    return worse


def _lungs_dice(folder: Path) -> float:
    image, info = read_image(folder / "3DCT_lung.mha")
    result = segment(image, info, "ct-lungs")
    right = result.image == result.segment("lung-right").value
    return dice(right, sitk.ReadImage(str(folder / "3DCT_lung_baseline_mask.mha")) > 0)


def _follow_up_figures(path: Path, center: Point, diameter_mm: float, tell: Tell) -> Figures:
    image, _ = read_image(path)
    right, target_errors, growth_errors = [], [], []
    for seed in range(FOLLOW_UPS):
        pair = make_semi_synthetic_pair(image, center, diameter_mm, seed)
        timeline = follow_up(pair.baseline, _info(pair.baseline, 3), pair.followup, _info(pair.followup, 9))
        links, growth_error = _judged(pair, timeline)
        registration = timeline.registrations[0]
        assert registration is not None
        found = transform_points(registration.transform, pair.target_points_mm)
        error = float(pair.target_errors_mm(found).mean())
        right += links
        target_errors.append(error)
        growth_errors.append(growth_error)
        tell(f"follow-up {seed}: links {links}, target error {error:.2f} mm, growth error {growth_error:.3f}")
    return {
        "links_right": float(np.mean(right)),
        "target_error_mm": float(np.mean(target_errors)),
        "target_error_worst_mm": float(np.max(target_errors)),
        "growth_error": float(np.mean(growth_errors)),
        "growth_error_worst": float(np.max(growth_errors)),
    }


def _info(image: sitk.Image, month: int) -> Any:
    return describe(image, modality="CT", intensity_unit="HU", acquired=datetime(2025, month, 1))


def _judged(pair: SemiSyntheticPair, timeline: Timeline) -> tuple[list[bool], float]:
    """Whether the real, the vanished and the new nodule are linked right, and the relative error of the growth."""
    baseline, followup = timeline.visits
    real = _lesion_at(timeline, 0, pair.nodule_baseline_mm, 8.0)
    again = _lesion_at(timeline, 1, pair.nodule_followup_mm, 8.0)
    gone = _lesion_at(timeline, 0, pair.gone.center_mm, pair.gone.mean_diameter_mm / 2)
    new = _lesion_at(timeline, 1, pair.new.center_mm, pair.new.mean_diameter_mm / 2)
    matched = real is not None and real is again and real.status is LinkStatus.MATCHED
    growth_error = 1.0
    if real is not None and matched:
        before = baseline.finding(real.observations[0])
        after = followup.finding(real.observations[1])
        assert before is not None
        assert after is not None
        growth = (after.value("volume") or 0.0) / (before.value("volume") or 1.0)
        growth_error = abs(growth / pair.growth_factor - 1)
    resolved = gone is not None and gone.status is LinkStatus.RESOLVED
    appeared = new is not None and new.status is LinkStatus.NEW
    return [matched, resolved, appeared], growth_error


def _lesion_at(timeline: Timeline, visit: int, center: Point, radius_mm: float) -> Lesion | None:
    near: list[tuple[float, Lesion]] = []
    for lesion in timeline.lesions:
        finding = timeline.visits[visit].finding(lesion.observations[visit])
        if finding is not None and _distance(finding, center) < radius_mm:
            near.append((_distance(finding, center), lesion))
    return min(near, key=lambda entry: entry[0])[1] if near else None


def _distance(finding: Finding, center: Point) -> float:
    return float(np.linalg.norm(np.subtract(finding.box.center_mm, center)))


if __name__ == "__main__":
    run_as_command("real_ct", run)
