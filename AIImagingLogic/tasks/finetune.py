"""Adapt a segmentation network on corrected cases: a new package with its figures; the original stays."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.info import describe
from AIImagingLogic.inference.engine import run_network
from AIImagingLogic.inference.network import EngineSettings, Network
from AIImagingLogic.inference.torch_threads import torch_threads
from AIImagingLogic.measure.label_overlap import mean_label_dice
from AIImagingLogic.models.finetune.adaptation import Adaptation, AdaptationSettings, adapt
from AIImagingLogic.models.finetune.case_split import CaseSplit, check_labels, split_cases
from AIImagingLogic.models.finetune.corrected_case import CorrectedCase
from AIImagingLogic.models.finetune.corrected_cases import CorrectedCases
from AIImagingLogic.models.finetune.finetune_result import FinetuneResult, HeldOutCase
from AIImagingLogic.models.finetune.new_package import (
    CARD,
    RECORD,
    adapted_card,
    check_new_folder,
    write_beside,
    write_new_package,
)
from AIImagingLogic.models.finetune.parent_network import ParentNetwork, open_parent
from AIImagingLogic.models.finetune.training_volume import TrainingVolume, make_training_volume
from AIImagingLogic.models.formats.open_package import open_package
from AIImagingLogic.models.formats.package_files import package_sha256
from AIImagingLogic.models.network_segmenter import NetworkSegmenter
from AIImagingLogic.models.package import LoadedPackage
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import ModelUse, make_provenance

_PREPARED, _BEFORE, _TRAINED = 0.1, 0.2, 0.9


def finetune(
    model: str,
    dataset: str,
    output: str,
    seed: int = 0,
    rounds: int = 30,
    learning_rate: float = 5e-4,
    minutes: float | None = 30.0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> FinetuneResult:
    """Adapt `model` on the corrected cases in `dataset` and write the new package `output`.

    A third of the cases is held out, and the figures are theirs: both before and after by the packages as anyone runs
    them. A fifth, other ones, says when to stop.

    Parameters
    ----------
    model : path of a package, or id of an installed one; it is not changed
    dataset : folder of corrected cases
    output : folder of the new package; nothing may be there
    seed : of the split and of training
    rounds : at most so many over the cases
    learning_rate : of the network's weights
    minutes : no new round begins after these; None: no limit
    threads : of the CPU; None: all cores
    progress : told how far it is

    Raises
    ------
    ModelError
        Too few cases, labels that are not the model's, a model that cannot be adapted, or one that got no better:
        then nothing is written.
    OutputError
        There is something at `output` already, or it cannot be written.
    Cancelled
        The user cancelled; nothing is written.
    """
    progress, began = progress or Progress(), time.monotonic()
    cases, folder = CorrectedCases(Path(dataset)), Path(output)
    split = split_cases(cases.cases(), seed)
    parent = open_parent(model)
    folder = check_new_folder(folder, parent)
    all_cases = (*split.training, *split.stopping, *split.held_out)
    check_labels(all_cases, parent.package.segments, parent.package.recipe.channels)
    settings = AdaptationSettings(seed, rounds, learning_rate=learning_rate, minutes=minutes, threads=threads)
    engine = EngineSettings(backend="torch", device="cpu", threads=threads)
    with progress.stage("Preparing cases", 0.0, _PREPARED) as part:
        volumes = _volumes(cases, split.training, parent.package, part)
    with progress.stage("Before", _PREPARED, _BEFORE) as part:
        before = _package_dice(parent.package, cases, split.held_out, engine, part)
    with progress.stage("Learning from corrections", _BEFORE, _TRAINED) as part:
        weights, adaptation = _adapted(parent, cases, split, volumes, settings, engine, part)
    with progress.stage("After", _TRAINED, 1.0) as part:
        write_new_package(folder, parent, weights)
        new = open_package(folder)
        after = _package_dice(new, cases, split.held_out, engine, part)
    held_out = tuple(HeldOutCase(case.id, *pair) for case, *pair in zip(split.held_out, before, after, strict=True))
    result = _result(parent, new, folder, cases.sha256, split, held_out, adaptation, settings, began)
    return _described(result, parent, folder)


def _volumes(
    cases: CorrectedCases, chosen: Sequence[CorrectedCase], package: LoadedPackage, progress: Progress
) -> list[TrainingVolume]:
    volumes = []
    for number, case in enumerate(chosen):
        progress.report(number / len(chosen), "Preparing cases")
        images, labels = _checked(cases, case, package)
        volumes.append(make_training_volume(images, labels, package.recipe, Progress()))
    return volumes


def _checked(
    cases: CorrectedCases, case: CorrectedCase, package: LoadedPackage
) -> tuple[tuple[sitk.Image, ...], sitk.Image]:
    """Return a case's images and labels; the labels of its voxels must be the network's."""
    images, labels = cases.read(case)
    known = {0, *(segment.value for segment in package.segments)}
    if strange := sorted({int(value) for value in np.unique(sitk.GetArrayViewFromImage(labels))} - known):
        raise ModelError(f"In the case {case.id} the label {strange[0]} is none of the model's.", "Remove the case.")
    return images, labels


def _package_dice(
    package: LoadedPackage,
    cases: CorrectedCases,
    chosen: Sequence[CorrectedCase],
    engine: EngineSettings,
    progress: Progress,
) -> list[float]:
    """Return the mean Dice of what a package gives for each case."""
    segmenter, found = NetworkSegmenter(package, engine), []
    for number, case in enumerate(chosen):
        images, labels = _checked(cases, case, package)
        part = progress.part(number / len(chosen), (number + 1) / len(chosen))
        given = segmenter.segment_images(images, [describe(image) for image in images], part)
        found.append(mean_label_dice(given.image, labels))
    return found


def _adapted(
    parent: ParentNetwork,
    cases: CorrectedCases,
    split: CaseSplit,
    volumes: Sequence[TrainingVolume],
    settings: AdaptationSettings,
    engine: EngineSettings,
    progress: Progress,
) -> tuple[dict[str, Any], Adaptation]:
    module, recipe = parent.trainable_copy(), parent.package.recipe
    stopping = [_checked(cases, case, parent.package) for case in split.stopping]

    def cancelled() -> bool:
        progress.check_cancelled()
        return False

    def score() -> float:
        silent = Progress(is_cancelled=cancelled)
        outputs = [run_network(images, [Network(module)], recipe, engine, silent).labels for images, _ in stopping]
        return float(np.mean([mean_label_dice(given, labels) for given, (_, labels) in zip(outputs, stopping)]))

    with torch_threads(settings.threads or os.cpu_count() or 1):
        adaptation = adapt(module, recipe, volumes, score, settings, progress)
    if adaptation.best == 0:
        raise ModelError(
            f"Nothing was written: the network got no better on the cases kept for stopping "
            f"(mean Dice {adaptation.scores[0]:.3f}).",
            "Collect more corrected cases, or try another learning rate or seed.",
        )
    return parent.named_weights(module), adaptation


def _result(
    parent: ParentNetwork,
    new: LoadedPackage,
    folder: Path,
    dataset_sha256: str,
    split: CaseSplit,
    held_out: tuple[HeldOutCase, ...],
    adaptation: Adaptation,
    settings: AdaptationSettings,
    began: float,
) -> FinetuneResult:
    package = parent.package
    own = ModelUse(package.card.id, package.card.version, package.sha256)
    before, after = (
        float(np.mean([getattr(case, name) for case in held_out])) for name in ("dice_before", "dice_after")
    )
    notes = list(adaptation.notes)
    if after <= before:
        notes.append("On the held-out cases the new network is no better than the original.")
    parameters = {
        **dataclasses.asdict(settings),
        "cases": len(split.training) + len(split.stopping) + len(split.held_out),
    }
    return FinetuneResult(
        package=str(folder),
        model=ModelUse(new.card.id, new.card.version, new.sha256),
        parent=own,
        dataset_sha256=dataset_sha256,
        held_out=held_out,
        trained_on=tuple(case.id for case in split.training),
        stopped_on=tuple(case.id for case in split.stopping),
        stopping_scores=adaptation.scores,
        best_round=adaptation.best,
        dice_before=before,
        dice_after=after,
        minutes=(time.monotonic() - began) / 60,
        provenance=make_provenance("finetune", [own], [], parameters, notes=notes, seed=settings.seed),
    )


def _described(result: FinetuneResult, parent: ParentNetwork, folder: Path) -> FinetuneResult:
    """Write card and record into the new package, and return the result with its final identity."""
    taught, stopped, shown = len(result.trained_on), len(result.stopped_on), len(result.held_out)
    card = adapted_card(
        parent,
        result.dataset_sha256,
        f"Adapted from {result.parent.model_id} {result.parent.version} (SHA-256 {result.parent.sha256}) on {taught} "
        f"corrected cases, stopped by {stopped} more (dataset SHA-256 {result.dataset_sha256}).",
        f"{shown} held-out corrected cases: mean Dice {result.dice_before:.3f} before, {result.dice_after:.3f} after.",
    )
    write_beside(folder, CARD, card.to_json())
    write_beside(folder, RECORD, {**result.to_json(), "package": folder.name, "model": None})
    return dataclasses.replace(result, model=ModelUse(card.id, card.version, package_sha256(folder)))
