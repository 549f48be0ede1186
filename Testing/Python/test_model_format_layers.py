"""TensorFlow.js layers models: what is built is what the layers say, and what cannot be built is refused by name."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from layers_packages import conv, gelu, layer, plain_convolution, random_weights, write_package

from AIImagingLogic.models.formats.conformed_range import ConformedRange
from AIImagingLogic.models.formats.layers_graph import read_layer_graph
from AIImagingLogic.models.formats.layers_model import is_layers_model, open_layers_model
from AIImagingLogic.models.formats.layers_network import build_layers_network
from AIImagingLogic.models.formats.layers_weights import read_layers_weights
from AIImagingLogic.records.errors import ModelError

torch = pytest.importorskip("torch")

# An image whose axes differ in length and content, so that swapped axes show.
IMAGE = np.random.default_rng(5).random((9, 7, 8))
# float32 sums of some hundred products against float64.
TOLERANCE = 2e-4


def evaluated(folder: Path, image: np.ndarray = IMAGE) -> np.ndarray:
    """Return the output of the package's network, channels last."""
    network = open_layers_model(folder).networks[0].module
    given = image if image.ndim == 4 else image[..., None]
    with torch.inference_mode():
        result = network(torch.from_numpy(np.moveaxis(given, -1, 0)[None].astype(np.float32)))
    return np.moveaxis(result[0].numpy(), 0, -1)


def test_a_network_gives_what_a_plain_evaluation_of_its_layers_gives(tmp_path: Path) -> None:
    layers = [
        conv("a", 3, dilation=2),
        layer("Activation", "elu", activation="elu"),
        conv("b", 2, dilation=1, activation="relu"),
        layer("Dropout", "drop", rate=0.5),
        conv("out", 3, size=1),
    ]
    weights = random_weights(layers)
    folder = write_package(tmp_path / "net", layers, weights)
    values = plain_convolution(IMAGE[..., None], weights["a/kernel"], weights["a/bias"], 2)
    values = np.where(values > 0, values, np.expm1(values))
    values = np.maximum(plain_convolution(values, weights["b/kernel"], weights["b/bias"], 1), 0)
    values = plain_convolution(values, weights["out/kernel"], weights["out/bias"], 1)
    np.testing.assert_allclose(evaluated(folder), values, atol=TOLERANCE)


def test_a_layer_named_gn_is_normalised_a_channel_at_a_time_over_the_whole_input(tmp_path: Path) -> None:
    layers = [conv("c_gn", 2, use_bias=False), layer("Activation", "act", activation="gelu"), conv("out", 2, size=1)]
    weights = random_weights(layers)
    folder = write_package(tmp_path / "net", layers, weights)
    values = plain_convolution(IMAGE[..., None], weights["c_gn/kernel"], 0.0, 1)
    values = (values - values.mean((0, 1, 2))) / np.sqrt(values.var((0, 1, 2)) + 1e-5)
    values = plain_convolution(gelu(values), weights["out/kernel"], weights["out/bias"], 1)
    np.testing.assert_allclose(evaluated(folder), values, atol=TOLERANCE)


def test_branches_are_added_and_joined_and_an_image_used_twice_is_not_changed_in_place(tmp_path: Path) -> None:
    layers = [
        conv("a", 2),
        layer("ReLU", "relu", ("a",)),
        layer("Add", "sum", ("a", "relu")),
        layer("BatchNormalization", "norm", ("sum",), epsilon=1e-3),
        layer("Concatenate", "both", ("norm", "a"), axis=-1),
    ]
    weights = random_weights(layers[:1])
    stored = {"gamma": [1.5, 0.5], "beta": [0.1, -0.2], "moving_mean": [0.3, -0.1], "moving_variance": [2.0, 0.5]}
    weights |= {f"norm/{name}": np.array(values, np.float32) for name, values in stored.items()}
    folder = write_package(tmp_path / "net", layers, weights)
    a = plain_convolution(IMAGE[..., None], weights["a/kernel"], weights["a/bias"], 1)
    norm = (a + np.maximum(a, 0) - stored["moving_mean"]) / np.sqrt(np.array(stored["moving_variance"]) + 1e-3)
    expected = np.concatenate([norm * stored["gamma"] + stored["beta"], a], axis=-1)
    np.testing.assert_allclose(evaluated(folder), expected, atol=TOLERANCE)


