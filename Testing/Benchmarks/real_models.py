"""Published networks on real head MR, against a plain evaluation of the same layers, one by one."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.images.read import read_image
from AIImagingLogic.tasks.segment import segment_and_measure
from Testing.Benchmarks.plain_layers import plain_labels
from Testing.Benchmarks.reporting import Figures, run_as_command, shared_data

MODELS = ("model5_gw_ae", "model11_gw_ae", "model18cls", "mindgrab")
# Both have voxels of 1 mm, so that the plain evaluation needs no resampling; the second is oblique.
IMAGES = ("brainchop_t1_crop.nii.gz", "stroke_T1.nii.gz")


def run(tell: Callable[[str], None], models: Sequence[str] = MODELS) -> tuple[Figures, Mapping[str, Any]]:
    """Return, for each model, the share of voxels with the reference's label and the volume of each segment."""
    data = shared_data()
    figures: Figures = {}
    equal = []
    for name in IMAGES:
        image, info = read_image(data / "brain_mr" / name)
        for model in models:
            folder = data / "weights" / "brainchop_meshnet" / model
            began = time.perf_counter()
            result = segment_and_measure(image, info, str(folder))
            seconds = time.perf_counter() - began
            provenance = result.segmentation.provenance
            assert provenance is not None
            labels = sitk.GetArrayViewFromImage(result.segmentation.image)
            began = time.perf_counter()
            reference = plain_labels(folder, image)
            plain_seconds = time.perf_counter() - began
            share = float(np.mean(labels == reference))
            equal.append(share)
            row = {
                "labels_equal_reference": share,
                "labelled_equal_reference": _equal_where_labelled(labels, reference),
                "seconds": seconds,
                "plain_seconds": plain_seconds,
                "volumes_ml": _volumes_ml(result.measured),
                "backend": provenance.parameters["backend"],
            }
            figures[f"{model} {name.split('.')[0]}"] = row
            tell(json.dumps({model: row, "notes": provenance.notes}))
    # Rounded down: 1 stands for all voxels only.
    figures = {"labels_equal_reference": _down(min(equal)), "untrusted": True, **figures}
    return figures, {"images": IMAGES, "models": models}


def _equal_where_labelled(labels: NDArray[Any], reference: NDArray[Any]) -> float:
    """Return the share of equal labels among voxels that either labels."""
    either = (labels > 0) | (reference > 0)
    return float(np.mean(labels[either] == reference[either])) if either.any() else 1.0


def _volumes_ml(measured: Any) -> dict[str, float]:
    return {
        row.segment.name: float(item.value)
        for row in measured.rows
        for item in row.measurements
        if item.name == "organ_volume"
    }


def _down(share: float) -> str:
    return f"{np.floor(share * 1e6) / 1e6:.6f}"


if __name__ == "__main__":
    # One model alone, as --model mindgrab, whose plain evaluation takes 9 GB: what is left is every benchmark's own.
    chosen: Sequence[str] = MODELS
    if "--model" in sys.argv:
        at = sys.argv.index("--model")
        chosen = sys.argv[at + 1 : at + 2]
        del sys.argv[at : at + 2]
    run_as_command("real_models", partial(run, models=chosen))
