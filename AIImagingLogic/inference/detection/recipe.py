"""How a detection network is fed and how boxes are read from what it gives."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.inference.recipe import NetworkRecipe

Triple = tuple[int, int, int]


@dataclass(frozen=True)
class AnchorShapes:
    """The boxes that a network's predictions are relative to.

    Attributes
    ----------
    base : edge lengths of each anchor in voxels, in the order of the network's axes
    scales : of each feature map, the finest first: its anchors are `base` times this
    steps : of each feature map: voxels of the window from one of its places to the next, along each axis
    """

    base: tuple[tuple[float, float, float], ...]
    scales: tuple[float, ...]
    steps: tuple[Triple, ...]


@dataclass(frozen=True)
class DetectionRecipe:
    """How a detection network of one stage is run.

    Attributes
    ----------
    feeding : axes, spacing, intensity, window and overlap; its blending and output play no part
    anchors : that the network's boxes are relative to
    labels : meaning of each class, in the network's order; there is no class for the background
    divisible_by : a window's size and place are multiples of this, along each of the network's axes
    least_score : boxes below or at this are not taken
    candidates_per_map : most boxes that one feature map of one window gives
    overlap_allowed : of two boxes of a class that overlap by a larger share (of their union), the better one stays
    most_boxes : of an image
    code_weights : by which the network's six figures a box are divided: three of the centre, three of the size
    """

    feeding: NetworkRecipe
    anchors: AnchorShapes
    labels: tuple[str, ...]
    divisible_by: Triple = (1, 1, 1)
    least_score: float = 0.05
    candidates_per_map: int = 1000
    overlap_allowed: float = 0.5
    most_boxes: int = 300
    code_weights: tuple[float, ...] = (1.0,) * 6
