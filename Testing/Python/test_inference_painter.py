"""Labels painted slice by slice are those of channels that are interpolated everywhere and then compared."""

from __future__ import annotations

from itertools import cycle

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

torch = pytest.importorskip("torch")

from AIImagingLogic.inference.finished_slices import FinishedSlices  # noqa: E402
from AIImagingLogic.inference.label_codes import LabelCodes  # noqa: E402
from AIImagingLogic.inference.label_painter import LabelPainter  # noqa: E402
from AIImagingLogic.inference.network_grid import AxisMap, NetworkGrid  # noqa: E402
from AIImagingLogic.inference.recipe import NetworkRecipe  # noqa: E402
from AIImagingLogic.inference.side_work import SideWork  # noqa: E402

# Finer in plane and through it; coarser; and with slices that coincide.
GRIDS = {
    "finer": (AxisMap(31, 12, 2.7, 0.4), AxisMap(26, 14, 2.0, -0.3), AxisMap(23, 9, 2.6, 0.0)),
    "coarser": (AxisMap(9, 22, 0.4, 0.1), AxisMap(11, 20, 0.5, 0.0), AxisMap(8, 19, 0.4, 0.2)),
    "through the plane only": (AxisMap(13, 13), AxisMap(15, 15), AxisMap(20, 8, 2.5, 1.0)),
    "in the plane only": (AxisMap(20, 8, 2.5, 1.0), AxisMap(15, 15), AxisMap(13, 13)),
    "the same": (AxisMap(13, 13), AxisMap(15, 15), AxisMap(7, 7)),
}


def painted(values, maps, recipe, sizes=(1, 3, 2)):
    """Give slices in groups of `sizes`, over and over."""
    codes = LabelCodes(recipe).of_channels(values)
    with SideWork() as side_work:
        painter = LabelPainter(NetworkGrid(maps, (0, 1, 2), (False,) * 3), recipe, side_work)
        first, groups = 0, cycle(sizes)
        while first < values.shape[1]:
            part = slice(first, first := first + next(groups))

            def fetch(marks, part=part):
                rows = np.where(marks, marks.cumsum().reshape(marks.shape), 0).astype(np.int32)
                table = values[:, part][:, marks].T
                return torch.from_numpy(np.concatenate([np.zeros((1, len(values)), np.float32), table])), rows

            painter.add(FinishedSlices(codes[part], fetch, codes.shape[1:]))
    return painter.labels


def interpolated(values, maps, order=1):
    i, j, k = maps
    places = np.meshgrid(
        *((np.arange(axis.image_size) - axis.offset) / axis.scale for axis in (k, j, i)), indexing="ij"
    )
    return np.stack([map_coordinates(channel, places, order=order, mode="nearest") for channel in values])


def random_values(maps, channels):
    shape = (channels, *(axis.network_size for axis in reversed(maps)))
    return np.random.default_rng(channels).random(shape, np.float32)


@pytest.mark.parametrize("maps", GRIDS.values(), ids=GRIDS)
def test_the_largest_channel_wins(maps):
    values = random_values(maps, 4)
    labels = painted(values, maps, NetworkRecipe(1, 4, (0, 3, 200, 7)))
    wanted = np.array([0, 3, 200, 7])[interpolated(values, maps).argmax(0)]
    # Random values: no two channels are equal but for rounding.
    assert np.mean(labels != wanted) < 1e-3
    assert labels.dtype == np.uint8


@pytest.mark.parametrize("maps", GRIDS.values(), ids=GRIDS)
def test_each_channel_above_the_threshold_counts_and_later_ones_cover_earlier(maps):
    values = random_values(maps, 3)
    labels = painted(values, maps, NetworkRecipe(1, 3, (1, 2, 500), output="sigmoid", threshold=0.6))
    wanted = np.zeros(labels.shape, int)
    for value, channel in zip((1, 2, 500), interpolated(values, maps)):
        wanted[channel > 0.6] = value
    assert np.mean(labels != wanted) < 1e-3
    assert labels.dtype == np.uint16


@pytest.mark.parametrize("maps", GRIDS.values(), ids=GRIDS)
def test_label_values_are_taken_from_the_nearest_voxel(maps):
    values = np.floor(random_values(maps, 1) * 9).astype(np.float32)
    labels = painted(values, maps, NetworkRecipe(1, 1, tuple(range(9)), output="labels"))
    apart = labels != interpolated(values, maps, order=0)[0]
    # Half-way between two voxels either is the nearest.
    ties = np.zeros(labels.shape, bool)
    for axis, line in zip(range(3), reversed(maps)):
        place = ((np.arange(line.image_size) - line.offset) / line.scale) % 1
        half = np.isclose(place, 0.5, atol=1e-5).reshape([-1 if other == axis else 1 for other in range(3)])
        ties |= half
    assert not (apart & ~ties).any()
