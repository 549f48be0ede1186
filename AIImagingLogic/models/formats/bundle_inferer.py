"""How a bundle's inferer lays its windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from AIImagingLogic.inference.recipe import Blending
from AIImagingLogic.models.bundle_config.description import Component, Unresolved
from AIImagingLogic.models.formats.bundle_refusal import refused

_SLIDING = ("SlidingWindowInferer", "SlidingWindowInfererAdapt", "SliceInferer")
_LAST_AXIS = 2


@dataclass(frozen=True)
class Windows:
    """Windows of a sliding inferer.

    Attributes
    ----------
    size : voxels along each axis; -1: the whole image; None: the inferer takes the image as it is
    overlap : share of the size
    blending : of windows that overlap
    padding_value : of voxels outside the image
    notes : one sentence each
    """

    size: tuple[int, ...] | None = None
    overlap: float = 0.25
    blending: Blending = "constant"
    padding_value: float = 0.0
    notes: tuple[str, ...] = ()


def read_windows(described: Any, identifier: str, dimensions: int) -> Windows:
    """Translate an inferer.

    Parameters
    ----------
    described : what `BundleConfig.describe` gave for it; None: there is none
    identifier : for messages
    dimensions : of what the network sees

    Raises
    ------
    UntrustedModel
        It is of a kind, or has an argument, that has no counterpart here.
    """
    if isinstance(described, Unresolved):
        raise described.refusal()
    if described is None:
        return Windows()
    if not isinstance(described, Component):
        raise refused(identifier, "what is there is no inferer")
    if described.name == "SimpleInferer":
        return Windows()
    if described.name not in _SLIDING:
        raise refused(identifier, f"the inferer '{described.name}'")
    arguments = dict(described.arguments)
    if described.name == "SliceInferer" and arguments.get("spatial_dim", 0) != _LAST_AXIS:
        raise refused(identifier, "a SliceInferer along another axis than the last")
    size = arguments.get("roi_size")
    sizes: tuple[Any, ...] = tuple(size) if isinstance(size, (list, tuple)) else (size,) * dimensions
    overlap, blending = arguments.get("overlap", 0.25), arguments.get("mode", "constant")
    padding = arguments.get("cval", 0.0)
    if not all(isinstance(each, int) for each in sizes) or not isinstance(overlap, (int, float)):
        raise refused(identifier, f"windows of {size} with an overlap of {overlap}")
    if blending not in ("constant", "gaussian") or not isinstance(padding, (int, float)):
        raise refused(identifier, f"windows blended by '{blending}'")
    notes = []
    if arguments.get("padding_mode", "constant") != "constant":
        notes.append(f"Images smaller than the window are padded with {padding:g}, not by copies of their border.")
    return Windows(sizes, float(overlap), blending, float(padding), tuple(notes))
