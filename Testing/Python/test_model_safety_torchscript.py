"""TorchScript: honest networks run as they are; a program that could do more is refused before any of it runs."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from AIImagingLogic.models.safety.refusals import UnsafeModel, UntrustedModel
from AIImagingLogic.models.safety.torchscript import load_torchscript
from AIImagingLogic.records.errors import ModelError
from Testing.Python.attack_scripts import SCRIPT_ATTACKS, edited_script, save_script, tensor_past_its_storage

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")


class Residual(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.BatchNorm2d(4), torch.nn.ReLU())
        self.norm = torch.nn.InstanceNorm2d(4)
        self.drop = torch.nn.Dropout(0.5)
        self.up = torch.nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)

    def forward(self, x):
        y = self.first(x)
        return torch.cat([self.up(self.norm(y) + y), self.up(self.drop(y))], dim=1)


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("name", ["residual", "unet"])
def test_an_honest_network_gives_what_it_gave(tmp_path: Path, name: str, traced: bool) -> None:
    module: Any = Residual()
    if name == "unet":
        nets = pytest.importorskip("monai.networks.nets")
        module = nets.UNet(2, 1, 2, (4, 8, 16), (2, 2), num_res_units=2)
    image = torch.randn(1, 1, 16, 16)
    path = tmp_path / "model.ts"
    if traced:
        torch.jit.save(torch.jit.trace(module.eval(), image), str(path))
    else:
        save_script(module, path)
    assert torch.equal(load_torchscript(path)(image), module(image))


class Loops(torch.nn.Module):
    def forward(self, x):
        with torch.no_grad():
            parts = []
            for index in range(3):
                parts.append(x * index)
            named = {"first": x, "sum": torch.stack(parts).sum(0)}
        assert x.dim() == 4
        return named["sum"].to(torch.float32) + x.flatten().topk(2)[0].sum()


def test_loops_lists_dictionaries_and_no_grad_are_honest(tmp_path: Path) -> None:
    path = tmp_path / "model.ts"
    save_script(Loops(), path)
    image = torch.rand(1, 1, 4, 4)
    assert torch.equal(load_torchscript(path)(image), Loops()(image))


@pytest.mark.parametrize("name", SCRIPT_ATTACKS)
def test_a_program_that_does_more_is_refused_before_it_runs(tmp_path: Path, name: str) -> None:
    path, canary = tmp_path / "model.ts", tmp_path / "canary"
    SCRIPT_ATTACKS[name](path, canary)
    with pytest.raises(UntrustedModel, match=r"model\.ts.*trust"):
        load_torchscript(path)
    assert not canary.exists()


@pytest.mark.parametrize(
    "name", ["torchscript writes when a default value is computed", "torchscript __setstate__ writes a file at loading"]
)
def test_the_attacks_that_run_at_loading_are_real(tmp_path: Path, name: str) -> None:
    path, canary = tmp_path / "model.ts", tmp_path / "canary"
    SCRIPT_ATTACKS[name](path, canary)
    torch.jit.load(str(path))
    assert canary.exists()


def test_a_weight_that_reaches_past_its_memory_is_refused(tmp_path: Path) -> None:
    tensor_past_its_storage(tmp_path / "model.ts", tmp_path / "canary")
    with pytest.raises(UnsafeModel, match=r"model\.ts"):
        load_torchscript(tmp_path / "model.ts")


def test_a_trusted_program_runs(tmp_path: Path) -> None:
    path, canary = tmp_path / "model.ts", tmp_path / "canary"
    SCRIPT_ATTACKS["torchscript forward writes a file"](path, canary)
    load_torchscript(path, trusted=True)(torch.zeros(2))
    assert canary.exists()


def test_source_that_two_parsers_could_read_in_two_ways_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.ts"
    for trick in ("\x0c", "    # type: (Tensor) -> Tensor\n", '    _0 = r"\\"\n'):
        save_script(Residual(), path)
        edited_script(path, lambda source, trick=trick: source.replace("    return", trick + "    return"))
        with pytest.raises(UntrustedModel):
            load_torchscript(path)


def test_what_was_checked_is_what_is_loaded_when_the_archive_holds_a_file_twice(tmp_path: Path) -> None:
    path = tmp_path / "model.ts"
    save_script(Residual(), path)
    with zipfile.ZipFile(path, "a") as archive:
        name = next(name for name in archive.namelist() if name.endswith(".py"))
        archive.writestr(name.replace("/code/", "/CODE/"), b"")
    with pytest.raises(UnsafeModel, match="twice"):
        load_torchscript(path)


def test_a_file_that_is_cut_off_or_missing_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "model.ts"
    save_script(Residual(), path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UnsafeModel, match=r"model\.ts"):
        load_torchscript(path)
    with pytest.raises(ModelError, match="missing"):
        load_torchscript(tmp_path / "other.ts")