def test_the_image_is_surrounded_by_background_up_to_the_declared_size(tmp_path: Path) -> None:
    layers = [conv("a", 2, dilation=2, activation="relu"), conv("out", 2)]
    weights = random_weights(layers)
    folder = write_package(tmp_path / "net", layers, weights)
    model = json.loads((folder / "model.json").read_text())
    graph = read_layer_graph(model)
    graph = dataclasses.replace(graph, input_shape=(None, 20, 9, 1))
    network, _ = build_layers_network(graph, read_layers_weights(folder, model["weightsManifest"]), margin=3)
    # 9 x 7 x 8 voxels: free along the first axis, room for all along the second, for one voxel along the third.
    values = np.pad(IMAGE, [(3, 3), (3, 3), (0, 1)])[..., None]
    values = np.maximum(plain_convolution(values, weights["a/kernel"], weights["a/bias"], 2), 0)
    values = plain_convolution(values, weights["out/kernel"], weights["out/bias"], 1)[3:-3, 3:-3, :-1]
    with torch.inference_mode():
        result = network(torch.from_numpy(IMAGE.astype(np.float32))[None, None])[0].numpy()
    np.testing.assert_allclose(np.moveaxis(result, 0, -1), values, atol=TOLERANCE)


def test_quantised_weights_are_scaled_back(tmp_path: Path) -> None:
    layers = [conv("out", 2, size=1)]
    kernel = np.array([[[[[0, 200]]]]], np.uint8)
    folder = write_package(tmp_path / "net", layers, {"out/kernel": kernel, "out/bias": np.array([100, 100], np.uint8)})
    expected = np.stack([-IMAGE, IMAGE], axis=-1)
    np.testing.assert_allclose(evaluated(folder), expected, atol=1e-6)


def test_a_softmax_at_the_end_is_left_to_the_engine(tmp_path: Path) -> None:
    layers = [conv("out", 2, size=1, activation="softmax")]
    weights = random_weights(layers)
    folder = write_package(tmp_path / "net", layers, weights)
    expected = plain_convolution(IMAGE[..., None], weights["out/kernel"], weights["out/bias"], 1)
    np.testing.assert_allclose(evaluated(folder), expected, atol=TOLERANCE)
    assert open_layers_model(folder).recipe.output == "softmax"


def test_labels_have_names_codes_and_colours_of_the_package(tmp_path: Path) -> None:
    layers = [conv("out", 3, size=1)]
    names = ["background", "Brain-Stem", "Something_Else"]
    package = open_layers_model(write_package(tmp_path / "net", layers, random_weights(layers), labels=names))
    assert [(segment.value, segment.name) for segment in package.segments] == [(1, "Brain stem"), (2, "Something else")]
    assert package.segments[0].concept.type.value == "119238007"
    assert package.segments[1].concept.type.meaning == "Tissue"
    assert package.segments[1].colour == (20, 20, 20)
    assert package.card.source == "tfjs-layers"
    assert any("brainchop" in note for note in package.notes)


def test_the_hash_of_a_package_changes_with_any_of_its_files(tmp_path: Path) -> None:
    layers = [conv("out", 2, size=1)]
    folder = write_package(tmp_path / "net", layers, random_weights(layers))
    first = open_layers_model(folder).sha256
    assert open_layers_model(folder / "model.json").sha256 == first
    (folder / "colormap.json").write_text('{"R": [0, 1], "G": [0, 1], "B": [0, 1], "labels": ["background", "b"]}')
    assert open_layers_model(folder).sha256 != first


def test_a_missing_or_short_file_is_named(tmp_path: Path) -> None:
    layers = [conv("out", 2, size=1)]
    folder = write_package(tmp_path / "net", layers, random_weights(layers))
    content = (folder / "weights.bin").read_bytes()
    (folder / "weights.bin").write_bytes(content[:-4])
    with pytest.raises(ModelError, match=r"12 bytes; model.json declares 16"):
        open_layers_model(folder)
    (folder / "weights.bin").unlink()
    with pytest.raises(ModelError, match=r"lacks its file weights.bin"):
        open_layers_model(folder)


def test_weights_outside_the_package_are_refused(tmp_path: Path) -> None:
    layers = [conv("out", 2, size=1)]
    folder = write_package(tmp_path / "net", layers, random_weights(layers))
    (folder / "weights.bin").rename(tmp_path / "weights.bin")
    model = json.loads((folder / "model.json").read_text())
    for name in ("../weights.bin", str(tmp_path / "weights.bin")):
        model["weightsManifest"][0]["paths"] = [name]
        (folder / "model.json").write_text(json.dumps(model))
        with pytest.raises(ModelError, match="outside itself"):
            open_layers_model(folder)
    (folder / "weights.bin").symlink_to(tmp_path / "weights.bin")
    model["weightsManifest"][0]["paths"] = ["weights.bin"]
    (folder / "model.json").write_text(json.dumps(model))
    with pytest.raises(ModelError, match="outside itself"):
        open_layers_model(folder)


