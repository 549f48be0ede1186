"""TensorFlow.js layers models, such as brainchop's MeshNets: model.json and binary weights beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from AIImagingLogic.inference.intensity import ScaleToExtremes
from AIImagingLogic.inference.network import Network
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.catalogue import card_with_file
from AIImagingLogic.models.formats.conformed_range import ConformedRange
from AIImagingLogic.models.formats.label_segments import Colour, label_segments
from AIImagingLogic.models.formats.layers_graph import LayerGraph, read_layer_graph
from AIImagingLogic.models.formats.layers_network import build_layers_network, ending
from AIImagingLogic.models.formats.layers_weights import read_layers_weights
from AIImagingLogic.models.formats.package_card import card_of_unknown
from AIImagingLogic.models.formats.package_files import file_in_package, file_sha256, package_sha256, read_package_json
from AIImagingLogic.models.package import LoadedPackage
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource

FORMAT = "tfjs-layers"
_MODEL = "model.json"


def is_layers_model(path: Path) -> bool:
    """Whether `path` is the folder, or the model.json, of a layers model."""
    folder = path.parent if path.name == _MODEL else path
    if not (folder / _MODEL).is_file():
        return False
    return read_package_json(folder, _MODEL).get("format") == "layers-model"


def open_layers_model(path: Path, card: ModelCard | None = None) -> LoadedPackage:
    """Open a layers model; nothing of it is run as code.

    Parameters
    ----------
    path : its folder, or its model.json
    card : of the catalogue; None: found by the hash of its weights, else made from what the package says

    Raises
    ------
    ModelError
        A file is missing or damaged, a layer is not supported, the weights do not fit, or labels and output differ in
        number.

    Notes
    -----
    The format does not say how the network is fed. A head MR is fed as brainchop does it: 1 mm, axes LIA, range 0..1
    without the brightest voxels. `notes` says what was assumed.
    """
    folder = path.parent if path.name == _MODEL else path
    model = read_package_json(folder, _MODEL)
    graph = read_layer_graph(model)
    weights = read_layers_weights(folder, model.get("weightsManifest"))
    files = [file_in_package(folder, name) for group in model["weightsManifest"] for name in group["paths"]]
    hashes = [file_sha256(file) for file in files]
    feeding, known = _feeding(hashes)
    module, channels = build_layers_network(graph, weights, feeding["margin"])
    # With a sigmoid each channel is a label apart; with a softmax the first is the background.
    apart = channels == 1 or ending(graph) == "sigmoid"
    values = tuple(range(1, channels + 1) if apart else range(channels))
    names, colours, notes = _labels(folder, feeding, values)
    if not known:
        notes.append("The package does not say how it is fed; it was fed a head MR as brainchop does it.")
    card = card or card_with_file(hashes)
    segments = label_segments(names, values, colours, card.labels if card else ())
    if card is None:
        keys = [segment.concept.key for segment in segments]
        card = card_of_unknown(folder.name, FORMAT, graph.input_channels, keys)
    sha256 = package_sha256(folder)
    network = Network(module, sha256, len(graph.input_size))
    return LoadedPackage(
        card=card,
        networks=(network,),
        recipe=_recipe(graph, feeding, values),
        segments=segments,
        format=FORMAT,
        sha256=sha256,
        largest_part_only=feeding["largest_part_only"],
        notes=tuple(notes),
    )


def _feeding(hashes: list[str]) -> tuple[Mapping[str, Any], bool]:
    """Return how the package is fed, and whether that is known of it."""
    table = load_resource("model_formats/layers_feeding.json")
    own = next((table["packages"][key] for key in hashes if key in table["packages"]), None)
    return {**table["assumed"], **(own or {})}, own is not None


def _recipe(graph: LayerGraph, feeding: Mapping[str, Any], values: tuple[int, ...]) -> NetworkRecipe:
    dimensions = len(graph.input_size)
    size = tuple(side for side in graph.input_size if side is not None)
    # A network that normalises over its input needs all that it was trained to see, background too; others only what
    # is not background: their channels end at the same values there.
    whole = feeding["content_above"] is None and len(size) == dimensions
    return NetworkRecipe(
        channels=graph.input_channels,
        output_channels=len(values),
        values=values,
        axes=feeding["axes"],
        spacing_mm=(feeding["spacing_mm"],) * dimensions,
        intensity=((ConformedRange(feeding["brightest_share"]),),) if dimensions == 3 else ((ScaleToExtremes(),),),
        intensity_first=True,
        window=size if whole else None,
        overlap=0.0,
        blending="constant",
        grid="extent",
        output="softmax" if 0 in values else "sigmoid",
        foreground_above=feeding["content_above"],
    )


def _labels(
    folder: Path, feeding: Mapping[str, Any], values: tuple[int, ...]
) -> tuple[list[str], list[Colour] | None, list[str]]:
    """Return the name of each channel, colours where there are any, and notes."""
    names: list[str] | None = feeding.get("labels")
    colours: list[Colour] | None = None
    if names is not None:
        colours = [(red, green, blue) for red, green, blue in feeding["colours"]]
    elif (folder / feeding["colour_map"]).is_file():
        names, colours = _colour_map(folder, feeding["colour_map"])
    if names is not None and len(names) != len(values):
        raise ModelError(
            f"{feeding['colour_map']} names {len(names)} labels; the network gives {len(values)}.",
            "Get the package again.",
        )
    if names is None:
        names = [f"Label {value}" if value else "background" for value in values]
        return names, None, ["The package does not name its labels."]
    return names, colours, []


def _colour_map(folder: Path, name: str) -> tuple[list[str], list[Colour]]:
    data = read_package_json(folder, name)
    labels, levels = data.get("labels"), [data.get(key) for key in "RGB"]
    if not isinstance(labels, list) or not all(
        isinstance(level, list) and len(level) == len(labels) for level in levels
    ):
        raise ModelError(f"{name} of the package '{folder.name}' is no colour map.", "Get the package again.")
    colours = [(_level(red), _level(green), _level(blue)) for red, green, blue in zip(*levels, strict=True)]
    return [str(label) for label in labels], colours


def _level(value: Any) -> int:
    return min(max(int(value), 0), 255) if isinstance(value, (int, float)) else 0
