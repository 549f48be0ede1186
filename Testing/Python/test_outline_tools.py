"""Outlines grown, cut, filled between slices and smoothed: on anisotropic and oblique grids, with known truth."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.models.builtin.outline_tools.alike import grow_alike
from AIImagingLogic.models.builtin.outline_tools.between_slices import fill_between_slices
from AIImagingLogic.models.builtin.outline_tools.cut import cut_here
from AIImagingLogic.models.builtin.outline_tools.edge_smoothing import smooth_to_edge
from AIImagingLogic.records.errors import GeometryError
from Testing.Python.editor_scene import grid

SPACING = (0.8, 1.0, 2.0)


def _image(array, spacing=SPACING):
    return grid(array, spacing=spacing)


def _mask(flags, spacing=SPACING):
    return _image(flags.astype(np.uint8), spacing)


def _flags(image):
    return sitk.GetArrayFromImage(image) > 0


def _dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def _ball(shape, middle_kji, radius_mm, spacing=SPACING):
    grids = np.ogrid[tuple(slice(0, n) for n in shape)]
    return sum(((g - m) * s) ** 2 for g, m, s in zip(grids, middle_kji, spacing[::-1], strict=True)) <= radius_mm**2


def test_an_outline_grows_to_the_end_of_what_looks_like_it_and_not_through_a_thin_bridge():
    shape = (20, 40, 50)
    thing, other = np.zeros(shape, bool), np.zeros(shape, bool)
    thing[5:15, 8:30, 6:24] = True
    other[5:15, 8:30, 28:46] = True
    voxels = np.random.default_rng(0).normal(0, 8, shape)
    voxels[thing | other] += 100
    voxels[10, 20, 24:28] += 100
    half = thing & (np.arange(50) < 14)
    grown = grow_alike(_image(voxels.astype(np.float32)), _mask(half))
    assert _dice(_flags(grown), thing) > 0.97
    assert not (_flags(grown) & other)[:, :, 30:].any()
    assert grown.GetOrigin() == _mask(half).GetOrigin()


def test_an_outline_grows_no_farther_than_its_reach():
    voxels = np.random.default_rng(1).normal(0, 5, (10, 20, 60)).astype(np.float32)
    seed = np.zeros(voxels.shape, bool)
    seed[2:8, 5:15, 5:15] = True
    grown = _flags(grow_alike(_image(voxels), _mask(seed), reach_mm=8.0))
    assert grown[5, 10, 20] and not grown[:, :, 26:].any()


def test_two_balls_are_cut_at_the_neck_between_them():
    shape = (24, 40, 70)
    small, large = _ball(shape, (12, 20, 54), 8.0), _ball(shape, (12, 20, 20), 12.0)
    neck = np.zeros(shape, bool)
    neck[11:14, 18:23, 30:50] = True
    mask = _mask(small | large | neck)
    part = _flags(cut_here(mask, mask.TransformIndexToPhysicalPoint((39, 20, 12))))
    assert (part & small).sum() == small.sum()
    assert not (part & large).any()


def test_what_has_no_neck_at_a_point_or_no_outline_there_is_not_cut():
    ring = _ball((20, 60, 60), (10, 30, 30), 24.0, (1.0, 1.0, 1.0)) & ~_ball(
        (20, 60, 60), (10, 30, 30), 14.0, (1, 1, 1)
    )
    ring &= np.abs(np.arange(20) - 10)[:, None, None] < 4
    mask = _mask(ring, (1.0, 1.0, 1.0))
    with pytest.raises(GeometryError, match="cuts a part off"):
        cut_here(mask, mask.TransformIndexToPhysicalPoint((49, 30, 10)))
    with pytest.raises(GeometryError, match="not at the outline"):
        cut_here(mask, mask.TransformIndexToPhysicalPoint((30, 30, 10)))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_slanted_cone_drawn_in_some_slices_is_filled(axis):
    truth = np.zeros((31, 40, 40), bool)
    j, i = np.ogrid[:40, :40]
    for k in range(31):
        truth[k] = ((j - 14 - 0.3 * k) / 1.5) ** 2 + (i - 22 + 0.2 * k) ** 2 <= (6 + 0.1 * k) ** 2
    drawn = truth.copy()
    drawn[[n for n in range(31) if n % 6]] = False
    truth, drawn = (np.moveaxis(array, 0, 2 - axis) for array in (truth, drawn))
    filled = _flags(fill_between_slices(_mask(drawn)))
    assert _dice(filled, truth) > 0.95
    kept = drawn.any(axis=tuple(n for n in range(3) if n != 2 - axis), keepdims=True) & np.ones_like(drawn)
    np.testing.assert_array_equal(filled[kept], drawn[kept])


def test_with_every_slice_drawn_there_is_nothing_to_fill():
    with pytest.raises(GeometryError, match="no slice to fill"):
        fill_between_slices(_mask(_ball((12, 20, 20), (6, 10, 10), 6.0)))


def test_a_ragged_border_moves_onto_the_edge_of_the_image():
    shape = (24, 48, 56)
    truth = _ball(shape, (12, 24, 28), 15.0)
    rng = np.random.default_rng(2)
    voxels = np.where(truth, 120.0, 20.0) + rng.normal(0, 10, shape)
    ragged = truth.copy()
    ragged[:, :, 30:] = _ball(shape, (12, 24, 28), 13.2)[:, :, 30:]
    ragged ^= (rng.random(shape) < 0.15) & _ball(shape, (12, 24, 28), 16.0) & ~_ball(shape, (12, 24, 28), 14.0)
    smoothed = _flags(smooth_to_edge(_image(voxels.astype(np.float32)), _mask(ragged)))
    assert _dice(ragged, truth) < 0.93 < 0.98 < _dice(smoothed, truth)


def test_without_an_edge_the_border_becomes_smooth_and_the_size_stays():
    shape = (24, 48, 56)
    ball = _ball(shape, (12, 24, 28), 14.0)
    rng = np.random.default_rng(3)
    ragged = ball ^ ((rng.random(shape) < 0.2) & _ball(shape, (12, 24, 28), 15.0) & ~_ball(shape, (12, 24, 28), 13.0))
    flat = rng.normal(50, 10, shape).astype(np.float32)
    smoothed = _flags(smooth_to_edge(_image(flat), _mask(ragged)))
    assert _dice(smoothed, ball) > _dice(ragged, ball)
    assert smoothed.sum() == pytest.approx(ball.sum(), rel=0.05)


@pytest.mark.parametrize("tool", [grow_alike, smooth_to_edge])
def test_without_an_outline_there_is_nothing_to_change(tool):
    empty = _mask(np.zeros((5, 6, 7), bool))
    with pytest.raises(GeometryError, match="no outline"):
        tool(_image(np.zeros((5, 6, 7), np.float32)), empty)
