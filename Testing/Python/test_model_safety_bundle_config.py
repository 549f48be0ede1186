"""The interpreter of bundle configurations: honest ones mean what MONAI means by them, attacks are refused by place."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from AIImagingLogic.models.bundle_config.config import BundleConfig
from AIImagingLogic.models.bundle_config.description import Component, Function, MethodCall, Symbol, Unresolved
from AIImagingLogic.models.bundle_config.reading import read_config
from AIImagingLogic.models.safety.refusals import UnsafeModel, UntrustedModel
from AIImagingLogic.records.errors import ModelError
from Testing.Python.attack_configs import CONFIG_ATTACKS, config_of

HONEST: dict[str, Any] = {
    "imports": ["$import numpy as np", "$from pathlib import Path", "$import os", "$import scripts"],
    "bundle_root": "/somewhere/else",
    "key": "image",
    "spacing": [0.7, 0.8, 2.5],
    "classes": {"0": "background", "1": "liver", "2": "tumour"},
    "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
    "channels": "$[2 ** i for i in range(3, 6)]",
    "network_def": {
        "_target_": "UNet",
        "_desc_": "a small one",
        "spatial_dims": "$len(@spacing)",
        "in_channels": 1,
        "out_channels": "$len(@classes)",
        "channels": "@channels",
        "strides": "$(2,) * (len(@channels) - 1)",
        "norm": "batch",
    },
    "network": "$@network_def.to(@device)",
    "checkpoint": "$os.path.join(@bundle_root, 'models') + '/model.pt'",
    "other": "$str(Path('a') / 'b')",
    "spacing_again": "%spacing",
    "first": "%other.json::list::1",
    "relative": {"a": 3, "b": {"c": "$@::::a + 1"}},
    "dtype": "$np.float32",
    "half": "$0.5 if @spacing#2 > 1 and not @spacing::0 > 1 else None",
    "preprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "LoadImaged", "keys": "@key"},
            {"_target_": "Spacingd", "keys": "@key", "pixdim": "@spacing", "mode": "bilinear", "_disabled_": False},
            {"_target_": "ToDeviced", "keys": "@key", "_disabled_": "$@key == 'image'"},
            {"_target_": "Lambdad", "keys": "@key", "func": "$lambda x: torch.where(x[[1]] > 0, 4, x[[0]])"},
            {"_target_": "scripts.own.Step", "keys": "@key"},
        ],
    },
    "post": {"_target_": "Lambda", "func": "$lambda x: torch.where(x[[1]] > 0, 4, x[[0]])"},
    "call": "$@network_def.set_parts(score=0.5)",
}


@pytest.fixture
def honest(tmp_path: Path) -> BundleConfig:
    return _config(tmp_path, HONEST)


def _config(package: Path, content: Any) -> BundleConfig:
    (package / "configs").mkdir(exist_ok=True)
    path = package / "configs" / "inference.json"
    path.write_text(json.dumps(content))
    (package / "configs" / "other.json").write_text('{"list": [5, {"deep": true}]}')
    return BundleConfig(path)


def test_values_mean_what_the_bundle_says(honest: BundleConfig, tmp_path: Path) -> None:
    expected = {
        "channels": [8, 16, 32],
        "checkpoint": f"{tmp_path}/models/model.pt",
        "other": "a/b",
        "spacing_again": [0.7, 0.8, 2.5],
        "first": {"deep": True},
        "first::deep": True,
        "relative::b::c": 4,
        "half": 0.5,
        "dtype": Symbol("numpy.float32"),
    }
    assert {name: honest.describe(name) for name in expected} == expected


def test_a_description_names_components_and_leaves_out_disabled_ones(honest: BundleConfig) -> None:
    load, spacing, function, own = honest.describe("preprocessing").arguments["transforms"]
    assert load == Component("LoadImaged", {"keys": "image"})
    assert spacing.arguments == {"keys": "image", "pixdim": [0.7, 0.8, 2.5], "mode": "bilinear"}
    assert function.arguments["func"] == Function("lambda x: torch.where(x[[1]] > 0, 4, x[[0]])")
    assert isinstance(own, Unresolved)
    assert "preprocessing::transforms::4" in str(own.refusal())
    call = honest.describe("call")
    assert isinstance(call, MethodCall)
    assert (call.on.name, call.method, call.arguments) == ("UNet", "set_parts", {"score": 0.5})


def test_a_description_imports_nothing(tmp_path: Path) -> None:
    import subprocess

    _config(tmp_path, HONEST)
    code = (
        "import sys, pathlib; from AIImagingLogic.models.bundle_config.config import BundleConfig;"
        f"BundleConfig(pathlib.Path({str(tmp_path / 'configs' / 'inference.json')!r})).describe('preprocessing');"
        "print(sorted({'torch', 'monai', 'numpy'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_network_is_built_as_the_bundle_says(honest: BundleConfig) -> None:
    torch = pytest.importorskip("torch")
    nets = pytest.importorskip("monai.networks.nets")
    network = honest.resolve("network")
    assert isinstance(network, nets.UNet)
    assert network.eval()(torch.zeros(1, 1, 8, 8, 8)).shape == (1, 3, 8, 8, 8)
    assert honest.resolve("post")(torch.tensor([[7.0, 1.0], [0.0, 2.0]])).tolist() == [[7.0, 4.0]]


def test_a_network_never_downloads_what_it_was_trained_from(tmp_path: Path) -> None:
    pytest.importorskip("monai.networks.nets")
    target = {"_target_": "EfficientNetBN", "model_name": "efficientnet-b0", "spatial_dims": 2, "in_channels": 3}
    notes: list[str] = []
    _config(tmp_path, {"net": {**target, "pretrained": True}}).resolve("net", notes)
    assert len(notes) == 1
    assert "pretrained" in notes[0]


def test_a_component_that_is_not_installed_can_be_replaced(tmp_path: Path) -> None:
    config = _config(tmp_path, {"net": {"_target_": "TorchVisionFCModel", "model_name": "resnet18"}})
    assert (
        config.resolve("net", replacements={"TorchVisionFCModel": lambda model_name: f"our {model_name}"})
        == "our resnet18"
    )


@pytest.mark.parametrize("name", CONFIG_ATTACKS)
def test_an_attack_is_refused_and_nothing_of_it_happens(tmp_path: Path, name: str) -> None:
    pytest.importorskip("monai")
    canary = tmp_path / "canary"
    config = _config(tmp_path, config_of(CONFIG_ATTACKS[name], str(canary)))
    with pytest.raises(ModelError, match=r"inference\.json|asked for with|bytes of weights|macros"):
        config.resolve("attack")
    config.describe("imports")
    assert not canary.exists()


@pytest.mark.parametrize(
    ("attack", "place"),
    [
        ({"deep": [1, {"act": "$__import__('os')"}]}, "attack::deep::1::act"),
        ({"_target_": "UNet", "act": "$open('x')"}, "attack::act"),
    ],
)
def test_a_refusal_names_its_place(tmp_path: Path, attack: Any, place: str) -> None:
    with pytest.raises(UntrustedModel, match=place):
        _config(tmp_path, config_of(attack, "")).resolve("attack")


def test_a_link_out_of_the_package_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text('{"secret": 1}')
    package = tmp_path / "package"
    package.mkdir()
    config = _config(
        package, {"a": "%link.json::secret", "b": "$json.loads(pathlib.Path('configs/link.json').read_text())"}
    )
    (package / "configs" / "link.json").symlink_to(outside)
    for name in ("a", "b"):
        with pytest.raises(ModelError):
            config.resolve(name)


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        ("json", "[" * 100_000 + "]" * 100_000),
        ("json", '{"a": ' + "9" * 100_000 + "}"),
        ("json", '{"a": '),
        ("json", "[" * 100 + "]" * 100),
        ("yaml", "a: !!python/object/apply:os.system ['true']"),
        ("yaml", "a: !!python/name:os.system"),
        ("yaml", "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"{chr(98 + n)}: &{chr(98 + n)} [{','.join('*' + chr(97 + n) for _ in range(10))}]\n" for n in range(9))),
        ("yaml", "a: &a [*a]"),
        ("yaml", "[" * 5000 + "]" * 5000),
    ],
)  # fmt: skip
def test_a_file_made_to_choke_the_reader_is_refused(tmp_path: Path, suffix: str, text: str) -> None:
    if suffix == "yaml":
        pytest.importorskip("yaml")
    path = tmp_path / f"inference.{suffix}"
    path.write_text(text)
    with pytest.raises(UnsafeModel, match="inference"):
        read_config(path)
