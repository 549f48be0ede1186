"""Background around what a network sees: at a border without it, convolutions see what they were not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def surround(image: Tensor, margin: int, size: Sequence[int | None]) -> Tensor:
    """Return the image (1, C, *spatial) with `margin` voxels of 0 on every side, at most up to `size` voxels."""
    from torch.nn import functional

    sides: list[int] = []
    for before, after in reversed(_margins(image, margin, size)):
        sides += [before, after]
    return functional.pad(image, sides)


def cut_back(output: Tensor, image: Tensor, margin: int, size: Sequence[int | None]) -> Tensor:
    """Return the part of the output of a surrounded image that lies on `image`, the one that was surrounded."""
    for axis, (before, _) in enumerate(_margins(image, margin, size)):
        output = output.narrow(2 + axis, before, image.shape[2 + axis])
    return output


def _margins(image: Tensor, margin: int, size: Sequence[int | None]) -> list[tuple[int, int]]:
    margins = []
    for length, most in zip(image.shape[2:], size, strict=True):
        room = 2 * margin if most is None else min(2 * margin, max(most - int(length), 0))
        margins.append((room // 2, room - room // 2))
    return margins
