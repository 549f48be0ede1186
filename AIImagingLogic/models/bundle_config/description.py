"""What a configuration asks for, as data: components, calls and names that nobody has built or run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from AIImagingLogic.models.safety.refusals import UntrustedModel


@dataclass(frozen=True)
class Component:
    """An object that a configuration asks for.

    Attributes
    ----------
    target : as the configuration names it: ``Spacingd`` or ``monai.networks.nets.UNet``
    arguments : by name, resolved
    positional : of a call in an expression, resolved
    """

    target: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    positional: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        """The last part of the target."""
        return self.target.rsplit(".", 1)[-1]


@dataclass(frozen=True)
class MethodCall:
    """A method that a configuration calls on a component."""

    on: Any
    method: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    positional: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Symbol:
    """A name of a library that stands for itself, such as ``torch.float32``."""

    name: str


@dataclass(frozen=True)
class Function:
    """A function written in the configuration; only its text is kept."""

    source: str


@dataclass(frozen=True)
class Unresolved:
    """A value outside the safe part of the language."""

    place: str
    what: str

    def refusal(self) -> UntrustedModel:
        """Return the error to raise where the value is needed."""
        return UntrustedModel(self.place, self.what)
