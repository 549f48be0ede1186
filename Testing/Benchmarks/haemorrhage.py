"""Acute blood in the skull: known blood of head phantoms, none of a real patient, and images that must be refused.

With `--tuning-head N` the head N of those to tune on is measured alone.
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.info import describe
from AIImagingLogic.images.phantoms.head.phantom import make_head
from AIImagingLogic.images.phantoms.head.recipe import HeadRecipe, exam_head, tuning_head
from AIImagingLogic.images.read import read_image
from AIImagingLogic.measure.label_overlap import dice
from AIImagingLogic.records.errors import AIImagingError
from AIImagingLogic.records.measured_segments import MeasuredSegments
from AIImagingLogic.tasks.segment import segment_and_measure
from Testing.Benchmarks.reporting import Figures, run_as_command, shared_data

MODEL = "ct-haemorrhage"
HEADS = 25
REAL = "ge_hispeed_headct_tilt_dicom.zip"
REFUSED = {"phantom": "CT_pitch.nii.gz", "atlas": "ct_brain_atlas_1mm.nii.gz"}
Tell = Callable[[str], None]


def run(tell: Tell) -> tuple[Figures, Mapping[str, Any]]:
    """Return the figures of 25 phantoms of the exam (20 with blood) and of the images in head_ct."""
    folder = shared_data() / "head_ct"
    figures = phantom_figures([exam_head(seed) for seed in range(HEADS)], tell)
    figures |= _real_figures(folder / REAL, tell)
    refusals = {name: _refusal(folder / file) for name, file in REFUSED.items()}
    for name, reason in refusals.items():
        tell(f"{name}: {reason or 'NOT refused'}")
    figures["refused"] = sum(map(bool, refusals.values()))
    return figures, {"heads": HEADS, "real": REAL, "reasons": refusals}


def run_tuning_head(tell: Tell, number: int) -> tuple[Figures, Mapping[str, Any]]:
    """Return the figures of one phantom that the engine was tuned on, by its number."""
    recipe = tuning_head(number)
    return phantom_figures([recipe], tell), {"tuning_head": number, "blood_hu": recipe.blood_hu}


def phantom_figures(recipes: list[HeadRecipe], tell: Tell) -> Figures:
    """Return volume errors (share of the true volume), overlap, ABC/2 and false blood of the phantoms."""
    errors, overlaps, abc2_errors, false_ml = [], [], [], []
    by_kind: dict[str, list[float]] = {}
    for number, recipe in enumerate(recipes):
        head = make_head(recipe)
        result = segment_and_measure(head.image, describe(head.image, modality="CT", intensity_unit="HU"), MODEL)
        ml = _measured(result.measured, "organ_volume")
        if recipe.kind == "none":
            false_ml.append(ml)
            tell(f"{number} none: {ml:.2f} ml")
            continue
        errors.append(abs(ml / head.blood_ml - 1.0))
        by_kind.setdefault(recipe.kind, []).append(errors[-1])
        overlaps.append(dice(result.segmentation.image, head.truth))
        abc2 = _measured(result.measured, "abc2_volume")
        abc2_errors.append(abs(abc2 / head.blood_ml - 1.0))
        tell(
            f"{number} {recipe.kind}, slices {recipe.slice_mm} mm: {ml:.1f} ml of {head.blood_ml:.1f}, "
            f"error {errors[-1]:.3f}, Dice {overlaps[-1]:.3f}, ABC/2 {abc2:.1f} ml"
        )
    return {
        "volume_error_median": float(np.median(errors)),
        "volume_error_p95": float(np.percentile(errors, 95)),
        "volume_error_worst": float(np.max(errors)),
        "volume_error_by_kind": {kind: float(np.median(values)) for kind, values in by_kind.items()},
        "dice_median": float(np.median(overlaps)),
        "dice_worst": float(np.min(overlaps)),
        "abc2_error_median": float(np.median(abc2_errors)),
        "phantom_false_ml_worst": float(np.max(false_ml, initial=0.0)),
    }


def _real_figures(path: Path, tell: Tell) -> Figures:
    with TemporaryDirectory() as folder:
        with zipfile.ZipFile(path) as packed:
            packed.extractall(folder)
        image, info = read_image(Path(folder))
    result = segment_and_measure(image, info, MODEL)
    ml = _measured(result.measured, "organ_volume")
    tell(f"real patient without blood: {ml:.2f} ml; {' '.join(info.notes)}")
    return {"false_ml": ml}


def _measured(measured: MeasuredSegments, name: str) -> float:
    return next((entry.value for row in measured.rows for entry in row.measurements if entry.name == name), 0.0)


def _refusal(path: Path) -> str:
    """Return why the image is refused; empty when it is not."""
    image: sitk.Image
    image, info = read_image(path)
    try:
        segment_and_measure(image, info, MODEL)
    except AIImagingError as error:
        return error.what
    return ""


def main() -> None:
    """Run the whole benchmark, or one head alone."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--tuning-head", type=int, metavar="N")
    options, sys.argv[1:] = parser.parse_known_args()
    alone = options.tuning_head
    run_as_command("haemorrhage", run if alone is None else partial(run_tuning_head, number=alone))


if __name__ == "__main__":
    main()
