"""From values on a network's grid to labels on the image's grid, slice by slice, without full-size float volumes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.inference.label_codes import LabelCodes
from AIImagingLogic.inference.network_grid import NetworkGrid, Taps
from AIImagingLogic.inference.recipe import NetworkRecipe


@dataclass(frozen=True)
class _Slice:
    """A slice of the network's grid.

    Attributes
    ----------
    codes : (j, i) what the channels of each voxel say
    borders : (j, i) whether a voxel's code differs from those of its neighbours towards larger j, i
    table : torch float32 (j * i, channels)
    """

    codes: NDArray[Any]
    borders: NDArray[np.bool_]
    table: Any


class LabelPainter:
    """Takes the slices of a network's grid in order and fills the labels of the image.

    Parameters
    ----------
    grid : of the network
    recipe : says how channels become labels

    Attributes
    ----------
    labels : (k, j, i) on the image's grid

    Notes
    -----
    The labels are those of values that are interpolated linearly to the image's grid, channel by channel, and then
    compared. Between voxels that all say the same, every mixture of them says it too; so only at voxels whose
    neighbours differ the channels are interpolated.
    """

    def __init__(self, grid: NetworkGrid, recipe: NetworkRecipe) -> None:
        across_i, across_j, through = grid.maps
        self._codes = LabelCodes(recipe)
        shape = (through.image_size, across_j.image_size, across_i.image_size)
        self.labels: NDArray[Any] = np.zeros(shape, self._codes.kind)
        self._i, self._j, self._k = across_i.network_taps(), across_j.network_taps(), through.network_taps()
        if recipe.output == "labels":
            self._i, self._j, self._k = _nearest(self._i), _nearest(self._j), _nearest(self._k)
        self._flat = across_i.is_identity and across_j.is_identity
        self._width = across_i.network_size
        self._previous: _Slice | None = None
        self._received = 0
        self._painted = 0

    def add(self, plane: Any) -> None:
        """Take the next slice: torch float32 (channels, j, i)."""
        number = self._received
        self._received += 1
        current = self._slice(plane)
        while self._painted < len(self._k.first) and self._k.second[self._painted] <= number:
            at = self._painted
            first = current if self._k.first[at] == number else self._previous
            assert first is not None
            self._paint(self.labels[at], first, current, float(self._k.share[at]))
            self._painted += 1
        self._previous = current

    def _slice(self, plane: Any) -> _Slice:
        codes = self._codes.of_channels(plane.numpy())
        borders = np.zeros(codes.shape, bool)
        if not self._flat:
            across, down = codes[:, 1:] != codes[:, :-1], codes[1:] != codes[:-1]
            borders[:, :-1] |= across
            borders[:-1] |= down
            borders[:-1, :-1] |= across[1:]
        return _Slice(codes, borders, plane.reshape(len(plane), -1).T.contiguous())

    def _paint(self, out: NDArray[Any], first: _Slice, second: _Slice, share: float) -> None:
        shown = self._codes.labels(first.codes)
        differ = first.borders
        if share > 0:
            differ = differ | second.borders | (first.codes != second.codes)
        if not self._flat:
            shown = np.take(shown, self._i.first, axis=1)[self._j.first]
            differ = np.take(differ, self._i.first, axis=1)[self._j.first]
        out[...] = shown
        places = np.flatnonzero(differ)
        if len(places) == 0 or self._codes.nearest:
            return
        rows, columns = np.divmod(places, differ.shape[1])
        if share == 0:
            values = self._mixture(first, rows, columns, 1.0)
        else:
            values = self._mixture(first, rows, columns, 1.0 - share) + self._mixture(second, rows, columns, share)
        out[rows, columns] = self._codes.labels(self._codes.of_channels(values.numpy().T))

    def _mixture(self, plane: _Slice, rows: NDArray[np.int64], columns: NDArray[np.int64], part: float) -> Any:
        """Return `part` of a slice's values at image voxels: torch (N, channels)."""
        import torch

        top, bottom = self._j.first[rows] * self._width, self._j.second[rows] * self._width
        left, right = self._i.first[columns], self._i.second[columns]
        down, across = self._j.share[rows], self._i.share[columns]
        up, back = 1 - down, 1 - across
        places = np.stack([top + left, top + right, bottom + left, bottom + right], 1)
        shares = np.stack([up * back, up * across, down * back, down * across], 1) * np.float32(part)
        return torch.nn.functional.embedding_bag(
            torch.from_numpy(places), plane.table, per_sample_weights=torch.from_numpy(shares), mode="sum"
        )


def _nearest(taps: Taps) -> Taps:
    nearest = np.where(taps.share > 0.5, taps.second, taps.first)
    return Taps(nearest, nearest, np.zeros_like(taps.share))
