"""From values on a network's grid to labels on the image's grid, slice by slice, without full-size float volumes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.inference.network_grid import NetworkGrid
from AIImagingLogic.inference.recipe import NetworkRecipe


class LabelPainter:
    """Takes the slices of a network's grid in order and fills the labels of the image.

    Parameters
    ----------
    grid : of the network
    recipe : says how channels become labels

    Notes
    -----
    The labels are those of values that are interpolated linearly to the image's grid, channel by channel, and then
    compared. Between voxels that all have the same winner, every mixture of them has that winner too; so only at
    voxels whose neighbours differ the channels are interpolated.
    """

    def __init__(self, grid: NetworkGrid, recipe: NetworkRecipe) -> None:
        across_i, across_j, through = grid.maps
        kind = np.uint8 if max(recipe.values, default=0) < 256 else np.uint16
        self.labels: NDArray[Any] = np.zeros((through.image_size, across_j.image_size, across_i.image_size), kind)
        self._winner = _Winner(recipe, kind)
        self._nearest = recipe.output == "labels"
        self._in_plane = None if across_i.is_identity and across_j.is_identity else _InPlane(grid, self._winner)
        self._through = through.network_taps()
        if self._nearest:
            self._through = _rounded(self._through)
        self._previous: Any = None
        self._received = 0
        self._painted = 0

    def add(self, plane: Any) -> None:
        """Take the next slice: torch float32 (channels, j, i)."""
        number = self._received
        self._received += 1
        taps = self._through
        while self._painted < len(taps.first) and taps.second[self._painted] <= number:
            at = self._painted
            self.labels[at] = self._slice(plane, int(taps.first[at]), float(taps.share[at]), number)
            self._painted += 1
        self._previous = plane

    def _slice(self, plane: Any, first: int, share: float, number: int) -> NDArray[Any]:
        import torch

        values = plane if first == number else self._previous
        if share > 0:
            values = torch.lerp(values, plane, share)
        if self._in_plane is None:
            return self._winner.labels(self._winner.codes(values))
        return self._in_plane.labels(values, self._nearest)


class _Winner:
    """How the channels of a voxel become a label. A code tells voxels apart whose mixtures may differ."""

    def __init__(self, recipe: NetworkRecipe, kind: type) -> None:
        self._recipe = recipe
        self._values: NDArray[Any] = np.array(recipe.values, kind)
        self._kind = kind

    def codes(self, values: Any) -> Any:
        """Return torch int64 (...) of channels (channels, ...)."""
        import torch

        if self._recipe.output == "softmax":
            return values.argmax(0)
        if self._recipe.output == "labels":
            return values[0].round().to(torch.int64)
        codes = torch.zeros(values.shape[1:], dtype=torch.int64)
        for number, channel in enumerate(values):
            codes |= (channel > self._recipe.threshold).to(torch.int64) << number
        return codes

    def labels(self, codes: Any) -> NDArray[Any]:
        """Return the label of each code."""
        found = codes.numpy()
        if self._recipe.output == "softmax":
            return self._values[found]
        if self._recipe.output == "labels":
            return found.astype(self._kind)
        labels = np.zeros(found.shape, self._kind)
        for number, value in enumerate(self._values):
            labels[(found >> number) & 1 == 1] = value
        return labels


class _InPlane:
    """Interpolation within a slice, where it can change the label."""

    def __init__(self, grid: NetworkGrid, winner: _Winner) -> None:
        self._winner = winner
        self._i, self._j = grid.maps[0].network_taps(), grid.maps[1].network_taps()
        self._width = grid.maps[0].network_size

    def labels(self, values: Any, nearest: bool) -> NDArray[Any]:
        import torch

        codes = self._winner.codes(values)
        if nearest:
            i, j = _rounded(self._i), _rounded(self._j)
            return self._winner.labels(codes)[j.first[:, None], i.first]
        labels = self._winner.labels(codes)[self._j.first[:, None], self._i.first]
        right, below = torch.roll(codes, -1, 1), torch.roll(codes, -1, 0)
        right[:, -1], below[-1] = codes[:, -1], codes[-1]
        corner = torch.roll(right, -1, 0)
        corner[-1] = right[-1]
        mixed = ((codes != right) | (codes != below) | (codes != corner)).numpy()
        rows, columns = np.nonzero(mixed[self._j.first[:, None], self._i.first])
        if len(rows):
            labels[rows, columns] = self._winner.labels(self._winner.codes(self._mixture(values, rows, columns)))
        return labels

    def _mixture(self, values: Any, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Any:
        """Return (channels, N) at image voxels of the slice."""
        import torch

        top, bottom = self._j.first[rows] * self._width, self._j.second[rows] * self._width
        left, right = self._i.first[columns], self._i.second[columns]
        down, across = self._j.share[rows], self._i.share[columns]
        places = np.stack([top + left, top + right, bottom + left, bottom + right], 1)
        one = np.float32(1)
        shares = np.stack(
            [(one - down) * (one - across), (one - down) * across, down * (one - across), down * across], 1
        )
        table = values.reshape(len(values), -1).T.contiguous()
        mixture = torch.nn.functional.embedding_bag(
            torch.from_numpy(places), table, per_sample_weights=torch.from_numpy(shares), mode="sum"
        )
        return mixture.T


def _rounded(taps: Any) -> Any:
    from AIImagingLogic.inference.network_grid import Taps

    nearest = np.where(taps.share > 0.5, taps.second, taps.first)
    return Taps(nearest, nearest, np.zeros_like(taps.share))
