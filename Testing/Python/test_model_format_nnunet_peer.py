"""The labels of nnU-Net's own predictor and ours on small oblique images; skipped where 'make peers' was not run."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("torch")
pytest.importorskip("skimage")
pytest.importorskip("dynamic_network_architectures")

from Testing.Python.test_model_format_nnunet import PLAN, architecture, assert_alike, labels_of, network, picture, write  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PEER = ROOT / ".venv-peers" / "bin" / "python"
pytestmark = pytest.mark.skipif(not (PEER.parents[1] / ".ready").is_file(), reason="needs 'make peers'")


def resampling() -> dict[str, Any]:
    """Return the fields of a plan that say how nnU-Net resamples, as its planner writes them."""
    fields: dict[str, Any] = {}
    for what, order, is_labels in (("data", 3, False), ("seg", 1, True), ("probabilities", 1, False)):
        fields[f"resampling_fn_{what}"] = "resample_data_or_seg_to_shape"
        settings = {"is_seg": is_labels, "order": order, "order_z": 0, "force_separate_z": None}
        fields[f"resampling_fn_{what}_kwargs"] = settings
    return fields


def labels_of_nnunet(folder: Path, image: sitk.Image, scratch: Path) -> np.ndarray:
    sitk.WriteImage(image, str(scratch / "image.nii.gz"))
    names = [str(folder), str(scratch / "image.nii.gz"), str(scratch / "labels.npy")]
    command = [str(PEER), "-m", "Testing.Benchmarks.inference_nnunet_peer", "predict", *names, "--mirrored"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1])["peak_gb"] > 0
    return np.load(scratch / "labels.npy")


@pytest.mark.parametrize(
    ("dimensions", "spacing", "change"),
    [
        (3, (0.9, 1.1, 1.4), {}),
        (3, (0.8, 0.9, 4.0), {"spacing": [3.2, 1.1, 1.0]}),
        (2, (0.9, 1.1, 1.4), {"patch_size": [12, 16], "spacing": [1.2, 1.0]}),
    ],
    ids=["even", "coarse slices", "2d"],
)
def test_labels_are_those_of_nnunet(
    tmp_path: Path, dimensions: int, spacing: tuple[float, float, float], change: dict[str, Any]
) -> None:
    plan = {**PLAN, "architecture": architecture(dimensions), "batch_dice": False, **resampling(), **change}
    nets = [network(dimensions, 1, 3, seed) for seed in (3, 4)]
    folder = write(tmp_path / "model", nets, plan, (0,))
    image = picture((14, 26, 31), spacing, 8)
    theirs = labels_of_nnunet(folder, image, tmp_path)
    # nnU-Net sums in half precision: noise has many voxels between two classes.
    assert_alike(labels_of(folder, [image]), theirs, 3, 0.99)
