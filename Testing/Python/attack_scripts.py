"""TorchScript files that write a file of their choice, made on the spot for the tests and the benchmark."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

MakeScript = Callable[[Path, Path], None]
"""Makes a file at the first path that touches the second when it has its way."""


def save_script(module: Any, path: Path) -> None:
    """Save a module as TorchScript, without the words about its age."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(module.eval()), str(path))


def edited_script(path: Path, edit: Callable[[str], str]) -> None:
    """Change the source inside a TorchScript file, as somebody would who has no module that does it."""
    members = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if not name.endswith(".debug_pkl"):
                members[name] = archive.read(name)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            changed = edit(data.decode()).encode() if b"def forward" in data else data
            archive.writestr(name, changed)


def _identity(path: Path) -> None:
    import torch

    class Identity(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    # Without this the annotations, which are text here, mean nothing to the compiler.
    Identity.forward.__annotations__.update(x=torch.Tensor)
    Identity.forward.__annotations__["return"] = torch.Tensor
    save_script(Identity(), path)


def _with(line: str) -> MakeScript:
    def make(path: Path, canary: Path) -> None:
        _identity(path)
        text = line.replace("CANARY", str(canary))
        edited_script(path, lambda source: source.replace("    return x\n", f"    {text}\n    return x\n"))

    return make


def _default(path: Path, canary: Path) -> None:
    _identity(path)
    value = f'torch.len([torch.save([1], "{canary}")])'
    edited_script(path, lambda source: source.replace("x: Tensor)", f"x: Tensor, y: int={value})"))


def _setstate(path: Path, canary: Path) -> None:
    import torch

    class Stateful(torch.nn.Module):
        def forward(self, x):
            return x

        @torch.jit.export
        def __getstate__(self):
            return 1, self.training

        @torch.jit.export
        def __setstate__(self, state):
            self.training = state[1]

    Stateful.__getstate__.__annotations__["return"] = tuple[int, bool]
    Stateful.__setstate__.__annotations__.update({"state": tuple[int, bool], "return": None})
    save_script(Stateful(), path)
    edited_script(
        path,
        lambda source: source.replace("    self.training =", f'    torch.save([1], "{canary}")\n    self.training ='),
    )


def _own_method(path: Path, canary: Path) -> None:
    _identity(path)

    def edit(source: str) -> str:
        own = f"  def save(self: {_own_name(source)}, x: Tensor) -> Tensor:\n    return x\n"
        return source.replace("    return x\n", f'    (x).save("{canary}", )\n    return x\n') + own

    edited_script(path, edit)


def _own_name(source: str) -> str:
    return source.split("self: ")[1].split(",")[0]


SCRIPT_ATTACKS: dict[str, MakeScript] = {
    "torchscript forward writes a file": _with('torch.save(x, "CANARY")'),
    "torchscript writes by a method of a tensor": _with('(x).save("CANARY", )'),
    "torchscript writes by the operator namespace": _with('ops.aten.save(x, "CANARY")'),
    "torchscript writes by another name of the operator": _with('_0 = torch.save\n    _0(x, "CANARY")'),
    "torchscript hides the operator behind its own method": _own_method,
    "torchscript writes when a default value is computed": _default,
    "torchscript __setstate__ writes a file at loading": _setstate,
    "torchscript maps a file": _with('_0 = torch.from_file("CANARY", True, 10)'),
    "torchscript prints": _with('print("CANARY")'),
    "torchscript starts a task": _with("_0 = fork(__torch__.other.run, x)"),
    "torchscript calls another library": _with("ops.c10d.broadcast_([x], x, 0, 0, False, 0)"),
    "torchscript uses a class of another library": _with('_0 = __torch__.torch.classes.x.File("CANARY")'),
}


def tensor_past_its_storage(path: Path, canary: Path) -> None:
    """Make a network whose weight says that it is larger than the memory that is read for it."""
    import torch

    class Weighted(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(7))

        def forward(self, x):
            return x + self.weight

    save_script(Weighted(), path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    # Offset 0, then a tuple with the one length: 7 becomes 32767.
    short, long = b"K\x00(K\x07t", b"K\x00(M\xff\x7ft"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data.replace(short, long) if name.endswith("/data.pkl") else data)
