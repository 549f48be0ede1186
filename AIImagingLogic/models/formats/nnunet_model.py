"""Trained models of nnU-Net v2: plans, dataset description and folds become a package, without nnU-Net itself.

References
----------
Isensee et al., nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation, Nature Methods
18, 203-211 (2021).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from AIImagingLogic.inference.network import Network
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.catalogue import card_with_file
from AIImagingLogic.models.formats.label_segments import label_segments
from AIImagingLogic.models.formats.nnunet_labels import NnunetLabels, read_labels
from AIImagingLogic.models.formats.nnunet_network import nnunet_network
from AIImagingLogic.models.formats.nnunet_plan import NnunetPlan, is_nnunet_model, model_folders, read_plan
from AIImagingLogic.models.formats.nnunet_recipe import maker_rule, nnunet_recipe
from AIImagingLogic.models.formats.package_card import card_of_unknown
from AIImagingLogic.models.formats.package_files import file_sha256, package_sha256
from AIImagingLogic.models.package import LoadedPackage
from AIImagingLogic.models.safety.checkpoint import load_checkpoint
from AIImagingLogic.models.safety.weights import state_dict_of
from AIImagingLogic.records.errors import ModelError

__all__ = ["is_nnunet_model", "open_nnunet_model"]

_FORMAT = "nnunet-v2"
_CHECKPOINT = "checkpoint_final.pth"
_COMPILED = "_orig_mod."


def open_nnunet_model(path: Path, card: ModelCard | None = None) -> LoadedPackage:
    """Open the folder of a trained model: plans.json, dataset.json and fold_*/checkpoint_final.pth.

    Parameters
    ----------
    path : the folder, its plans.json, or a folder around it
    card : of the catalogue; None: found by the hash of the checkpoints, else made from what the package says

    Raises
    ------
    ModelError
        A file or field is missing or makes no sense, a checkpoint is no plain data, the weights do not fit the network
        (the keys are named), or the plan asks for what is not known here: which is said.
    """
    folder = _one_folder(path)
    files = _checkpoints(folder)
    first = load_checkpoint(files[0])
    plan = read_plan(folder, _configuration(first, folder))
    labels = read_labels(plan)
    hashes = [file_sha256(file) for file in files]
    card = card or card_with_file(hashes)
    maker = maker_rule(plan, card.id if card else "")
    recipe = nnunet_recipe(plan, labels, _mirrored(first, maker), maker)
    networks = []
    for number, (file, content_hash) in enumerate(zip(files, hashes)):
        checkpoint = first if number == 0 else load_checkpoint(file)
        place = f"{file.parent.name}/{file.name}"
        weights = {name.removeprefix(_COMPILED): value for name, value in state_dict_of(checkpoint, place).items()}
        module = nnunet_network(plan, recipe.channels, recipe.output_channels, weights, place)
        networks.append(Network(module, f"{content_hash}-{plan.name}", len(recipe.window or ())))
    segments = label_segments(labels.names, recipe.values, coded=card.labels if card else ())
    if card is None:
        keys = [segment.concept.key for segment in segments]
        name = f"{plan.dataset_name} {plan.name}"
        card = card_of_unknown(name, _FORMAT, recipe.channels, keys, modality=_modality(plan))
    notes = _notes(maker, labels, recipe.mirrored_axes, len(files))
    return LoadedPackage(card, tuple(networks), recipe, segments, _FORMAT, package_sha256(folder), notes=notes)


def _one_folder(path: Path) -> Path:
    folders = model_folders(path)
    if len(folders) != 1:
        names = ", ".join(folder.name for folder in folders)
        raise ModelError(
            f"'{path.name}' holds {len(folders)} models of nnU-Net: {names}.", "Choose the folder of one of them."
        )
    return folders[0]


def _checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoint of each fold; of a fold trained on all cases only where there is no other."""
    folds = [item for item in sorted(folder.glob("fold_*")) if item.is_dir()]
    numbered = [item for item in folds if item.name != "fold_all"] or folds
    if not numbered:
        raise ModelError(f"The nnU-Net model '{folder.name}' has no fold_0 … fold_4.", "Get the package again.")
    files = [fold / _CHECKPOINT for fold in numbered]
    for file in files:
        if not file.resolve().is_relative_to(folder.resolve()):
            raise ModelError(f"The nnU-Net model '{folder.name}' leads out of its folder: {file}.", "It is not used.")
        if not file.is_file():
            raise ModelError(
                f"The nnU-Net model '{folder.name}' lacks {file.parent.name}/{_CHECKPOINT}.",
                "Get the package again, or remove the folder of a fold that was not trained to its end.",
            )
    return files


def _configuration(checkpoint: Any, folder: Path) -> str:
    arguments = checkpoint.get("init_args") if isinstance(checkpoint, Mapping) else None
    stated = arguments.get("configuration") if isinstance(arguments, Mapping) else None
    # The folder's name is trainer, plans and configuration.
    return str(stated) if stated is not None else folder.name.rsplit("__", 1)[-1]


def _mirrored(checkpoint: Any, maker: Mapping[str, Any]) -> tuple[int, ...]:
    allowed = checkpoint.get("inference_allowed_mirroring_axes") if isinstance(checkpoint, Mapping) else None
    if allowed is None or maker.get("mirroring") is False:
        return ()
    if not isinstance(allowed, Sequence) or not all(type(axis) is int for axis in allowed):
        raise ModelError("The checkpoint's mirroring axes make no sense.", "Get the package again.")
    return tuple(sorted(set(allowed)))


def _modality(plan: NnunetPlan) -> str:
    # A known modality is checked against the image's: only what is sure is said.
    return "CT" if all(name.upper() == "CT" for name in plan.channel_names) else ""


def _notes(maker: Mapping[str, Any], labels: NnunetLabels, mirrored: Sequence[int], folds: int) -> tuple[str, ...]:
    notes = []
    if folds > 1:
        notes.append(f"The outputs of {folds} folds were averaged.")
    if mirrored:
        notes.append(f"The outputs for {2 ** len(mirrored)} mirrored inputs were averaged, as the package allows.")
    if labels.output == "sigmoid":
        order = ", ".join(labels.names)
        notes.append(f"Regions overlap and were painted one over the other, in this order: {order}.")
    if "note" in maker:
        notes.append(str(maker["note"]))
    return tuple(notes)
