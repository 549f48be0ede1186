"""Packages with a network.json: state dicts and TorchScript run as described, and what is wrong is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.images.info import describe
from AIImagingLogic.inference.intensity import Clip, ScaleRange
from AIImagingLogic.models.formats.open_package import open_package
from AIImagingLogic.models.formats.recipe_file import read_recipe
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.tasks.segment import segment

torch = pytest.importorskip("torch")

RECIPE: dict[str, Any] = {
    "channels": 1,
    "output_channels": 3,
    "axes": "RAS",
    "intensity": [[{"step": "ScaleRange", "low": 0, "high": 100, "clip": True}]],
}
UNET = {
    "name": "BasicUNet",
    "arguments": {"spatial_dims": 3, "in_channels": 1, "out_channels": 3, "features": [4, 4, 8, 8, 8, 4]},
}


def image() -> sitk.Image:
    """Return an image of 32 voxels a side, stored LPS, with noise of a smooth kind."""
    noise = np.random.default_rng(3).normal(50, 60, (32, 32, 32)).astype(np.float32)
    picture = sitk.SmoothingRecursiveGaussian(sitk.GetImageFromArray(noise), 2.0)
    picture.SetOrigin((5, -7, 11))
    return picture


def in_ras(picture: sitk.Image) -> Any:
    """Return what a network that works in RAS sees of an image stored LPS: torch (1, 1, i, j, k), scaled to 0..1."""
    voxels = np.clip(sitk.GetArrayFromImage(picture).transpose(2, 1, 0)[::-1, ::-1] / 100, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(voxels, np.float32))[None, None]


def back_from_ras(labels: Any) -> np.ndarray:
    """Return labels (i, j, k) in RAS as an array (k, j, i) of the image stored LPS."""
    return labels.numpy()[::-1, ::-1].transpose(2, 1, 0)


def small_net(seed: int = 0, last: Any = None) -> Any:
    """Return a network of two convolutions."""
    torch.manual_seed(seed)
    layers = [torch.nn.Conv3d(1, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv3d(4, 3, 3, padding=1)]
    net = torch.nn.Sequential(*layers, *([last] if last is not None else [])).eval()
    torch.nn.init.normal_(layers[2].weight, std=0.5)
    return net


def write(folder: Path, files: dict[str, Any], **description: Any) -> Path:
    """Write a package: state dicts as .safetensors or .pt, script modules as .ts."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        if name.endswith(".ts"):
            torch.jit.save(content, str(folder / name))
        elif name.endswith(".safetensors"):
            from safetensors.torch import save_file

            save_file({key: value.contiguous() for key, value in content.items()}, str(folder / name))
        else:
            torch.save(content, folder / name)
    weights = list(files) or ["missing.pt"]
    (folder / "network.json").write_text(json.dumps({"weights": weights, "recipe": RECIPE, **description}))
    return folder


def agreement(folder: Path, logits: Any) -> float:
    """Return the share of voxels where the package's labels are the largest of `logits` (1, C, i, j, k) in RAS."""
    picture = image()
    result = segment(picture, describe(picture), str(folder))
    expected = back_from_ras(logits[0].argmax(0))
    # All classes occur, else an agreement means little.
    assert len(np.unique(expected)) == 3
    return float(np.mean(sitk.GetArrayFromImage(result.image) == expected))


# Voxels on the border between two classes may change sides by rounding.
ALMOST_ALL = 0.9999


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pt"])
def test_a_state_dict_runs_in_the_named_network(tmp_path: Path, name: str) -> None:
    nets = pytest.importorskip("monai.networks.nets")
    torch.manual_seed(1)
    net = nets.BasicUNet(**UNET["arguments"]).eval()
    with torch.no_grad():
        net.final_conv.bias -= net(in_ras(image())).mean((0, 2, 3, 4))
        folder = write(tmp_path / "net", {name: net.state_dict()}, kind="state-dict", network=UNET)
        assert agreement(folder, net(in_ras(image()))) >= ALMOST_ALL


def test_torchscript_runs_when_its_operators_are_allowed(tmp_path: Path) -> None:
    net = small_net()
    script = torch.jit.trace(net, torch.zeros(1, 1, 16, 16, 16))
    folder = write(tmp_path / "net", {"net.ts": script}, kind="torchscript")
    with torch.no_grad():
        assert agreement(folder, net(in_ras(image()))) >= ALMOST_ALL


