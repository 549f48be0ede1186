"""Slices of the network's grid whose values are complete: what each voxel says, and the values behind it on request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = Callable[[NDArray[np.bool_]], tuple[Any, NDArray[np.int32]]]
"""Takes marks (slices, j, i) and returns the values of the marked voxels, as they are resampled: a table, torch float32
(N, channels), the first row of which is 0, and the row of each voxel (slices, j, i), 0 where there is no mark."""


class FinishedSlices:
    """Some slices of a grid, in the order of k.

    Parameters
    ----------
    codes : (slices, j, i) of a box in the grid; around it is background
    values : of the box's voxels; valid until the next slices are asked for
    shape : (j, i) of the grid
    corner : (j, i) of the box's first voxel

    Attributes
    ----------
    codes : (slices, j, i) of the whole grid
    """

    def __init__(
        self, codes: NDArray[Any], values: Values, shape: tuple[int, int], corner: tuple[int, int] = (0, 0)
    ) -> None:
        self._values = values
        sides = (slice(first, first + size) for first, size in zip(corner, codes.shape[1:]))
        self._box = (slice(None), *sides)
        self.codes = codes
        if codes.shape[1:] != shape:
            self.codes = np.zeros((len(codes), *shape), codes.dtype)
            self.codes[self._box] = codes

    def values(self, marks: NDArray[np.bool_]) -> tuple[Any, NDArray[np.int32]]:
        """Return the values of marked voxels, all 0 outside of the box; see `Values`."""
        table, rows_in_box = self._values(marks[self._box])
        rows = np.zeros(marks.shape, np.int32)
        rows[self._box] = rows_in_box
        return table, rows
