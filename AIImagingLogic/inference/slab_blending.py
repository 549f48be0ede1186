"""The outputs of overlapping windows, blended slab by slab along k."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.inference.label_codes import LabelCodes
from AIImagingLogic.inference.network_grid import NetworkGrid
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.inference.scratch import Scratch
from AIImagingLogic.inference.side_work import SideWork
from AIImagingLogic.inference.window_plan import WindowPlan, window_weights

# Slices that are given out together: as many floats as a line of the processor's cache holds; fewer to spare memory.
_GROUP, _SMALL_GROUP = 16, 4
# Values that are looked at together: few enough to stay in the processor's cache; fewer when they lie in a file.
_CHUNK, _SMALL_CHUNK = 1 << 16, 1 << 13


def group_size(on_disk: bool) -> int:
    """Return how many slices are given out together at most."""
    return _SMALL_GROUP if on_disk else _GROUP


class SlabBlending:
    """Sums weighted windows in a slab as deep as one window; slices that no later window touches are given out.

    The sums lie in the network's order of axes and stay there: a voxel's code is found in them, and values are taken
    out only where they are asked for.

    Parameters
    ----------
    plan : where the windows lie
    shape : (k, j, i) of the padded volume
    grid : says how the network's axes lie
    recipe : says how many channels and how windows are blended
    as_probabilities : windows come as probabilities; else they are made so once blended, if the recipe asks
    scratch : makes the sums
    side_work : does the sums
    on_disk : whether they lie in a file
    """

    def __init__(
        self,
        plan: WindowPlan,
        shape: tuple[int, int, int],
        grid: NetworkGrid,
        recipe: NetworkRecipe,
        as_probabilities: bool,
        scratch: Scratch,
        side_work: SideWork,
        on_disk: bool = False,
    ) -> None:
        import torch

        self._grid, self._axes, self._flipped = grid, grid.array_axes, grid.flipped
        self._slab = self._axes.index(0)
        self._shape, self._window = shape, plan.window
        self._base = 0
        self._recipe, self._scratch, self._side_work, self._on_disk = recipe, scratch, side_work, on_disk
        self._activate = recipe.resampled == "probabilities" and not as_probabilities
        self._codes = LabelCodes(recipe)
        sides = [plan.window[0] if axis == 0 else shape[axis] for axis in self._axes]
        self._sums = scratch.zeros((recipe.output_channels, *sides), on_disk)
        self._counts = scratch.zeros(tuple(sides), on_disk)
        self._weights = torch.from_numpy(window_weights([plan.window[axis] for axis in self._axes], recipe.blending))

    def add(self, values: Any, start: tuple[int, int, int]) -> None:
        """Add a window that begins where the slab begins.

        Parameters
        ----------
        values : torch float32 (channels, *window) in the network's order
        start : (k, j, i) of its first voxel; k is where `finished` was last called with, or 0
        """
        where = []
        for axis, flipped in zip(self._axes, self._flipped):
            length = self._window[axis]
            first = 0 if axis == 0 else start[axis]
            if flipped and axis != 0:
                first = self._shape[axis] - first - length
            where.append(slice(first, first + length))
        sums, counts = self._sums[(slice(None), *where)], self._counts[tuple(where)]

        def add_part(part: slice) -> None:
            counts[part] += self._weights[part]
            sums[:, part].addcmul_(values[:, part], self._weights[part])
            self._scratch.release()

        parts = self._side_work.parts(sums.shape[1])
        if self._on_disk:
            # What lies in files is in memory for a few rows at a time.
            parts = [slice(row, row + _SMALL_GROUP) for row in range(0, sums.shape[1], _SMALL_GROUP)]
        self._side_work.share(add_part, parts)

    def finished(self, start: int) -> Iterator[tuple[int, NDArray[Any]]]:
        """Give out the slices before `start`, some at a time, in the order of k.

        Gives which slice of the slab is the first of them, and their codes (slices, j, i). Their values may be asked
        for before the next are. After the last the slab begins at `start`.
        """
        depth = self._window[0]
        ready = min(start, self._shape[0]) - self._base
        group = group_size(self._on_disk)
        for first in range(0, ready, group):
            count = min(group, ready - first)
            yield first, self._codes_of(first, count)
        left = max(depth - ready, 0)
        # The slab's axis may run against k: what is finished then lies at its end.
        old, new = (0, depth - left) if self._flipped[self._slab] else (depth - left, 0)
        self._side_work.share(partial(self._move_on, old, new, left), [*self._sums, self._counts])
        self._base += ready
        self._scratch.release()

    def values(self, at: int, marks: NDArray[np.bool_]) -> tuple[Any, NDArray[np.int32]]:
        """Return the values of marked voxels of slices of the slab.

        Parameters
        ----------
        at : the first slice, counted along k
        marks : (slices, j, i)

        Returns
        -------
        A table and the row of each voxel; see `finished_slices.Values`.
        """
        import torch

        # In the order of memory, so that neighbours are read together.
        marked = np.ascontiguousarray(self._grid.in_network_order(marks))
        within = np.nonzero(marked)
        count = len(within[0])
        rows = np.zeros(marked.shape, np.int32)
        rows[marked] = np.arange(1, count + 1, dtype=np.int32)
        steps = [int(step) for step in self._counts.stride()]
        corner = self._place_of(at, len(marks)) * steps[self._slab]
        places = torch.from_numpy(sum((index * step for index, step in zip(within, steps)), corner))
        table = torch.zeros((count + 1, len(self._sums)))

        def fetch(part: slice) -> None:
            sums = self._sums.view(len(self._sums), -1)[:, places[part]]
            table[1:][part] = self._read(sums, self._counts.view(-1)[places[part]]).T
            self._scratch.release()

        step = _SMALL_CHUNK if self._on_disk else max(1, -(-count // self._side_work.threads))
        self._side_work.share(fetch, [slice(start, start + step) for start in range(0, count, step)])
        return table, self._grid.in_image_order(rows)

    def _place_of(self, at: int, count: int) -> int:
        """Return where in the sums `count` slices lie, the first of which is the slab's slice `at` along k."""
        return self._window[0] - at - count if self._flipped[self._slab] else at

    def _move_on(self, old: int, new: int, left: int, part: Any) -> None:
        # Some slices at a time, from the side that is moved to, so that none is overwritten before it is moved.
        depth = self._window[0]
        step = _SMALL_GROUP if self._on_disk else depth
        firsts = range(0, left, step)
        for first in firsts if new < old else reversed(firsts):
            count = min(step, left - first)
            part.narrow(self._slab, new + first, count).copy_(part.narrow(self._slab, old + first, count).clone())
            self._scratch.release()
        begin, end = (left, depth) if new < old else (0, depth - left)
        for first in range(begin, end, step):
            part.narrow(self._slab, first, min(step, end - first)).zero_()
            self._scratch.release()

    def _codes_of(self, first: int, count: int) -> NDArray[Any]:
        """Return the codes (slices, j, i) of slices of the slab, counted along k."""
        at = self._place_of(first, count)
        sums = self._sums.narrow(self._slab + 1, at, count)
        counts = self._counts.narrow(self._slab, at, count)
        codes: NDArray[Any] = np.zeros(tuple(counts.shape), self._codes.code_kind)
        chunk = _SMALL_CHUNK if self._on_disk else _CHUNK
        step = max(1, chunk * len(counts) // max(counts.numel(), 1))
        chunks = [slice(first, first + step) for first in range(0, len(counts), step)]

        def find(chunk: slice) -> None:
            if self._recipe.output == "softmax":
                # Neither weights nor activation change which channel is the largest.
                codes[chunk] = self._codes.largest(sums[:, chunk])
            else:
                codes[chunk] = self._codes.of_each(self._read(sums[:, chunk], counts[chunk]))
            self._scratch.release()

        self._side_work.share(find, chunks)
        return np.ascontiguousarray(self._grid.in_image_order(codes))

    def _read(self, sums: Any, counts: Any) -> Any:
        """Return what sums (channels, ...) mean, where they were seen as often as `counts` (...) says."""
        seen = counts > 0
        values = sums / counts.where(seen, counts.new_ones(()))
        if self._activate:
            values = probabilities(values, self._recipe, 0)
        # A place that no window saw is background, whatever the activation makes of nothing.
        return values.mul_(seen)


def probabilities(values: Any, recipe: NetworkRecipe, channel_axis: int) -> Any:
    """Return the network's output as probabilities, where it is not already what the recipe reads."""
    if recipe.output == "softmax":
        return values.softmax(channel_axis)
    if recipe.output == "sigmoid":
        return values.sigmoid()
    return values
