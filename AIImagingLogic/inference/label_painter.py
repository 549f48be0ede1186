"""From values on a network's grid to labels on the image's grid, slice by slice, without full-size float volumes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.inference.finished_slices import FinishedSlices
from AIImagingLogic.inference.label_codes import LabelCodes
from AIImagingLogic.inference.network_grid import NetworkGrid, Taps
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.inference.side_work import SideWork


@dataclass(frozen=True)
class _Slice:
    """A slice of the network's grid.

    Attributes
    ----------
    codes : (j, i) what the channels of each voxel say
    borders : (j, i) whether a voxel's code differs from those of its neighbours towards larger j, i
    rows : (j * i,) the row of each voxel in `table`, where its values may be needed
    table : torch float32 (N, channels)
    """

    codes: NDArray[Any]
    borders: NDArray[np.bool_]
    rows: NDArray[np.int32]
    table: Any

    def alone(self) -> _Slice:
        """Return the slice with a table of its own values only."""
        rows = np.arange(len(self.rows), dtype=np.int32)
        return _Slice(self.codes.copy(), self.borders.copy(), rows, self.table[self.rows.astype(np.int64)])


class LabelPainter:
    """Takes the slices of a network's grid in order and fills the labels of the image.

    Parameters
    ----------
    grid : of the network
    recipe : says how channels become labels
    side_work : does the work

    Attributes
    ----------
    labels : (k, j, i) on the image's grid

    Notes
    -----
    The labels are those of values that are interpolated linearly to the image's grid, channel by channel, and then
    compared. Between voxels that all say the same, every mixture of them says it too; so only at voxels whose
    neighbours differ the channels are looked at and interpolated.
    """

    def __init__(self, grid: NetworkGrid, recipe: NetworkRecipe, side_work: SideWork) -> None:
        across_i, across_j, through = grid.maps
        self._codes, self._side_work = LabelCodes(recipe), side_work
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

    def add(self, finished: FinishedSlices) -> None:
        """Take the next slices."""
        codes = finished.codes
        borders = self._borders(codes)
        needed = self._needed(codes, borders)

        # Which values of the last slice are needed, the next slices will tell.
        needed[-1] = not self._codes.nearest
        table, rows = finished.values(needed)
        slices = [_Slice(*each, table) for each in zip(codes, borders, rows.reshape(len(codes), -1))]
        first = self._received
        self._received += len(codes)
        last = int(np.searchsorted(self._k.second, self._received))

        def paint(at: int) -> None:
            near, far = (
                slices[number - first] if number >= first else self._previous
                for number in (self._k.first[at], self._k.second[at])
            )
            assert near is not None
            assert far is not None
            self._paint(self.labels[at], near, far, float(self._k.share[at]))

        self._side_work.share(paint, range(self._painted, last))
        self._painted, self._previous = last, slices[-1].alone()

    def _borders(self, codes: NDArray[Any]) -> NDArray[np.bool_]:
        borders = np.zeros(codes.shape, bool)
        if not self._flat:
            across, down = codes[:, :, 1:] != codes[:, :, :-1], codes[:, 1:] != codes[:, :-1]
            borders[:, :, :-1] |= across
            borders[:, :-1] |= down
            borders[:, :-1, :-1] |= across[:, 1:]
        return borders

    def _needed(self, codes: NDArray[Any], borders: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which voxels (slices, j, i) may have to be mixed with a neighbour."""
        if self._codes.nearest:
            return np.zeros(codes.shape, bool)
        differ = borders.copy()
        between = borders[1:] | borders[:-1] | (codes[1:] != codes[:-1])
        differ[1:] |= between
        differ[:-1] |= between
        if self._previous is not None:
            differ[0] |= self._previous.borders | (self._previous.codes != codes[0])
        if self._flat:
            return differ
        # A place between four voxels is marked at the first of them.
        needed = differ.copy()
        needed[:, 1:] |= differ[:, :-1]
        needed[:, :, 1:] |= differ[:, :, :-1]
        needed[:, 1:, 1:] |= differ[:, :-1, :-1]
        return needed

    def _paint(self, out: NDArray[Any], first: _Slice, second: _Slice, share: float) -> None:
        shown = self._codes.labels(first.codes)
        differ = first.borders
        if share > 0:
            differ = differ | second.borders | (first.codes != second.codes)
        if not self._flat:
            shown = np.take(shown, self._i.first, axis=1)[self._j.first]
            differ = np.take(differ, self._i.first, axis=1)[self._j.first]
        out[...] = shown
        rows, columns = np.nonzero(differ)
        if len(rows) == 0 or self._codes.nearest:
            return
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
        places = plane.rows[np.stack([top + left, top + right, bottom + left, bottom + right], 1)]
        shares = np.stack([up * back, up * across, down * back, down * across], 1) * np.float32(part)
        return torch.nn.functional.embedding_bag(
            torch.from_numpy(places), plane.table, per_sample_weights=torch.from_numpy(shares), mode="sum"
        )


def _nearest(taps: Taps) -> Taps:
    nearest = np.where(taps.share > 0.5, taps.second, taps.first)
    return Taps(nearest, nearest, np.zeros_like(taps.share))
