"""What a RetinaNet is made of: the figures that its weights must fit."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.inference.detection.recipe import Triple

_WIDTHS = (64, 128, 256, 512)
_EXPANSION = {"basic": 1, "bottleneck": 4}


@dataclass(frozen=True)
class RetinaNetArchitecture:
    """A ResNet, a feature pyramid on some of its layers, and two heads.

    Attributes
    ----------
    block : of the ResNet, ``basic`` or ``bottleneck``
    blocks : in each of its layers
    channels : of the input
    classes : without background
    anchors : at each place
    levels : layers of the ResNet that the pyramid stands on, 1..4; one coarser map is added
    first_kernel, first_stride : of the ResNet's first convolution
    shortcut_bias : whether the shortcuts' convolutions have a bias
    pyramid_channels : of every feature map
    """

    block: str
    blocks: tuple[int, ...]
    channels: int
    classes: int
    anchors: int
    levels: tuple[int, ...]
    first_kernel: Triple = (7, 7, 7)
    first_stride: Triple = (1, 1, 1)
    shortcut_bias: bool = True
    pyramid_channels: int = 256

    @property
    def expansion(self) -> int:
        """How many times wider a block's output is than its inside."""
        return _EXPANSION[self.block]

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels inside the blocks of each layer of the ResNet."""
        return _WIDTHS

    @property
    def steps(self) -> tuple[Triple, ...]:
        """Voxels from one place of each feature map to the next, the finest map first."""
        first = [2 * stride for stride in self.first_stride]
        doublings = [level - 1 for level in self.levels]
        return tuple((first[0] << n, first[1] << n, first[2] << n) for n in (*doublings, doublings[-1] + 1))
