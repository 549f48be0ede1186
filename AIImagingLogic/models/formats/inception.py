"""Inception version 3, wired from a table of its blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from AIImagingLogic.models.formats.wired_convolutions import Pair, Wiring

# Name, channels, kernel, stride, padding of the convolutions in a row; several branches, joined in this order. A branch
# that begins with "average" or "greatest" begins with that pooling; a tuple of two rows at its end forks.
Row = tuple[str, int, Pair, int, Pair]
_ACROSS, _DOWN = (1, 7), (7, 1)
_BY_ACROSS, _BY_DOWN = (0, 3), (3, 0)
_MEANS, _DEVIATIONS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_AUXILIARY_CLASSES = 1000


def inception_features(wiring: Wiring, place: str, rescaled: bool) -> tuple[Any, int]:
    """Wire all but the last layer; return its value, averaged over all places, and its channels.

    Parameters
    ----------
    wiring : gets the layers; its image has three channels of at least 75 x 75 voxels
    place : names of weights begin with it
    rescaled : the image is first brought from the means and deviations of ImageNet's training to a range of -1 to 1, as
        torchvision does for weights of its own
    """
    value = wiring.image
    if rescaled:
        value = wiring.rescaled(value, [each / 0.5 for each in _DEVIATIONS], [(each - 0.5) / 0.5 for each in _MEANS])
    value, width = _row(wiring, place, value, 3, _STEM[:3])
    value = wiring.greatest(value, 3, 2)
    value, width = _row(wiring, place, value, width, _STEM[3:])
    value = wiring.greatest(value, 3, 2)
    for name, branches in _blocks():
        value, width = _block(wiring, f"{place}.{name}", value, width, branches)
    _auxiliary(wiring, f"{place}.AuxLogits")
    return wiring.averaged_whole(value), width


_STEM: tuple[Row, ...] = (
    ("Conv2d_1a_3x3", 32, 3, 2, 0),
    ("Conv2d_2a_3x3", 32, 3, 1, 0),
    ("Conv2d_2b_3x3", 64, 3, 1, 1),
    ("Conv2d_3b_1x1", 80, 1, 1, 0),
    ("Conv2d_4a_3x3", 192, 3, 1, 0),
)


def _blocks() -> list[tuple[str, list[list[Any]]]]:
    fine = [(f"Mixed_5{letter}", _fine(pooled)) for letter, pooled in zip("bcd", (32, 64, 64))]
    middle = [(f"Mixed_6{letter}", _middle(inner)) for letter, inner in zip("bcde", (128, 160, 160, 192))]
    coarse = [(f"Mixed_7{letter}", _coarse()) for letter in "bc"]
    return [*fine, ("Mixed_6a", _TO_MIDDLE), *middle, ("Mixed_7a", _TO_COARSE), *coarse]


def _fine(pooled: int) -> list[list[Any]]:
    return [
        [("branch1x1", 64, 1, 1, 0)],
        [("branch5x5_1", 48, 1, 1, 0), ("branch5x5_2", 64, 5, 1, 2)],
        [("branch3x3dbl_1", 64, 1, 1, 0), ("branch3x3dbl_2", 96, 3, 1, 1), ("branch3x3dbl_3", 96, 3, 1, 1)],
        ["average", ("branch_pool", pooled, 1, 1, 0)],
    ]


_TO_MIDDLE: list[list[Any]] = [
    [("branch3x3", 384, 3, 2, 0)],
    [("branch3x3dbl_1", 64, 1, 1, 0), ("branch3x3dbl_2", 96, 3, 1, 1), ("branch3x3dbl_3", 96, 3, 2, 0)],
    ["greatest"],
]


def _middle(inner: int) -> list[list[Any]]:
    return [
        [("branch1x1", 192, 1, 1, 0)],
        [
            ("branch7x7_1", inner, 1, 1, 0),
            ("branch7x7_2", inner, _ACROSS, 1, _BY_ACROSS),
            ("branch7x7_3", 192, _DOWN, 1, _BY_DOWN),
        ],
        [
            ("branch7x7dbl_1", inner, 1, 1, 0),
            ("branch7x7dbl_2", inner, _DOWN, 1, _BY_DOWN),
            ("branch7x7dbl_3", inner, _ACROSS, 1, _BY_ACROSS),
            ("branch7x7dbl_4", inner, _DOWN, 1, _BY_DOWN),
            ("branch7x7dbl_5", 192, _ACROSS, 1, _BY_ACROSS),
        ],
        ["average", ("branch_pool", 192, 1, 1, 0)],
    ]


_TO_COARSE: list[list[Any]] = [
    [("branch3x3_1", 192, 1, 1, 0), ("branch3x3_2", 320, 3, 2, 0)],
    [
        ("branch7x7x3_1", 192, 1, 1, 0),
        ("branch7x7x3_2", 192, _ACROSS, 1, _BY_ACROSS),
        ("branch7x7x3_3", 192, _DOWN, 1, _BY_DOWN),
        ("branch7x7x3_4", 192, 3, 2, 0),
    ],
    ["greatest"],
]


def _coarse() -> list[list[Any]]:
    def fork(name: str, letters: Sequence[str]) -> tuple[Row, ...]:
        kernels: tuple[tuple[Pair, Pair], ...] = (((1, 3), (0, 1)), ((3, 1), (1, 0)))
        return tuple((f"{name}{letter}", 384, kernel, 1, by) for letter, (kernel, by) in zip(letters, kernels))

    return [
        [("branch1x1", 320, 1, 1, 0)],
        [("branch3x3_1", 384, 1, 1, 0), fork("branch3x3_2", "ab")],
        [("branch3x3dbl_1", 448, 1, 1, 0), ("branch3x3dbl_2", 384, 3, 1, 1), fork("branch3x3dbl_3", "ab")],
        ["average", ("branch_pool", 192, 1, 1, 0)],
    ]


def _block(wiring: Wiring, place: str, value: Any, width: int, branches: list[list[Any]]) -> tuple[Any, int]:
    ends, widths = [], []
    for branch in branches:
        steps = list(branch)
        end, wide = value, width
        if steps[0] == "average":
            end, steps = wiring.averaged(end, 3, 1, 1), steps[1:]
        elif steps[0] == "greatest":
            end, steps = wiring.greatest(end, 3, 2), steps[1:]
        fork = steps.pop() if steps and isinstance(steps[-1][0], tuple) else ()
        end, wide = _row(wiring, place, end, wide, steps)
        for found in [_row(wiring, place, end, wide, [each]) for each in fork] or [(end, wide)]:
            ends.append(found[0])
            widths.append(found[1])
    return wiring.joined(ends), sum(widths)


def _row(wiring: Wiring, place: str, value: Any, width: int, rows: Sequence[Row]) -> tuple[Any, int]:
    for name, made, kernel, stride, padding in rows:
        value = wiring.convolution(value, f"{place}.{name}.conv", width, made, kernel, stride, padding)
        value = wiring.rectified(wiring.normalised(value, f"{place}.{name}.bn", made, 1e-3))
        width = made
    return value, width


def _auxiliary(wiring: Wiring, place: str) -> None:
    """Add the second exit, which only training uses."""
    from torch import nn

    for name, given, made, kernel in (("conv0", 768, 128, 1), ("conv1", 128, 768, 5)):
        wiring.without_use(f"{place}.{name}.conv", nn.Conv2d(given, made, kernel, bias=False))
        wiring.without_use(f"{place}.{name}.bn", nn.BatchNorm2d(made, eps=1e-3))
    wiring.without_use(f"{place}.fc", nn.Linear(768, _AUXILIARY_CLASSES))
