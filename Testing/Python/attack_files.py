"""Every attack file and an honest file of every format, with the call that a model package would meet."""

from __future__ import annotations

import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from AIImagingLogic.models.bundle_config.config import BundleConfig
from AIImagingLogic.models.bundle_config.reading import read_config
from AIImagingLogic.models.safety.archive import unpack
from AIImagingLogic.models.safety.arrays import load_arrays
from AIImagingLogic.models.safety.onnx_file import load_onnx
from AIImagingLogic.models.safety.plan_classes import plan_class
from AIImagingLogic.models.safety.torchscript import load_torchscript
from AIImagingLogic.models.safety.weights import load_state_dict
from Testing.Python.attack_archives import ARCHIVE_ATTACKS
from Testing.Python.attack_configs import CONFIG_ATTACKS, config_of
from Testing.Python.attack_onnx import ONNX_ATTACKS, external_model, honest_model
from Testing.Python.attack_scripts import SCRIPT_ATTACKS, save_script, tensor_past_its_storage


@dataclass(frozen=True)
class Case:
    """A file and what opens it.

    Attributes
    ----------
    make : makes the file at the first path; an attack would touch the second
    name : of the file
    use : opens it as a package's file is opened, and goes as far as predicting where it can
    """

    make: Callable[[Path, Path], None]
    name: str
    use: Callable[[Path], Any]


class Runs:
    """Unpickling it runs a command that makes a file."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.canary}'",)


class Calls:
    """Unpickling it calls a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.called = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.called


def attack_cases() -> dict[str, Case]:
    """Return every attack by its name."""
    cases = {name: Case(make, "model.ts", _run_script) for name, make in SCRIPT_ATTACKS.items()}
    cases |= {name: Case(make, "model.onnx", load_onnx) for name, make in ONNX_ATTACKS.items()}
    cases |= {name: Case(make, "package.bin", _unpack) for name, make in ARCHIVE_ATTACKS.items()}
    cases |= {
        f"config {name}": Case(_config(attack), "inference.json", _use_config)
        for name, attack in CONFIG_ATTACKS.items()
    }
    cases |= _weight_attacks()
    cases |= {f"yaml {name}": Case(_text(text), "inference.yaml", read_config) for name, text in _YAML.items()}
    cases |= {f"json {name}": Case(_text(text), "inference.json", read_config) for name, text in _JSON.items()}
    cases["torchscript weight larger than its memory"] = Case(tensor_past_its_storage, "model.ts", _run_script)
    cases["plans.json names os.system"] = Case(_text('{"network_class_name": "os.system"}'), "plans.json", _plan)
    cases["plans.json climbs through a module"] = Case(
        _text('{"network_class_name": "torch.nn.modules.module.torch.load"}'), "plans.json", _plan
    )
    return cases


def honest_cases() -> dict[str, Case]:
    """Return an honest file of every format by its name."""
    config = {
        "imports": ["$import os"],
        "n": "$[2 ** i for i in range(2, 4)]",
        "attack": {
            "_target_": "UNet",
            "spatial_dims": 2,
            "in_channels": 1,
            "out_channels": 2,
            "channels": "@n",
            "strides": [2],
        },
    }
    return {
        "weights": Case(lambda path, _: _save(_net().state_dict(), path), "model.pt", load_state_dict),
        "weights of the older form": Case(
            lambda path, _: _save(_net().state_dict(), path, legacy=True), "model.pth", load_state_dict
        ),
        "checkpoint with weights": Case(
            lambda path, _: _save({"epoch": 3, "state_dict": _net().state_dict()}, path), "model.pt", load_state_dict
        ),
        "safetensors": Case(_save_safetensors, "model.safetensors", load_state_dict),
        "torchscript": Case(lambda path, _: save_script(_net(), path), "model.ts", _run_script),
        "torchscript traced": Case(_save_traced, "model.ts", _run_script),
        "onnx": Case(lambda path, _: _write(path, honest_model().SerializeToString()), "model.onnx", load_onnx),
        "onnx with weights beside it": Case(_save_external, "model.onnx", load_onnx),
        "config": Case(_text(json.dumps(config)), "inference.json", _use_config),
        "yaml": Case(_text("a: &x [1, 2]\nb: *x\n"), "inference.yaml", read_config),
        "plans.json": Case(_text('{"network_class_name": "torch.nn.modules.conv.Conv3d"}'), "plans.json", _plan),
        "npy": Case(lambda path, _: _save_array(path, objects=False), "a.npy", load_arrays),
        "zip": Case(_save_zip, "package.bin", _unpack),
    }


