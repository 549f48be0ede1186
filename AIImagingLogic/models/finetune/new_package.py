"""Writes an adapted network as a package of its own, beside its parent's; nothing of the parent's is changed."""

from __future__ import annotations

import dataclasses
import json
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from AIImagingLogic.models.card import ModelCard, OutputLabel
from AIImagingLogic.models.finetune.parent_network import STATE_DICT, ParentNetwork
from AIImagingLogic.models.run_state import PACKAGE
from AIImagingLogic.records.atomic_files import make_folder, output_error
from AIImagingLogic.records.errors import OutputError

if TYPE_CHECKING:
    import torch

CARD = "card.json"
RECORD = "finetune.json"
_WEIGHTS = (".safetensors", ".pt", ".pth", ".ts", ".onnx")
_LONGEST_ID = 80


def check_new_folder(folder: Path, parent: ParentNetwork) -> Path:
    """Return the folder that the new package is to have.

    Raises
    ------
    OutputError
        There is something already, or it lies in the parent's package.
    """
    folder = folder.expanduser().resolve()
    if folder.exists():
        raise OutputError(f"'{folder}' is there already.", "Name a folder that does not exist: nothing is replaced.")
    if folder.is_relative_to(parent.folder):
        raise OutputError(f"'{folder}' lies in the package that is adapted.", "Name a folder elsewhere.")
    return folder


def write_new_package(folder: Path, parent: ParentNetwork, weights: Mapping[str, torch.Tensor]) -> None:
    """Write a copy of the parent's package with other weights, as safetensors.

    Raises
    ------
    OutputError
        The folder could not be written. Nothing is left behind.
    """
    from safetensors.torch import save_file

    make_folder(folder.parent)
    temporary = folder.parent / f".{uuid.uuid4().hex[:8]}-{folder.name}"
    try:
        shutil.copytree(parent.folder, temporary, ignore=_without_weights)
        place = parent.weights.relative_to(parent.folder).with_suffix(".safetensors")
        (temporary / place).parent.mkdir(parents=True, exist_ok=True)
        save_file(dict(weights), str(temporary / place))
        _rename(temporary, parent, place)
        temporary.replace(folder)
    except OSError as error:
        raise output_error(folder, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_beside(folder: Path, name: str, data: Mapping[str, Any]) -> None:
    """Write a JSON file into the new package.

    Raises
    ------
    OutputError
        It could not be written.
    """
    try:
        (folder / name).write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise output_error(folder / name, error) from error


def adapted_card(parent: ParentNetwork, dataset: str, trained_on: str, tested_on: str) -> ModelCard:
    """Return the card of an adapted network.

    Parameters
    ----------
    dataset : SHA-256 of the corrected cases
    trained_on, tested_on : one sentence each
    """
    card, package = parent.package.card, parent.package
    ending = f"-adapted-{dataset[:8]}"
    coded = {label.value: label for label in card.labels}
    labels = tuple(coded.get(item.value, OutputLabel(item.value, item.name)) for item in package.segments)
    return dataclasses.replace(
        card,
        id=card.id[: _LONGEST_ID - len(ending)].rstrip("-") + ending,
        version="1.0.0",
        name=f"{card.name}, adapted",
        source="state-dict" if package.format == STATE_DICT else package.format,
        runs=PACKAGE,
        labels=labels,
        downloads=(),
        published=(),
        limits=(*card.limits, "Adapted on corrections of one user: it may be worse on images unlike those."),
        training_data=f"{card.training_data} {trained_on}".strip(),
        tested_on=tested_on,
    )


def _rename(folder: Path, parent: ParentNetwork, weights: Path) -> None:
    """Let the package name its weights and itself."""
    bundle = parent.package.format != STATE_DICT
    path = folder / ("configs/metadata.json" if bundle else "network.json")
    if not path.is_file():
        return
    data = json.loads(path.read_text(encoding="utf-8"))
    data["name"] = f"{data.get('name', parent.folder.name)}, adapted"
    if not bundle:
        data["weights"] = weights.as_posix()
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False), encoding="utf-8")


def _without_weights(folder: str, names: list[str]) -> list[str]:
    """Leave out weights, and what an earlier adaptation said of itself."""
    return [name for name in names if name.endswith(_WEIGHTS) or name in (CARD, RECORD)]
