"""How a network that tells images apart is fed and how its output is read, whatever format its package has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from AIImagingLogic.inference.intensity import IntensityStep

ClassOutput = Literal["softmax", "sigmoid", "probabilities"]
Fit = Literal["resize", "crop_or_pad"]
SliceRule = Literal["", "max", "mean"]


@dataclass(frozen=True)
class ClassificationRecipe:
    """What lies between an image and a network, and between the network's output and probabilities.

    Attributes
    ----------
    channels : of the image: 1 for grey values, 3 for colour
    classes : outputs of the network
    dimensions : that the network sees at once, 2 or 3
    axes : directions in which the indices of the network's array grow, first axis first: three of the letters R/L, A/P,
        S/I, one of each pair; or image axes, such as ``ji`` (rows first) or ``kji``; empty: as stored, first axis i.
        A 2D network sees the first two; the third runs through the slices
    spacing_mm : of the network's grid, in the order of `axes`; None: the image's own
    size : voxels that the network is fed with, in the order of `axes`; None: as many as there are
    fit : how the image comes to `size`: stretched to it, or cut and padded around its middle
    smoothed : finer images are averaged over the coarser voxel, not picked from
    copies : how often grey values are fed, for networks that were made for colour
    intensity : steps for each channel, one tuple a channel; a single tuple stands for all; a 2D network's steps look at
        one slice
    intensity_first : steps run on the image's grid, before resampling
    padding_value : of voxels outside the image, after `intensity`
    output : softmax: one class of all; sigmoid: each class apart; probabilities: the network gives them itself
    slices : of a volume, for a 2D network: each class has its greatest (max) or average (mean) probability over the
        slices; empty: one slice only
    """

    channels: int
    classes: int
    dimensions: int
    axes: str = ""
    spacing_mm: tuple[float, ...] | None = None
    size: tuple[int, ...] | None = None
    fit: Fit = "resize"
    smoothed: bool = False
    copies: int = 1
    intensity: tuple[tuple[IntensityStep, ...], ...] = ()
    intensity_first: bool = False
    padding_value: float = 0.0
    output: ClassOutput = "softmax"
    slices: SliceRule = ""
