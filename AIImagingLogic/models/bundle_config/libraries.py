"""What names of libraries stand for: built for real, or only described."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from AIImagingLogic.models.bundle_config.description import Component, Function, MethodCall, Symbol
from AIImagingLogic.models.bundle_config.expressions import RefusedExpressionError
from AIImagingLogic.models.bundle_config.growth import refuse_growth
from AIImagingLogic.models.bundle_config.package_files import PackageFiles, PathText
from AIImagingLogic.models.bundle_config.targets import build_target, find_target
from AIImagingLogic.models.safety.checkpoint import load_checkpoint
from AIImagingLogic.models.safety.refusals import UntrustedModel
from AIImagingLogic.records.resources import load_resource

_ALWAYS = ("torch.cuda.is_available", "torch.device", "torch.load")
_TENSOR_ATTRIBUTES = ("shape", "ndim", "dtype")


@dataclass(frozen=True)
class SafeFunction:
    """A function written in a configuration, worked out by the interpreter when it is called."""

    source: str
    body: Callable[..., Any] = field(repr=False)

    def __call__(self, *given: Any) -> Any:
        try:
            return self.body(*given)
        except RefusedExpressionError as error:
            raise UntrustedModel(f"the function '{self.source}'", str(error)) from error


class BuildingLibrary:
    """Names become objects: networks, transforms and inferers of the allow-list, on the CPU.

    Parameters
    ----------
    package : Path
        Folder whose files may be read.
    replacements : Mapping of str to callable, optional
        What is built in place of a component of that name (its last part), with the same arguments.
    """

    def __init__(self, package: Path, replacements: Mapping[str, Callable[..., Any]] | None = None) -> None:
        self._files = PackageFiles(package)
        self._replacements = replacements or {}
        self.notes: list[str] = []

    def name(self, full: str) -> Any:
        names = load_resource("models_safety/bundle_names.json")
        if full in names["constants"]:
            return _constant(names["constants"][full])
        if full in names["symbols"]:
            return _imported(full)
        raise RefusedExpressionError(f"the name '{full}'")

    def call(self, full: str, positional: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        if self._files.knows(full):
            return self._files.call(full, positional, named)
        if full == "torch.cuda.is_available":
            # Networks are made on the CPU; the engine moves them.
            return False
        if full == "torch.device":
            return _imported("torch.device")("cpu")
        if full == "torch.load":
            return load_checkpoint(self._files.inside(positional[0]))
        if full in load_resource("models_safety/bundle_names.json")["functions"]:
            refuse_growth((*positional, *named.values()))
            return _imported(full)(*positional, **named)
        return self.build(full, positional, named)

    def check_call(self, full: str) -> None:
        functions = load_resource("models_safety/bundle_names.json")["functions"]
        if not (self._files.knows(full) or full in functions or full in _ALWAYS):
            find_target(full)

    def build(self, target: str, positional: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        """Return a component, built."""
        if target == "torch.device":
            return self.call(target, positional, named)
        replacement = self._replacements.get(target.rsplit(".", 1)[-1])
        if replacement and ("." not in target or target.startswith("monai.")):
            return replacement(*positional, **named)
        return build_target(target, positional, named, self.notes)

    def method(self, value: Any, name: str, positional: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        if isinstance(value, PathText) and name == "read_text":
            return self._files.read_text(value)
        for owner, methods in load_resource("models_safety/bundle_targets.json")["methods"].items():
            if name in methods and _is_a(value, owner):
                if name in ("to", "cpu") and owner.endswith("Module"):
                    return value
                result = getattr(value, name)(*positional, **named)
                return value if result is None else result
        raise RefusedExpressionError(f"the method '{name}' of {type(value).__name__}")

    def attribute(self, value: Any, name: str) -> Any:
        if name in _TENSOR_ATTRIBUTES and _is_a(value, "torch.Tensor"):
            return getattr(value, name)
        raise RefusedExpressionError(f"the attribute '{name}' of {type(value).__name__}")

    def function(self, source: str, body: Callable[..., Any]) -> Any:
        return SafeFunction(source, body)


class DescribingLibrary:
    """Names stay names: nothing is imported and nothing is built.

    Parameters
    ----------
    package : Path
        Folder whose small files may be read.
    """

    def __init__(self, package: Path) -> None:
        self._files = PackageFiles(package)
        self.notes: list[str] = []

    def name(self, full: str) -> Any:
        constants = load_resource("models_safety/bundle_names.json")["constants"]
        if full in constants:
            return _constant(constants[full])
        _refuse_foreign(full)
        return Symbol(full)

    def call(self, full: str, positional: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        if self._files.knows(full):
            return self._files.call(full, positional, named)
        if full == "torch.cuda.is_available":
            return False
        return self.build(full, positional, named)

    def check_call(self, full: str) -> None:
        """Whatever it is, only its text is kept."""

    def build(self, target: str, positional: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        """Return the description of a component."""
        if "." in target:
            _refuse_foreign(target)
        return Component(target, dict(named), positional)

    def method(self, value: Any, name: str, positional: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        if isinstance(value, PathText) and name == "read_text":
            return self._files.read_text(value)
        if isinstance(value, (Component, MethodCall)):
            return MethodCall(value, name, dict(named), positional)
        raise RefusedExpressionError(f"the method '{name}' of {type(value).__name__}")

    def attribute(self, value: Any, name: str) -> Any:
        raise RefusedExpressionError(f"the attribute '{name}' of {type(value).__name__}")

    def function(self, source: str, body: Callable[..., Any]) -> Any:
        return Function(source)


def _refuse_foreign(full: str) -> None:
    root = full.split(".")[0]
    if root not in load_resource("models_safety/bundle_targets.json")["describe"]:
        reason = "code of the package's own" if root == "scripts" else "not of a library that is known"
        raise RefusedExpressionError(f"'{full}', {reason}")


def _constant(value: Any) -> Any:
    return float(value) if value == "inf" else value


def _imported(full: str) -> Any:
    root, *parts = full.split(".")
    found: Any = importlib.import_module(root)
    for part in parts:
        found = getattr(found, part)
    return found


def _is_a(value: Any, owner: str) -> bool:
    names = _SAME.get(owner, (owner,))
    return any(f"{kind.__module__}.{kind.__qualname__}" in names for kind in type(value).__mro__)


_SAME = {
    "torch.nn.Module": ("torch.nn.modules.module.Module",),
    "torch.Tensor": ("torch.Tensor", "torch._tensor.Tensor"),
}