def onnx_file(path: Path, net: Any, domain: str = "", inputs: int = 1) -> Path:
    """Write the two convolutions of `small_net` as an ONNX file with free sizes."""
    onnx = pytest.importorskip("onnx")
    first, second = (net[index] for index in (0, 2))
    weights = [
        onnx.numpy_helper.from_array(value.detach().numpy(), name)
        for name, value in (("w1", first.weight), ("b1", first.bias), ("w2", second.weight), ("b2", second.bias))
    ]
    pads = {"pads": [1] * 6, "kernel_shape": [3] * 3}
    nodes = [
        onnx.helper.make_node("Conv", ["image", "w1", "b1"], ["a"], **pads),
        onnx.helper.make_node("Relu", ["a"], ["b"], domain=domain),
        onnx.helper.make_node("Conv", ["b", "w2", "b2"], ["out"], **pads),
    ]
    shape = [1, 1, "i", "j", "k"]
    given = [onnx.helper.make_tensor_value_info(name, 1, shape) for name in ("image", "other")[:inputs]]
    gives = [onnx.helper.make_tensor_value_info("out", 1, [1, 3, "i", "j", "k"])]
    graph = onnx.helper.make_graph(nodes, "net", given, gives, weights)
    opsets = [onnx.helper.make_opsetid("", 17), *([onnx.helper.make_opsetid(domain, 1)] if domain else [])]
    path.write_bytes(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString())
    return path


def onnx_package(folder: Path, net: Any, recipe: dict[str, Any] = RECIPE, **more: Any) -> Path:
    write(folder, {}, kind="onnx", recipe=recipe)
    (folder / "network.json").write_text(json.dumps({"kind": "onnx", "weights": "net.onnx", "recipe": recipe}))
    onnx_file(folder / "net.onnx", net, **more)
    return folder


def test_onnx_runs_window_by_window(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    net = small_net()
    with torch.no_grad():
        assert agreement(onnx_package(tmp_path / "net", net), net(in_ras(image()))) >= ALMOST_ALL
    recipe = {**RECIPE, "window": [20, 20, 20]}
    script = torch.jit.trace(net, torch.zeros(1, 1, 20, 20, 20))
    other = write(tmp_path / "script", {"net.ts": script}, kind="torchscript", recipe=recipe)
    picture = image()
    results = [
        sitk.GetArrayFromImage(segment(picture, describe(picture), str(folder)).image)
        for folder in (onnx_package(tmp_path / "windows", net, recipe), other)
    ]
    assert np.mean(results[0] == results[1]) >= ALMOST_ALL


@pytest.mark.parametrize("gives", ["logits", "probabilities"])
def test_the_provenance_of_an_onnx_network_says_that_its_runtime_ran_it(tmp_path: Path, gives: str) -> None:
    pytest.importorskip("openvino")
    folder = onnx_package(tmp_path / "net", small_net())
    described = json.loads((folder / "network.json").read_text())
    (folder / "network.json").write_text(json.dumps({**described, "gives": gives}))
    picture = image()
    provenance = segment(picture, describe(picture), str(folder)).provenance
    assert provenance is not None
    assert provenance.parameters["format"] == "onnx" and provenance.parameters["backend"] == "openvino"
    assert provenance.device.lower().startswith("cpu")
    assert not [note for note in provenance.notes if "PyTorch" in note or "convert" in note]


@pytest.mark.parametrize(
    ("more", "said"), [({"domain": "my.own"}, "my.own"), ({"inputs": 2}, "takes 2 inputs")], ids=["operator", "inputs"]
)
def test_an_onnx_file_that_cannot_be_used_is_refused(tmp_path: Path, more: dict[str, Any], said: str) -> None:
    pytest.importorskip("openvino")
    with pytest.raises(ModelError) as caught:
        open_package(onnx_package(tmp_path / "net", small_net(), **more))
    assert said in caught.value.what


def test_a_package_that_would_run_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "written",)

    folder = write(tmp_path / "net", {"weights.pt": {"a": Payload()}}, kind="state-dict", network=UNET)
    with pytest.raises(ModelError):
        open_package(folder)
    assert not (tmp_path / "written").exists()


