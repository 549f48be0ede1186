"""Weights load as data: honest files of every form load, files that would run code or blow up do not."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from AIImagingLogic.models.safety.checkpoint import load_checkpoint
from AIImagingLogic.models.safety.refusals import UnsafeModel
from AIImagingLogic.models.safety.weights import fit, load_state_dict
from AIImagingLogic.records.errors import ModelError

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")


def net() -> Any:
    return torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))


class Runs:
    """Unpickling it runs a command that makes a file."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.canary}'",)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("wrapper", [None, "state_dict", "network_weights", "model"])
def test_weights_of_torch_save_load_wrapped_or_not(tmp_path: Path, legacy: bool, wrapper: str | None) -> None:
    state = net().state_dict()
    path = tmp_path / "model.pt"
    content = state if wrapper is None else {wrapper: state, "epoch": 10**15, "best": np.float64(0.5)}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    loaded = load_state_dict(path)
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[name], state[name]) for name in state)


def test_a_checkpoint_of_training_gives_back_all_that_is_data(tmp_path: Path) -> None:
    content = {
        "network_weights": net().state_dict(),
        "logging": {"dice": [np.float32(0.5), np.float64(0.25)], "epochs": OrderedDict(a=[1])},
        "node": np.arange(6, dtype=np.int16).reshape(2, 3),
        "init_args": {"device": torch.device("cpu"), "plans": {"spacing": (1.0, 2.0)}, "seed": 2**63},
        "axes": (0, 1, 2),
    }
    torch.save(content, tmp_path / "checkpoint_final.pth")
    loaded = load_checkpoint(tmp_path / "checkpoint_final.pth")
    assert loaded["logging"] == {"dice": [0.5, 0.25], "epochs": {"a": [1]}}
    assert np.array_equal(loaded["node"], content["node"])
    assert loaded["init_args"] == content["init_args"]
    assert loaded["axes"] == (0, 1, 2)
    assert loaded["network_weights"].keys() == net().state_dict().keys()


def test_an_array_of_objects_in_a_checkpoint_is_refused(tmp_path: Path) -> None:
    torch.save({"a": np.array([{}, None], dtype=object)}, tmp_path / "model.pt")
    with pytest.raises(UnsafeModel, match=r"model\.pt"):
        load_checkpoint(tmp_path / "model.pt")


def test_safetensors_and_the_prefix_of_data_parallel_load(tmp_path: Path) -> None:
    state = net().state_dict()
    safetensors.save_file({f"module.{name}": value for name, value in state.items()}, tmp_path / "w.safetensors")
    assert load_state_dict(tmp_path / "w.safetensors").keys() == state.keys()


@pytest.mark.parametrize("legacy", [False, True])
def test_a_checkpoint_that_would_run_a_command_is_refused_by_name(tmp_path: Path, legacy: bool) -> None:
    canary = tmp_path / "canary"
    path = tmp_path / "model.pt"
    content = {"state_dict": net().state_dict(), "extra": Runs(canary)}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(UnsafeModel, match=r"system"):
        load_state_dict(path)
    assert not canary.exists()


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_plain_pickle_is_refused(tmp_path: Path, protocol: int) -> None:
    canary = tmp_path / "canary"
    path = tmp_path / "model.pth"
    path.write_bytes(pickle.dumps(Runs(canary), protocol=protocol))
    with pytest.raises(UnsafeModel):
        load_state_dict(path)
    assert not canary.exists()


def test_a_view_that_repeats_one_number_without_end_is_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(1).expand(2**32)}, tmp_path / "model.pt")
    with pytest.raises(UnsafeModel, match="not dense"):
        load_state_dict(tmp_path / "model.pt")


def test_an_absurd_storage_size_is_refused_before_it_is_allocated(tmp_path: Path) -> None:
    class Huge:
        def __reduce__(self) -> tuple[Any, ...]:
            return torch.FloatStorage, (2**40,)

    torch.save({"weight": Huge()}, tmp_path / "model.pt")
    with pytest.raises(UnsafeModel, match="absurd size"):
        load_state_dict(tmp_path / "model.pt")


@pytest.mark.parametrize("damage", ["cut", "compressed", "two", "lying_header", "empty"])
def test_a_damaged_file_is_a_clear_error(tmp_path: Path, damage: str) -> None:
    path = tmp_path / ("w.safetensors" if damage == "lying_header" else "model.pt")
    torch.save(net().state_dict(), path)
    whole = path.read_bytes()
    if damage == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "lying_header":
        path.write_bytes(struct.pack("<Q", 2**40) + b"{}")
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        with zipfile.ZipFile(io.BytesIO(whole)) as source, zipfile.ZipFile(path, "w") as target:
            method = zipfile.ZIP_DEFLATED if damage == "compressed" else zipfile.ZIP_STORED
            for member in source.infolist():
                target.writestr(member.filename, source.read(member), compress_type=method)
            if damage == "two":
                target.writestr("other/data.pkl", b"\x80\x02N.")
    with pytest.raises(ModelError, match=path.stem):
        load_state_dict(path)


def test_weights_that_do_not_fit_name_what_is_missing_left_over_and_misshapen() -> None:
    state = OrderedDict(net().state_dict())
    del state["0.bias"]
    state["9.weight"] = torch.zeros(1)
    state["0.weight"] = torch.zeros(2, 1, 5, 5)
    module = net()
    before = module.state_dict()["1.weight"].clone()
    with pytest.raises(ModelError) as refused:
        fit(module, state, "model.pt")
    for said in ("0.bias", "9.weight", "0.weight 2x1x5x5 instead of 2x1x3x3", "model.pt"):
        assert said in str(refused.value)
    assert torch.equal(module.state_dict()["1.weight"], before)


def test_weights_that_fit_are_the_networks_afterwards() -> None:
    source, target = net(), net()
    fit(target, source.state_dict())
    image = torch.randn(1, 1, 8, 8)
    assert torch.equal(source.eval()(image), target.eval()(image))


def test_a_torchscript_program_is_not_taken_for_weights(tmp_path: Path) -> None:
    torch.jit.script(net()).save(tmp_path / "model.pt")
    with pytest.raises(ModelError, match="TorchScript"):
        load_state_dict(tmp_path / "model.pt")