def _weight_attacks() -> dict[str, Case]:
    import torch

    def saved(content: Callable[[Path], Any], legacy: bool = False) -> Callable[[Path, Path], None]:
        return lambda path, canary: _save(content(canary), path, legacy)

    def pickled(protocol: int) -> Callable[[Path, Path], None]:
        return lambda path, canary: _write(path, pickle.dumps(Runs(canary), protocol))

    makers: dict[str, tuple[str, Callable[[Path, Path], None]]] = {
        "pickle of protocol 0": ("model.pkl", pickled(0)),
        "pickle of protocol 4": ("model.pt", pickled(4)),
        "checkpoint that runs a command": (
            "model.pt",
            saved(lambda canary: {"state_dict": _net().state_dict(), "x": Runs(canary)}),
        ),
        "older checkpoint that runs a command": ("model.pth", saved(Runs, legacy=True)),
        "checkpoint that evaluates text": (
            "model.pt",
            saved(lambda canary: Calls(eval, f"open({str(canary)!r}, 'w')")),
        ),
        "checkpoint that reads an attribute by name": (
            "model.pt",
            saved(lambda canary: Calls(getattr, "text", "__class__")),
        ),
        "checkpoint with a whole network": ("model.pt", saved(lambda canary: _net())),
        "checkpoint of absurd size": ("model.pt", saved(lambda canary: {"w": Calls(torch.FloatStorage, 2**40)})),
        "checkpoint with a view of absurd size": (
            "model.pt",
            saved(lambda canary: {"w": torch.zeros(1).expand(2**40)}),
        ),
        "checkpoint with a byte array of absurd size": ("model.pt", saved(lambda canary: Calls(bytearray, 2**40))),
        "checkpoint nested without end": ("model.pt", lambda path, canary: _write(path, _nested())),
        "safetensors that lies about its header": (
            "w.safetensors",
            lambda path, _: _write(path, struct.pack("<Q", 2**60)),
        ),
        "safetensors that lies about its tensors": ("w.safetensors", lambda path, _: _write(path, _lying())),
        "safetensors nested without end": ("w.safetensors", lambda path, _: _write(path, _deep_header())),
    }
    cases = {name: Case(make, file, load_state_dict) for name, (file, make) in makers.items()}
    cases["npy of objects"] = Case(
        lambda path, canary: _save_array(path, objects=True, canary=canary), "a.npy", load_arrays
    )
    cases["npz of objects"] = Case(_save_objects, "a.npz", load_arrays)
    return cases


_YAML = {
    "python object": "a: !!python/object/apply:os.system ['true']",
    "python name": "a: !!python/name:os.system",
    "alias bomb": "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(9)),
    "alias of itself": "a: &a [*a]",
    "nested without end": "[" * 5000 + "]" * 5000,
}
_JSON = {
    "nested without end": "[" * 100_000 + "]" * 100_000,
    "number without end": '{"a": ' + "9" * 100_000 + "}",
}


def _net() -> Any:
    import torch

    return torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.ReLU())


def _save(content: Any, path: Path, legacy: bool = False) -> None:
    import torch

    torch.save(content, path, _use_new_zipfile_serialization=not legacy)


def _save_safetensors(path: Path, canary: Path) -> None:
    from safetensors.torch import save_file

    save_file(_net().state_dict(), path)


def _save_traced(path: Path, canary: Path) -> None:
    import torch

    torch.jit.save(torch.jit.trace(_net().eval(), torch.zeros(1, 1, 8, 8)), str(path))


def _save_external(path: Path, canary: Path) -> None:
    (path.parent / "weights.bin").write_bytes(bytes(16))
    external_model(path, "weights.bin")


def _save_array(path: Path, objects: bool, canary: Path | None = None) -> None:
    import numpy as np

    np.save(path, np.array([Runs(canary)] if objects and canary else [1.0], dtype=object if objects else float))


def _save_objects(path: Path, canary: Path) -> None:
    import numpy as np

    np.savez(path, weight=np.array([Runs(canary)], dtype=object))


def _save_zip(path: Path, canary: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("configs/metadata.json", "{}")


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _text(text: str) -> Callable[[Path, Path], None]:
    return lambda path, canary: path.write_text(text) and None


def _nested() -> bytes:
    return b"\x80\x02" + b"(" * 10_000 + b"t" * 10_000 + b"."


def _lying() -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 16]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(16)


def _deep_header() -> bytes:
    header = b'{"w":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    return struct.pack("<Q", len(header)) + header


def _config(attack: Any) -> Callable[[Path, Path], None]:
    return lambda path, canary: path.write_text(json.dumps(config_of(attack, str(canary)))) and None


def _use_config(path: Path) -> Any:
    config = BundleConfig(path)
    config.describe("imports")
    return config.resolve("attack")


def _run_script(path: Path) -> Any:
    import torch

    return load_torchscript(path)(torch.zeros(1, 1, 8, 8))


def _plan(path: Path) -> Any:
    return plan_class(read_config(path)["network_class_name"], "plans.json network_class_name")


def _unpack(path: Path) -> None:
    unpack(path, path.parent / "unpacked")