def test_folds_are_averaged_as_probabilities(tmp_path: Path) -> None:
    nets = [small_net(seed) for seed in (0, 1)]
    scripts = {f"fold{n}.ts": torch.jit.trace(net, torch.zeros(1, 1, 8, 8, 8)) for n, net in enumerate(nets)}
    folder = write(tmp_path / "net", scripts, kind="torchscript")
    with torch.no_grad():
        mean = sum(net(in_ras(image())).softmax(1) for net in nets) / 2
        only_first = nets[0](in_ras(image()))
    assert len(open_package(folder).networks) == 2
    assert agreement(folder, mean) >= ALMOST_ALL
    assert agreement(folder, only_first) < 0.99


def test_probabilities_are_turned_back_so_that_they_are_not_activated_twice(tmp_path: Path) -> None:
    net = small_net(0, torch.nn.Softmax(1))
    script = torch.jit.trace(net, torch.zeros(1, 1, 8, 8, 8))
    folder = write(tmp_path / "net", {"net.ts": script}, kind="torchscript", gives="probabilities")
    with torch.no_grad():
        given = open_package(folder).networks[0].module(in_ras(image())).softmax(1)
        np.testing.assert_allclose(given.numpy(), net(in_ras(image())).numpy(), atol=1e-5)


def test_labels_and_values_are_those_of_the_description(tmp_path: Path) -> None:
    script = torch.jit.trace(small_net(), torch.zeros(1, 1, 8, 8, 8))
    labels = [{"value": 5, "name": "CSF", "colour": [1, 2, 3]}, {"value": 9, "name": "odd", "colour": [4, 5, 6]}]
    folder = write(
        tmp_path / "net",
        {"net.ts": script},
        kind="torchscript",
        recipe={**RECIPE, "values": [0, 5, 9]},
        labels=labels,
        name="Two things",
    )
    package = open_package(folder)
    shown = [(item.value, item.name, item.concept.type.value, item.colour) for item in package.segments]
    assert shown == [(5, "CSF", "65216001", (1, 2, 3)), (9, "Odd", "85756007", (4, 5, 6))]
    picture = image()
    values = np.unique(sitk.GetArrayFromImage(segment(picture, describe(picture), str(folder)).image))
    assert set(values) <= {0, 5, 9} and len(values) > 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "pickle"}, "the kind 'pickle' is not read"),
        ({"weights": []}, "'weights' must name 1 to"),
        ({"weights": ["../net.ts"]}, "outside itself"),
        ({"weights": ["other.ts"]}, "lacks its file other.ts"),
        ({"gives": "wishes"}, "'gives' is 'wishes'"),
        ({"extra": 1}, "'extra' is not known"),
        ({"recipe": None}, "has no recipe"),
        ({"labels": [{"value": 7, "name": "x"}]}, "the label 7 is none"),
        ({"labels": [{"name": "x"}]}, "a label needs a value"),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    script = torch.jit.trace(small_net(), torch.zeros(1, 1, 8, 8, 8))
    folder = write(tmp_path / "net", {"net.ts": script}, **{"kind": "torchscript", **change})
    with pytest.raises(ModelError) as caught:
        open_package(folder)
    assert said in caught.value.what


@pytest.mark.parametrize(
    ("change", "said", "advice"),
    [
        ({"task": "classify"}, "its task is to classify", "Run it with 'aiimaging classify'."),
        ({"recipe": {**RECIPE, "task": "classify"}}, "its task is to classify", "beside the recipe, not in it"),
        ({"recipe": {**RECIPE, "task": "detect"}}, "its task is 'detect'", "RetinaNet"),
        ({"task": ["segment"]}, "its task is '['segment']'", "RetinaNet"),
    ],
)
def test_a_description_of_another_task_is_refused_in_words(
    tmp_path: Path, change: dict[str, Any], said: str, advice: str
) -> None:
    folder = write(tmp_path / "net", {}, kind="torchscript", **change)
    with pytest.raises(ModelError) as caught:
        open_package(folder)
    assert said in caught.value.what and advice in caught.value.advice


