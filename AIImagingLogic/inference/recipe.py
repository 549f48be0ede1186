"""How a network is fed and how its output is read, whatever format its package has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from AIImagingLogic.inference.intensity import IntensityStep

Blending = Literal["constant", "gaussian", "gaussian_on_voxel"]
Output = Literal["softmax", "sigmoid", "labels"]
Interpolation = Literal["linear", "cubic", "cubic_within"]
GridConvention = Literal["first_voxel", "extent"]
ResampledValues = Literal["probabilities", "logits"]


@dataclass(frozen=True)
class NetworkRecipe:
    """What lies between images and a network, and between the network and labels on the grid of the first image.

    Attributes
    ----------
    channels : number of input images, in the card's order; or 3 for one colour image
    axes : directions in which the indices of the network's array grow, first axis first, such as ``RAS`` (MONAI) or
        ``SPL``, one letter of each pair R/L, A/P, S/I; or the image's own axes, such as ``kji``; empty: ``ijk``
    spacing_mm : of the network's grid, in the order of `axes`; None: the image's own
    size : voxels that the image is stretched to, in the order of `axes`, outer faces of the border voxels in common;
        a 2D network leaves the third open; None: as `spacing_mm` says
    intensity : steps for each channel, one tuple a channel; a single tuple stands for all channels
    intensity_first : steps run on the input's grid, before resampling
    window : voxels that the network sees at once, in the order of `axes`; None: the whole image in one go
    overlap : share of the window that neighbours have in common, 0..<1
    even_windows : windows are spread evenly, at most as far apart as `overlap` says (nnU-Net); else in steps of that,
        the last moved back (MONAI)
    blending : weight of a window's voxels: alike, or a Gaussian of .125 of the window around its middle, or around the
        voxel of index size // 2 (nnU-Net)
    output : softmax: one class a channel, the largest wins; sigmoid: each channel apart, `threshold` on its
        probability, later channels cover earlier ones; labels: the network gives label values
    output_channels : of the network's output
    values : label value of each output channel; 0 is background
    threshold : of a probability, for sigmoid
    interpolation : of the images on their way to the network's grid; cubic_within: cubic, cut off at the least and
        greatest value that the image has
    nearest_above : when the coarsest step of the image, or of the network's grid, is more than this many times its
        finest, the nearest voxel is taken along the coarsest axis, for images and for what comes back; None: never
    mirrored_axes : of the network's array; predictions of all mirrored inputs are averaged; empty: none
    foreground_above : voxels of the first channel above this, after `intensity`, are content: the network runs on
        their box alone; None: on all
    skip_background_windows : windows without content are not run and are background; only where the card says so
    crop_zeros : the image is first cropped to the box of voxels where any channel is not 0; outside is background
    divisible_by : an image or window smaller than asked is padded to multiples of this
    padding_value : of voxels outside the image, after `intensity`
    grid : what the image's grid and the network's have in common: the first voxel in the order of `axes` (MONAI), or
        the outer faces of the border voxels (nnU-Net)
    resampled : what is brought back to the image's grid and averaged over several networks: probabilities, or the
        network's output as it is (nnU-Net)
    """

    channels: int
    output_channels: int
    values: tuple[int, ...]
    axes: str = "RAS"
    spacing_mm: tuple[float, ...] | None = None
    intensity: tuple[tuple[IntensityStep, ...], ...] = ()
    intensity_first: bool = False
    window: tuple[int, ...] | None = None
    overlap: float = 0.25
    blending: Blending = "gaussian"
    output: Output = "softmax"
    threshold: float = 0.5
    interpolation: Interpolation = "linear"
    mirrored_axes: tuple[int, ...] = ()
    foreground_above: float | None = None
    skip_background_windows: bool = False
    divisible_by: int = 1
    padding_value: float = 0.0
    grid: GridConvention = "first_voxel"
    resampled: ResampledValues = "probabilities"
    size: tuple[int, ...] | None = None
    even_windows: bool = False
    nearest_above: float | None = None
    crop_zeros: bool = False
