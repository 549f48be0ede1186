"""Seconds and peak memory of a follow-up of two 512x512x300 chest CTs, reading to report, stage by stage."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from AIImagingLogic.cli.follow_up_output import write_follow_up
from AIImagingLogic.images.dicom_writing import write_ct_series
from AIImagingLogic.images.phantoms.semi_synthetic import make_semi_synthetic_pair
from AIImagingLogic.images.read import read_image
from AIImagingLogic.records.peak_memory import measured_peak
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.tasks.follow_up import follow_up
from Testing.Benchmarks.real_ct import CROPS, read_truth
from Testing.Benchmarks.reporting import Figures, run_as_command, shared_data

SIZE = (512, 512, 300)


def run(tell: Callable[[str], None]) -> tuple[Figures, Mapping[str, Any]]:
    """Return seconds and peak memory of the whole follow-up and of each stage."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_pair(folder)
        tell("two DICOM series written")
        return _timed(folder, tell), {"size": SIZE, "source": CROPS[0]}


def _write_pair(folder: Path) -> None:
    chest_ct = shared_data() / "chest_ct"
    image, _ = read_image(chest_ct / CROPS[0])
    center, diameter_mm = read_truth(chest_ct)
    pair = make_semi_synthetic_pair(image, center, diameter_mm, 0)
    for label, visit, month in (("baseline", pair.baseline, 3), ("follow-up", pair.followup, 9)):
        acquired = datetime(2025, month, 1)
        write_ct_series(_resampled(visit), folder / label, acquired=acquired, description=label)


def _resampled(image: sitk.Image) -> sitk.Image:
    """Return the image on 512x512x300 voxels that cover the same box."""
    spacing = [size * step / wanted for size, step, wanted in zip(image.GetSize(), image.GetSpacing(), SIZE)]
    first = [0.5 * wanted / step - 0.5 for wanted, step in zip(spacing, image.GetSpacing())]
    origin = image.TransformContinuousIndexToPhysicalPoint(first)
    fine = sitk.Resample(
        image, SIZE, sitk.Transform(), sitk.sitkBSpline, origin, spacing, image.GetDirection(), -1024, sitk.sitkInt16
    )
    # The spline swings a little below air.
    return sitk.Clamp(fine, lowerBound=-1024, upperBound=3071)


def _timed(folder: Path, tell: Callable[[str], None]) -> Figures:
    progress = Progress()
    began = time.perf_counter()
    with measured_peak() as peak:
        with progress.stage("Reading", 0.0, 0.05):
            baseline, baseline_info = read_image(folder / "baseline")
            followup, followup_info = read_image(folder / "follow-up")
        timeline = follow_up(baseline, baseline_info, followup, followup_info, progress.part(0.05, 0.8))
        out = folder / "out"
        out.mkdir()
        write_follow_up(timeline, (baseline, followup), out, True, True, progress.part(0.8, 1.0))
    seconds = time.perf_counter() - began
    for cost in progress.costs:
        tell(f"{cost.seconds:7.1f} s {cost.peak_gb:6.2f} GB  {cost.name}")
    stages = {cost.name: {"seconds": cost.seconds, "peak_gb": cost.peak_gb} for cost in progress.costs}
    return {"seconds": seconds, "peak_gb": peak.gigabytes, "stages": stages}


if __name__ == "__main__":
    run_as_command("followup_speed", run)
