"""The network that is to be adapted: opened, and refused with the reason when its weights cannot be adapted here."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from AIImagingLogic.models.formats.bundle_network import weights_file
from AIImagingLogic.models.formats.bundle_parts import find_parts
from AIImagingLogic.models.formats.monai_bundle import FORMAT as BUNDLE
from AIImagingLogic.models.formats.open_package import open_package
from AIImagingLogic.models.formats.package_files import read_package_json
from AIImagingLogic.models.listing import listed_card
from AIImagingLogic.models.package import LoadedPackage
from AIImagingLogic.models.safety.weights import load_state_dict
from AIImagingLogic.models.store.whereabouts import installed
from AIImagingLogic.records.errors import ModelError

if TYPE_CHECKING:
    import torch

STATE_DICT = "state-dict"
_READ = "Those adapted are MONAI bundles and networks with a network.json whose weights are named tensors."


@dataclass(frozen=True)
class ParentNetwork:
    """A network that can be adapted.

    Attributes
    ----------
    folder : of its package
    package : opened; its network is not changed
    weights : file with the weights
    """

    folder: Path
    package: LoadedPackage
    weights: Path

    def trainable_copy(self) -> torch.nn.Module:
        """Return the network with weights of its own that take gradients.

        It stays in evaluation mode: statistics of a few small batches would be worse than those that it has, and
        without dropout the same seed gives the same network.
        """
        module: torch.nn.Module = copy.deepcopy(self.package.networks[0].module)
        for parameter in module.parameters():
            parameter.requires_grad_(parameter.is_floating_point())
        return module.eval()

    def named_weights(self, module: torch.nn.Module) -> dict[str, torch.Tensor]:
        """Return the weights of `trainable_copy` under the names that the package's file has.

        Raises
        ------
        ModelError
            The names of the file are not found in the network.
        """
        state, names = module.state_dict(), list(load_state_dict(self.weights))
        # Steps that a package does around its network are layers named so.
        prefixes = ["network." * depth for depth in range(4)]
        fitting = [prefix for prefix in prefixes if all(f"{prefix}{name}" in state for name in names)]
        if not fitting:
            raise ModelError(f"The weights of '{self.package.card.id}' are not those of its network.", _READ)
        return {name: state[f"{fitting[0]}{name}"].detach().cpu().clone().contiguous() for name in names}


def open_parent(model: str) -> ParentNetwork:
    """Open the network that is to be adapted.

    Parameters
    ----------
    model : path of a package, or id of an installed one

    Raises
    ------
    ModelError
        There is no such package, or its network cannot be adapted; the reason is given.
    """
    path = Path(model).expanduser()
    card = None
    if not path.exists():
        card = listed_card(model)
        found = installed(card)
        if found is None:
            raise ModelError(f"The model '{model}' is no package on this computer.", "Name an installed one or a path.")
        path = found
    path = path.resolve()
    package = open_package(path, card)
    folder = path.parent if path.is_file() else path
    if reason := _reason_against(package):
        raise ModelError(f"'{package.card.id}' cannot be adapted: {reason}.", _READ)
    weights = weights_file(find_parts(folder)) if package.format == BUNDLE else _described_weights(folder)
    return ParentNetwork(folder, package, weights)


def _reason_against(package: LoadedPackage) -> str:
    from torch.jit import ScriptModule

    recipe = package.recipe
    reasons = {
        f"its task is to {package.card.task}, not to segment": package.card.task != "segment",
        "it needs code of its own": package.workflow is not None or bool(package.trusted_as),
        f"packages of the format {package.format} are not written here": package.format not in (BUNDLE, STATE_DICT),
        f"it has {len(package.networks)} networks": len(package.networks) != 1,
        "its network sees slices, not volumes": any(network.dimensions != 3 for network in package.networks),
        "its network gives labels, through which nothing can be learnt": recipe.output == "labels",
        "its network stretches images to a size of its own": recipe.size is not None,
        "its weights are part of a program": any(isinstance(item.module, ScriptModule) for item in package.networks),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _described_weights(folder: Path) -> Path:
    names = read_package_json(folder, "network.json")["weights"]
    return folder / (names if isinstance(names, str) else names[0])
