"""nnU-Net v2 itself, in the environment of the peers: trains a small model on phantoms, and predicts with it.

Run with the Python of ``make peers``; nothing of it is needed to run models of nnU-Net with AI Imaging.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

DATASET = "Dataset900_ChestPhantoms"
CONFIGURATION = "3d_fullres"
PATCH = (64, 64, 64)
FEATURES = (16, 32, 64, 128)
_BATCH = 2
_WORKERS = "nnUNet_n_proc_DA"


def folders(root: Path) -> dict[str, Path]:
    """Return the three folders that nnU-Net works in, by the names of its environment variables."""
    return {f"nnUNet_{name}": root / name for name in ("raw", "preprocessed", "results")}


def train(root: Path, steps: int) -> Path:
    """Train on the cases under raw/ and return the folder of the trained model."""
    for folder in folders(root).values():
        folder.mkdir(parents=True, exist_ok=True)
    os.environ.update({name: str(folder) for name, folder in folders(root).items()})
    # The planner makes this its number of threads.
    os.environ.update({_WORKERS: "1"})

    import torch
    from nnunetv2.experiment_planning.plan_and_preprocess_api import extract_fingerprints, plan_experiments, preprocess
    from nnunetv2.run.run_training import get_trainer_from_args

    number = int(DATASET[7:10])
    extract_fingerprints([number], num_processes=1, check_dataset_integrity=False)
    plan_experiments([number])
    prepared = root / "preprocessed" / DATASET
    plans = json.loads((prepared / "nnUNetPlans.json").read_text(encoding="utf-8"))
    _make_small(plans["configurations"][CONFIGURATION])
    (prepared / "nnUNetPlans.json").write_text(json.dumps(plans), encoding="utf-8")
    preprocess([number], configurations=(CONFIGURATION,), num_processes=(1,))
    torch.manual_seed(0)
    # Augmentation in this process: workers would take the cores from the training.
    os.environ.update({_WORKERS: "0"})
    trainer: Any = get_trainer_from_args(DATASET, CONFIGURATION, "all", device=torch.device("cpu"))
    trainer.num_epochs, trainer.num_iterations_per_epoch, trainer.num_val_iterations_per_epoch = 1, steps, 1
    trainer.run_training()
    return Path(trainer.output_folder_base)


def _make_small(configuration: dict[str, Any]) -> None:
    stages = len(FEATURES)
    configuration.update(patch_size=list(PATCH), batch_size=_BATCH)
    configuration["architecture"]["arch_kwargs"].update(
        n_stages=stages,
        features_per_stage=list(FEATURES),
        kernel_sizes=[[3, 3, 3]] * stages,
        strides=[[1, 1, 1], *[[2, 2, 2]] * (stages - 1)],
        n_conv_per_stage=[2] * stages,
        n_conv_per_stage_decoder=[2] * (stages - 1),
    )


def predict(model: Path, image: Path, labels: Path, mirrored: bool) -> dict[str, Any]:
    """Predict as nnU-Net does in one process; return seconds from file to labels, and the peak of memory."""
    import numpy as np
    import torch
    from nnunetv2.imageio.simpleitk_reader_writer import SimpleITKIO
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    from Testing.Benchmarks.inference_runner import resident_peak_gb

    predictor = nnUNetPredictor(use_mirroring=mirrored, device=torch.device("cpu"), allow_tqdm=False)
    folds = ("all",) if (model / "fold_all").is_dir() else None
    predictor.initialize_from_trained_model_folder(str(model), folds)
    began = time.perf_counter()
    voxels, properties = SimpleITKIO().read_images([str(image)])
    found = predictor.predict_single_npy_array(voxels, properties)
    seconds = time.perf_counter() - began
    np.save(labels, found)
    return {"seconds": seconds, "peak_gb": resident_peak_gb()}


def main() -> None:
    """Train or predict, and print one JSON line last."""
    parser = argparse.ArgumentParser(prog="python -m Testing.Benchmarks.inference_nnunet_peer")
    tasks = parser.add_subparsers(dest="task", required=True)
    training = tasks.add_parser("train")
    training.add_argument("root", type=Path)
    training.add_argument("--steps", type=int, required=True)
    prediction = tasks.add_parser("predict")
    for name in ("model", "image", "labels"):
        prediction.add_argument(name, type=Path)
    prediction.add_argument("--mirrored", action="store_true")
    options = parser.parse_args()
    if options.task == "train":
        answer: dict[str, Any] = {"model": str(train(options.root, options.steps))}
    else:
        answer = predict(options.model, options.image, options.labels, options.mirrored)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