def test_a_description_may_say_that_it_segments(tmp_path: Path) -> None:
    script = torch.jit.trace(small_net(), torch.zeros(1, 1, 16, 16, 16))
    change = {"task": "segment", "recipe": {**RECIPE, "task": "segment"}}
    assert (
        open_package(write(tmp_path / "net", {"net.ts": script}, kind="torchscript", **change)).card.task == "segment"
    )


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ({"name": "os.system"}, "'os.system' is not built here"),
        (None, "'None' is not built here"),
        ({"name": "UNet", "arguments": {"spatial_dims": 3}}, "UNet cannot be built of its arguments"),
        ({"name": "BasicUNet", "arguments": {"features": [10**9] * 6}}, "'features' of BasicUNet is not accepted"),
        ({"name": "SegResNet", "arguments": {"pretrained": True}}, "'pretrained' of SegResNet is not accepted"),
    ],
)
def test_a_network_that_is_not_on_the_list_is_not_built(tmp_path: Path, network: Any, said: str) -> None:
    pytest.importorskip("monai")
    folder = write(tmp_path / "net", {"w.pt": small_net().state_dict()}, kind="state-dict", network=network)
    with pytest.raises(ModelError) as caught:
        open_package(folder)
    assert said in caught.value.what


def test_weights_of_another_network_are_refused_with_their_keys(tmp_path: Path) -> None:
    pytest.importorskip("monai")
    folder = write(tmp_path / "net", {"w.pt": small_net().state_dict()}, kind="state-dict", network=UNET)
    with pytest.raises(ModelError, match=r"do not fit the network: .*missing .*conv_0.*0\.weight"):
        open_package(folder)


def test_a_network_larger_than_its_weights_is_refused_before_it_has_memory(tmp_path: Path) -> None:
    pytest.importorskip("monai")
    resource = pytest.importorskip("resource")  # POSIX only
    huge = {"name": "BasicUNet", "arguments": {"spatial_dims": 3, "features": [2048] * 6}}  # 2 GB a convolution
    folder = write(tmp_path / "net", {"w.pt": small_net().state_dict()}, kind="state-dict", network=huge)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ModelError, match="do not fit the network"):
        open_package(folder)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB on Linux, bytes on macOS


def test_rates_that_a_network_reads_while_it_is_built_are_known_without_memory(tmp_path: Path) -> None:
    pytest.importorskip("monai")
    pytest.importorskip("einops")
    from monai.networks.nets import SwinUNETR

    arguments = {"in_channels": 1, "out_channels": 3, "feature_size": 12, "spatial_dims": 3}
    weights = SwinUNETR(**arguments).state_dict()
    network = {"name": "SwinUNETR", "arguments": arguments}
    folder = write(tmp_path / "net", {"w.pt": weights}, kind="state-dict", network=network)
    opened = open_package(folder).networks[0].module.state_dict()
    assert all(torch.equal(opened[name], value) for name, value in weights.items())


def test_a_recipe_is_read_with_its_defaults_and_steps() -> None:
    steps = [[{"step": "Clip", "low": -10, "high": 4.5}, {"step": "ScaleRange", "low": 0, "high": 2}]]
    recipe = read_recipe(
        {"channels": 1, "output_channels": 2, "output": "sigmoid", "intensity": steps, "window": [96, 96, 64]}, "here"
    )
    assert recipe.intensity == ((Clip(-10.0, 4.5), ScaleRange(0.0, 2.0)),)
    assert (recipe.values, recipe.window, recipe.overlap) == ((1, 2), (96, 96, 64), 0.25)


@pytest.mark.parametrize(
    "change",
    [
        {"channels": "one"},
        {"channels": True},
        {"channels": 0},
        {"output_channels": 10**9},
        {"values": [0, 0, 1]},
        {"axes": "RAR"},
        {"spacing_mm": [1, 1, -1]},
        {"window": [96, 96, 1e9]},
        {"overlap": 1},
        {"output": "guess"},
        {"threshold": float("nan")},
        {"mirrored_axes": [3]},
        {"intensity": [[{"step": "Exec"}]]},
        {"intensity": [[{"step": "Clip", "low": 1}]]},
        {"intensity": [[{"step": "Clip", "low": 1, "high": 0}]]},
        {"intensity": [[{"step": "Clip", "low": 0, "high": 1, "more": 2}]]},
        {"intensity": [[], []]},
        {"unheard_of": 1},
    ],
    ids=str,
)
def test_a_recipe_that_makes_no_sense_is_refused_by_the_field(change: dict[str, Any]) -> None:
    with pytest.raises(ModelError) as caught:
        read_recipe({**RECIPE, **change}, "network.json")
    assert any(word in caught.value.what for word in (*change, "Clip", "Exec"))
