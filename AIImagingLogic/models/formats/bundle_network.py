"""The network of a bundle with its weights: built from the safe part of its configuration, or by trusted code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from AIImagingLogic.models.bundle_config.trusted_code import resolve_trusted
from AIImagingLogic.models.formats.bundle_parts import BundleParts, components
from AIImagingLogic.models.formats.bundle_torchvision import replacements
from AIImagingLogic.models.safety.refusals import UntrustedModel
from AIImagingLogic.models.safety.torchscript import load_torchscript
from AIImagingLogic.models.safety.weights import fit, load_state_dict
from AIImagingLogic.records.errors import ModelError

if TYPE_CHECKING:
    import torch

_SUFFIXES = (".safetensors", ".pt", ".pth")
_SCRIPT = ".ts"


def bundle_network(parts: BundleParts, trusted: bool, notes: list[str]) -> torch.nn.Module:
    """Return the network with the bundle's weights, float32, in evaluation mode.

    Parameters
    ----------
    parts : of the bundle
    trusted : the user trusts exactly this package: the network may be made by its own code
    notes : get what was set aside

    Raises
    ------
    UntrustedModel
        The network needs code of the bundle's own, or of its TorchScript file.
    ModelError
        The weights are missing or do not fit (the keys are named), or the network cannot be built.
    """
    file = weights_file(parts)
    if file.suffix == _SCRIPT:
        module: Any = load_torchscript(file, trusted)
    else:
        module = bare_network(parts, trusted, notes)
        fit(module, load_state_dict(file), file.name)
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return module.eval().float()


def bare_network(parts: BundleParts, trusted: bool, notes: list[str]) -> torch.nn.Module:
    """Return the network before its weights are put in.

    Raises
    ------
    UntrustedModel, ModelError
        As `bundle_network`.
    """
    import torch

    try:
        module = parts.config.resolve(parts.network, notes, replacements())
    except UntrustedModel:
        if not trusted:
            raise
        module = resolve_trusted(parts.config, parts.network)
        notes.append("The network was made by code of the package's own, which the user trusts.")
    if not isinstance(module, torch.nn.Module):
        raise ModelError(f"'{parts.network}' of the bundle '{parts.name}' is no network.", "Check the package.")
    return module


def weights_file(parts: BundleParts) -> Path:
    """Return the file of the weights that the bundle loads, or that lies where weights lie.

    Raises
    ------
    ModelError
        There is none.
    """
    stated = stated_weights(parts)
    candidates = [stated] if stated else []
    folder = parts.folder / "models"
    candidates += [folder / f"model{suffix}" for suffix in (*_SUFFIXES, _SCRIPT)]
    for file in candidates:
        for each in (file.with_suffix(".safetensors"), file):
            if each.is_file():
                return each
    present = sorted(item for item in folder.glob("*") if item.suffix in (*_SUFFIXES, _SCRIPT))
    if len(present) == 1:
        return present[0]
    name = candidates[0].relative_to(parts.folder).as_posix()
    raise ModelError(f"The bundle '{parts.name}' lacks its weights '{name}'.", "Download or import the package again.")


def stated_weights(parts: BundleParts) -> Path | None:
    """Return the file that the configuration says it loads, if it lies in the package; it may be missing."""
    root = parts.folder.resolve()
    for identifier, content in components(parts.config):
        if str(content["_target_"]).rsplit(".", 1)[-1] != "CheckpointLoader" or content.get("load_path") is None:
            continue
        path = parts.config.describe(f"{identifier}::load_path")
        if isinstance(path, str):
            found = (parts.folder / path).resolve()
            if found.is_relative_to(root):
                return parts.folder / found.relative_to(root)
    return None