def test_weights_that_do_not_fit_are_named(tmp_path: Path) -> None:
    layers = [conv("a", 2), conv("out", 2, size=1)]
    weights = random_weights(layers)
    weights["other/kernel"] = weights.pop("a/bias")
    weights["out/kernel"] = weights["out/kernel"][..., :1]
    with pytest.raises(ModelError) as caught:
        open_layers_model(write_package(tmp_path / "net", layers, weights))
    assert "'a/bias' is missing" in caught.value.what
    assert "'other/kernel' is not used" in caught.value.what
    assert "'out/kernel' is [1, 1, 1, 2, 1] instead of [1, 1, 1, 2, 2]" in caught.value.what


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        (layer("Lambda", "code", function="import os"), "Lambda"),
        (layer("Conv3DTranspose", "up", filters=2), "Conv3DTranspose"),
        (layer("Activation", "odd", activation="mish"), "'mish' of the layer 'odd'"),
        (layer("Dropout", "late", ("nowhere",)), "'nowhere'"),
        (conv("strided", 2, strides=[2, 2, 2]), "'strided' has strides"),
        (conv("huge", 10_000_000), "'huge' has an absurd size"),
        (conv("odd", 2, dilation_rate=[0, 1, 1]), "dilation_rate"),
    ],
)
def test_a_layer_that_is_not_supported_is_refused_by_name(tmp_path: Path, broken: dict, named: str) -> None:
    folder = write_package(tmp_path / "net", [broken, conv("out", 2, size=1)], {"x": np.zeros(1, np.float32)})
    with pytest.raises(ModelError) as caught:
        open_layers_model(folder)
    assert named in caught.value.what


def test_labels_that_do_not_match_the_output_are_refused(tmp_path: Path) -> None:
    layers = [conv("out", 3, size=1)]
    folder = write_package(tmp_path / "net", layers, random_weights(layers), labels=["background", "brain"])
    with pytest.raises(ModelError, match="names 2 labels; the network gives 3"):
        open_layers_model(folder)


@pytest.mark.parametrize("content", ["{", "[1]", '{"format": "graph-model"}', "[" * 100_000])
def test_a_broken_or_other_description_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "model.json").write_text(content)
    with pytest.raises(ModelError):
        open_layers_model(tmp_path)


def test_only_a_layers_model_is_taken_for_one(tmp_path: Path) -> None:
    assert not is_layers_model(tmp_path)
    (tmp_path / "model.json").write_text('{"format": "graph-model"}')
    assert not is_layers_model(tmp_path)


def test_a_sequential_model_is_read_like_a_functional_one() -> None:
    first = conv("a", 2)
    first["config"]["batch_input_shape"] = [None, 8, 8, 8, 1]
    topology = {"class_name": "Sequential", "config": {"layers": [first, conv("out", 2, size=1)]}}
    graph = read_layer_graph({"format": "layers-model", "modelTopology": {"model_config": topology}})
    assert [item.name for item in graph.layers] == ["input", "a", "out"]
    assert (graph.input_size, graph.input_channels, graph.output) == ((8, 8, 8), 1, "out")


def test_a_head_mr_is_scaled_without_its_brightest_voxels_and_a_conformed_one_as_it_is() -> None:
    random = np.random.default_rng(1)
    voxels = np.zeros(200_000, np.float32)
    voxels[:100_000] = random.uniform(0, 1000, 100_000)
    voxels[:50] = 60_000
    scaled = ConformedRange().apply(voxels.copy())
    assert scaled.min() == 0 and scaled.max() == 1
    # 100 of 100000 voxels may be cut off, and 50 are far out: about 950 to 1000 becomes 1, not 60000.
    assert 0.1 < np.median(scaled[100:100_000]) < 1
    eight_bit = np.array([3, 100, 203], np.float32)
    np.testing.assert_allclose(ConformedRange().apply(eight_bit.copy()), [0, 0.485, 1], atol=1e-6)
    assert ConformedRange().apply(np.full(5, 7.5, np.float32)).max() == 0
