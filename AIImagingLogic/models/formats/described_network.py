"""Networks with a network.json beside their weights: a state dict for a network of MONAI, TorchScript, or ONNX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from AIImagingLogic.inference.network import Network
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.catalogue import card_with_file
from AIImagingLogic.models.formats.label_segments import Colour, label_segments
from AIImagingLogic.models.formats.named_network import build_named_network
from AIImagingLogic.models.formats.onnx_network import onnx_runtime, open_onnx_network
from AIImagingLogic.models.formats.package_card import card_of_unknown
from AIImagingLogic.models.formats.package_files import file_in_package, file_sha256, package_sha256, read_package_json
from AIImagingLogic.models.formats.recipe_file import read_recipe
from AIImagingLogic.models.package import LoadedPackage
from AIImagingLogic.models.safety.torchscript import load_torchscript
from AIImagingLogic.models.safety.weights import fitted, load_state_dict
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource

if TYPE_CHECKING:
    import torch

DESCRIPTION = "network.json"
_KINDS = ("state-dict", "torchscript", "onnx")
_KNOWN = {
    *("task", "kind", "name", "weights", "network", "recipe", "labels", "gives", "largest_part_only"),
    *("modality", "anatomy"),
}
_ADVICE = "Correct the network.json of the package, or get the package again."
# A probability of 0 or 1 has no finite logit.
_LEAST = 1e-6


def is_described_network(path: Path) -> bool:
    """Whether `path` is a folder with a network.json, or that file."""
    return (path.is_file() and path.name == DESCRIPTION) or (path / DESCRIPTION).is_file()


def open_described_network(path: Path, card: ModelCard | None = None) -> LoadedPackage:
    """Open a package that a network.json describes; `Docs/model_formats.md` says what stands in it.

    Raises
    ------
    ModelError
        A field is missing, unknown or makes no sense, a file is missing, the weights do not fit the network (the keys
        are named), or the file would run code (`UnsafeModel`, `UntrustedModel`).
    """
    folder = path.parent if path.is_file() else path
    data = read_package_json(folder, DESCRIPTION)
    place = f"{DESCRIPTION} of '{folder.name}'"
    recipe_data = _without_task(data, place)
    if unknown := sorted(set(data) - _KNOWN):
        raise ModelError(f"{place}: '{unknown[0]}' is not known.", f"Known: {', '.join(sorted(_KNOWN))}.")
    kind = data.get("kind")
    if kind not in _KINDS:
        raise ModelError(f"{place}: the kind '{kind}' is not read.", f"Those read are: {', '.join(_KINDS)}.")
    recipe = read_recipe(recipe_data, place)
    files = _weights_files(folder, data.get("weights"), place)
    hashes = [file_sha256(file) for file in files]
    networks = _networks(folder, files, hashes, data, recipe, place)
    names, colours = _labels(data.get("labels"), recipe, place)
    card = card or card_with_file(hashes)
    segments = label_segments(names, recipe.values, colours, card.labels if card else ())
    if card is None:
        keys = [segment.concept.key for segment in segments]
        words = {key: str(data.get(key, "")) for key in ("modality", "anatomy")}
        card = card_of_unknown(str(data.get("name", folder.name)), kind, recipe.channels, keys, **words)
    return LoadedPackage(
        card=card,
        networks=networks,
        recipe=recipe,
        segments=segments,
        format=kind,
        sha256=package_sha256(folder),
        largest_part_only=data.get("largest_part_only") is True,
        runtime=onnx_runtime() if kind == "onnx" else "",
    )


def _without_task(data: Mapping[str, Any], place: str) -> Any:
    """Return the recipe without its task; a package that is to do something else than segment is refused."""
    recipe = data.get("recipe")
    stated = recipe.get("task") if isinstance(recipe, Mapping) else None
    task = data.get("task", stated)
    if task == "classify":
        where = "" if "task" in data else " once 'task' stands beside the recipe, not in it"
        raise ModelError(
            f"{place}: its task is to classify, not to segment.", f"Run it with 'aiimaging classify'{where}."
        )
    if task not in (None, "segment"):
        raise ModelError(
            f"{place}: its task is '{task}', and a network.json can only say how to segment or classify.",
            "A detector is read as a MONAI bundle with a RetinaNet.",
        )
    return {key: value for key, value in recipe.items() if key != "task"} if isinstance(recipe, Mapping) else recipe


def _weights_files(folder: Path, names: Any, place: str) -> list[Path]:
    names = [names] if isinstance(names, str) else names
    most = load_resource("model_formats/networks.json")["limits"]["folds"]
    if not isinstance(names, list) or not 0 < len(names) <= most:
        raise ModelError(f"{place}: 'weights' must name 1 to {most} files.", _ADVICE)
    return [file_in_package(folder, name) for name in names]


def _networks(
    folder: Path,
    files: Sequence[Path],
    hashes: Sequence[str],
    data: Mapping[str, Any],
    recipe: NetworkRecipe,
    place: str,
) -> tuple[Network, ...]:
    kind = data["kind"]
    dimensions = len(recipe.window or recipe.spacing_mm or (0, 0, 0))
    gives = data.get("gives", "logits")
    if gives not in ("logits", "probabilities"):
        raise ModelError(f"{place}: 'gives' is '{gives}' instead of logits or probabilities.", _ADVICE)
    networks = []
    for file, content_hash in zip(files, hashes, strict=True):
        if kind == "state-dict":
            module = _with_weights(data.get("network"), file, place)
        else:
            module = load_torchscript(file) if kind == "torchscript" else open_onnx_network(file, folder)
        for parameter in module.parameters():
            parameter.requires_grad_(False)
        if gives == "probabilities" and recipe.output != "labels":
            module = _giving_logits(module, recipe.output)
        networks.append(Network(module, f"{content_hash}-{gives}-{recipe.output}", dimensions))
    return tuple(networks)


def _with_weights(described: Any, file: Path, place: str) -> torch.nn.Module:
    return fitted(lambda: build_named_network(described, place), load_state_dict(file), file.name)


def _giving_logits(module: torch.nn.Module, output: str) -> torch.nn.Module:
    """Return the module with its probabilities turned back, since the engine applies softmax or sigmoid itself."""
    import torch

    wiring = torch.fx.Graph()
    value = wiring.call_module("network", (wiring.placeholder("image"),))
    value = wiring.call_method("clamp", (value, _LEAST, 1 - _LEAST))
    value = wiring.call_method("log" if output == "softmax" else "logit", (value,))
    wiring.output(value)
    return torch.fx.GraphModule(torch.nn.ModuleDict({"network": module}), wiring).eval()


def _labels(items: Any, recipe: NetworkRecipe, place: str) -> tuple[list[str], list[Colour] | None]:
    """Return a name for each value of the recipe, and colours where every label has one."""
    if items is None:
        return [f"Label {value}" if value else "background" for value in recipe.values], None
    try:
        named = {int(item["value"]): (str(item["name"]), item.get("colour")) for item in items}
        shades = {value: _colour(colour) for value, (_, colour) in named.items() if colour is not None}
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise ModelError(f"{place}: a label needs a value, a name and at most a colour of three.", _ADVICE) from error
    if others := sorted(set(named) - set(recipe.values) - {0}):
        raise ModelError(f"{place}: the label {others[0]} is none of the recipe's values.", _ADVICE)
    names = [named.get(value, (f"Label {value}" if value else "background", None))[0] for value in recipe.values]
    if set(recipe.values) - {0} <= set(shades):
        return names, [shades.get(value, (0, 0, 0)) for value in recipe.values]
    return names, None


def _colour(levels: Sequence[Any]) -> Colour:
    red, green, blue = (min(max(int(level), 0), 255) for level in levels)
    return red, green, blue
