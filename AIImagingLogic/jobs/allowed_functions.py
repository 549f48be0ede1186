"""Which functions a worker may call."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from AIImagingLogic.records.errors import JobFailed


def allowed_function(name: str, allowed: tuple[str, ...]) -> Callable[..., Any]:
    """Return the function ``package.module:function``.

    Raises
    ------
    JobFailed
        It is not below the allowed packages, or there is none of that name.
    """
    if not is_allowed(name, allowed):
        raise JobFailed(f"'{name}' is not among the functions that may be run.")
    module, _, function = name.partition(":")
    try:
        found: Callable[..., Any] = getattr(import_module(module), function)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise  # a package that the module needs
        raise JobFailed(f"There is no module '{module}'.") from error
    except AttributeError as error:
        raise JobFailed(f"There is no function '{name}'.") from error
    return found


def is_allowed(name: str, allowed: tuple[str, ...]) -> bool:
    """Whether ``package.module:function`` lies below one of the packages."""
    module, _, function = name.partition(":")
    below = any(module == package or module.startswith(f"{package}.") for package in allowed)
    return below and function.isidentifier() and not function.startswith("_")
