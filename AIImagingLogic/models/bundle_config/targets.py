"""Components that a configuration may build: which they are is data, and what they could do beyond is taken away."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from AIImagingLogic.models.bundle_config.expressions import RefusedExpressionError
from AIImagingLogic.models.safety.refusals import UnsafeModel
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource

_BUILD_ERRORS = (TypeError, ValueError, RuntimeError, AttributeError, IndexError, KeyError, ImportError, AssertionError)


def find_target(name: str) -> Any:
    """Return the class or function of a component.

    Parameters
    ----------
    name : str
        ``UNet``, or in full ``monai.networks.nets.UNet``.

    Raises
    ------
    RefusedExpressionError
        It is not on the allow-list; with the reason.
    """
    rules = load_resource("models_safety/bundle_targets.json")
    if not all(part.isidentifier() and not part.startswith("_") for part in name.split(".")):
        raise RefusedExpressionError(f"the component {name[:80]!r}")
    found = _in_full(name, rules) if "." in name else _bare(name, rules)
    if found is None:
        reason = "code of the package's own" if name.startswith("scripts.") else "which is not among what may be built"
        raise RefusedExpressionError(f"'{name}', {reason}")
    own_name = str(getattr(found, "__name__", ""))
    if reason := rules["refused"].get(own_name):
        raise RefusedExpressionError(f"'{name}': {reason}")
    packages = [package for group in rules["build"].values() for package in group]
    plain = inspect.isclass(found) or (inspect.isfunction(found) and own_name in rules["functions"])
    if not plain or not any(_lies_in(str(found.__module__), package) for package in packages):
        raise RefusedExpressionError(f"'{name}', which is not among what may be built")
    return found


def build_target(name: str, positional: tuple[Any, ...], named: Mapping[str, Any], notes: list[str]) -> Any:
    """Return the component, built.

    Parameters
    ----------
    positional, named
        Its arguments. What makes it download or read a file is set aside, and noted.
    notes : list of str
        Gets what was set aside.

    Raises
    ------
    RefusedExpressionError
        It is not on the allow-list.
    UnsafeModel
        An argument, or the network it would make, is absurdly large.
    ModelError
        It cannot be built of these arguments, or a package that it needs is not installed.
    """
    found = find_target(name)
    rules = load_resource("models_safety/bundle_targets.json")
    _refuse_large([*positional, *named.values()], name, int(rules["largest_number"]))
    try:
        positional, named = _forced(found, positional, named, rules["forced"], name, notes)
        _refuse_large_network(found, positional, named, name, int(rules["largest_parameters"]))
        return found(*positional, **named)
    except _BUILD_ERRORS as error:
        said = " ".join(str(error).split())[:200]
        raise ModelError(
            f"'{name}' cannot be built as the package says: {said}", "Check the package's version."
        ) from error


def _in_full(name: str, rules: Mapping[str, Any]) -> Any:
    if name.startswith("torch.nn.") and name.count(".") == 2:
        name = name.replace("torch.nn.", "torch.nn.modules.")
    for package in (package for group in rules["build"].values() for package in group):
        if _lies_in(name, package) and name != package:
            found: Any = importlib.import_module(package)
            for part in name.removeprefix(package + ".").split("."):
                found = _part(found, part, package)
            return found
    return None


def _part(owner: Any, part: str, package: str) -> Any:
    if not isinstance(owner, ModuleType) or not _lies_in(owner.__name__, package):
        return None
    if (found := getattr(owner, part, None)) is not None:
        return found
    try:
        return importlib.import_module(f"{owner.__name__}.{part}")
    except ImportError:
        return None


def _bare(name: str, rules: Mapping[str, Any]) -> Any:
    for package in rules["bare"]:
        try:
            found = getattr(importlib.import_module(package), name, None)
        except ImportError:
            continue
        if found is not None and not isinstance(found, ModuleType):
            return found
    return None


def _lies_in(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def _forced(
    found: Any,
    positional: tuple[Any, ...],
    named: Mapping[str, Any],
    forced: Mapping[str, Any],
    name: str,
    notes: list[str],
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    signature = inspect.signature(found)
    retired = load_resource("models_safety/bundle_targets.json")["retired"].get(found.__name__, ())
    if gone := [each for each in retired if each in named and each not in signature.parameters]:
        notes.append(f"{name}: {', '.join(gone)} is no longer asked for by the installed MONAI.")
        named = {key: value for key, value in named.items() if key not in gone}
    bound = signature.bind(*positional, **named)
    for argument, value in forced.items():
        if argument in signature.parameters:
            if bound.arguments.get(argument) not in (None, False, value) and argument != "progress":
                notes.append(f"{name}: '{argument}' is set aside, the weights come from the package.")
            bound.arguments[argument] = value
        for key, kind in signature.parameters.items():
            if kind.kind is inspect.Parameter.VAR_KEYWORD and argument in bound.arguments.get(key, {}):
                bound.arguments[key] = {**bound.arguments[key], argument: value}
    return bound.args, bound.kwargs


def _refuse_large(values: list[Any], name: str, largest: int) -> None:
    todo = list(values)
    while todo:
        value = todo.pop()
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) > largest:
            raise UnsafeModel(f"'{name}' is asked for with the number {value}.", "Do not use this package.")
        if isinstance(value, dict):
            todo.extend(value.values())
        elif isinstance(value, (list, tuple, set)):
            todo.extend(value)


def _refuse_large_network(
    found: Any, positional: tuple[Any, ...], named: Mapping[str, Any], name: str, largest: int
) -> None:
    import torch

    if not inspect.isclass(found) or not issubclass(found, torch.nn.Module):
        return
    if any(isinstance(value, (torch.nn.Module, torch.Tensor)) for value in (*positional, *named.values())):
        return
    try:
        # Counted without memory for a single weight.
        with torch.device("meta"):
            network: Any = found(*positional, **named)
    except (*_BUILD_ERRORS, NotImplementedError):
        # Some networks work with numbers while they are made, which this device has not.
        return
    size = sum(weight.numel() * weight.element_size() for weight in network.parameters())
    if size > largest:
        raise UnsafeModel(f"'{name}' would have {size} bytes of weights.", "Do not use this package.")
