"""A row of axial slices, one a click: the truth, the outline after the click, and what the click changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from Testing.Benchmarks.interactive_user import Mask, dice_of

matplotlib.use("Agg")
from matplotlib import patheffects, pyplot
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

_TRUTH, _OUTLINE, _REMOVED, _TEXT = "#ffd000", "#00c8ff", "#ff5050", "#f0f0f0"
_PANEL_INCHES, _LEGEND_INCHES, _DPI = 2.4, 0.3, 110
_TINT, _TRUTH_PT, _OUTLINE_PT = 0.25, 0.9, 1.7
_SCALE_BAR_MM = 20
_HALO = [patheffects.withStroke(linewidth=2.5, foreground="black")]


@dataclass(frozen=True)
class Step:
    """The outline before and after a click.

    Attributes
    ----------
    at : index (k, j, i) of the click
    inside : whether it shows the object, or what does not belong to it
    before, after : masks (k, j, i)
    """

    at: tuple[int, ...]
    inside: bool
    before: Mask
    after: Mask


@dataclass(frozen=True)
class Look:
    """How a case is shown.

    Attributes
    ----------
    title : two lines on the first panel
    window : grey values of black and white
    margin_mm : shown around the truth
    """

    title: str
    window: tuple[float, float]
    margin_mm: float


def draw_clicks(image: sitk.Image, truth: Mask, steps: Sequence[Step], look: Look, path: Path) -> None:
    """Write the picture: what there was at the first click, then the slice of each click after it.

    Parameters
    ----------
    image : 3D, of any orientation
    truth : (k, j, i) on the grid of the image
    steps : one a click, on the same grid
    """
    start = steps[0].before
    shown = [_axial_step(image, step) for step in (Step(steps[0].at, True, start, start), *steps)]
    image, truth = _axial(image), _axial_mask(image, truth)
    share = _LEGEND_INCHES / (_PANEL_INCHES + _LEGEND_INCHES)
    size = (len(shown) * _PANEL_INCHES, _PANEL_INCHES + _LEGEND_INCHES)
    figure, row = pyplot.subplots(1, len(shown), figsize=size, facecolor="black")
    for number, (axes, step) in enumerate(zip(row, shown, strict=True)):
        _slice(axes, image, truth, step, look.window)
        _frame(axes, truth, look.margin_mm, image.GetSpacing())
        score = f"Dice {dice_of(step.after, truth):.2f}"
        if number:
            _mark(axes, step, image)
            kind = "inside" if step.inside else "outside"
            _write(axes, 0.03, 0.97, f"Click {number}: {kind}\n{_height(shown[0], step, image)}")
        else:
            _scale_bar(axes)
            _write(axes, 0.03, 0.97, look.title)
            score = f"Proposal, {score}" if start.any() else "Nothing yet"
        _write(axes, 0.03, 0.03, score, va="bottom", weight="bold")
    _legend(figure, share)
    figure.subplots_adjust(0.0, share, 1.0, 1.0, 0.02, 0.0)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=_DPI, facecolor="black")
    pyplot.close(figure)


def _axial(image: sitk.Image) -> sitk.Image:
    """Return the image with the axes nearest to left, posterior and superior: its slices are axial."""
    return sitk.DICOMOrient(image, "LPS")


def _axial_mask(image: sitk.Image, mask: Mask) -> Mask:
    labels = sitk.GetImageFromArray(mask.astype(np.uint8))
    labels.CopyInformation(image)
    return np.asarray(sitk.GetArrayFromImage(_axial(labels)) > 0)


def _axial_step(image: sitk.Image, step: Step) -> Step:
    """Return a step on the grid of the axial image. The clicks themselves were given on the image's own grid."""
    point = image.TransformIndexToPhysicalPoint([int(n) for n in step.at[::-1]])
    at = _axial(image).TransformPhysicalPointToIndex(point)[::-1]
    return Step(at, step.inside, _axial_mask(image, step.before), _axial_mask(image, step.after))


def _slice(axes: Any, image: sitk.Image, truth: Mask, step: Step, window: tuple[float, float]) -> None:
    """Draw the slice of the click in mm, with the outlines and what the click changed."""
    k = step.at[0]
    x_mm, y_mm, _ = image.GetSpacing()
    height, width = truth.shape[1:]
    extent = (-0.5 * x_mm, (width - 0.5) * x_mm, (height - 0.5) * y_mm, -0.5 * y_mm)
    low, high = window
    grey = sitk.GetArrayViewFromImage(image)[k]
    axes.imshow(grey, cmap="gray", vmin=low, vmax=high, extent=extent, interpolation="bilinear")
    for mask, colour in ((step.after & ~step.before, _OUTLINE), (step.before & ~step.after, _REMOVED)):
        tint = np.zeros((height, width, 4))
        tint[mask[k]] = (*matplotlib.colors.to_rgb(colour), _TINT)
        axes.imshow(tint, extent=extent, interpolation="nearest")
    for mask, colour, width_pt in ((truth, _TRUTH, _TRUTH_PT), (step.after, _OUTLINE, _OUTLINE_PT)):
        if mask[k].any():
            # A voxel wider than the image, so that the outline of what touches its border is closed.
            at = (np.arange(-1, width + 1) * x_mm, np.arange(-1, height + 1) * y_mm)
            axes.contour(*at, np.pad(mask[k].astype(float), 1), [0.5], colors=colour, linewidths=width_pt)


def _frame(axes: Any, truth: Mask, margin_mm: float, spacing_mm: tuple[float, ...]) -> None:
    """Show a square around the whole truth, the same in each panel, and which side is which."""
    where = ndimage.find_objects(truth.any(axis=0).astype(np.int8))[0]
    (bottom, top), (left, right) = (
        (part.start * mm, part.stop * mm) for part, mm in zip(where, spacing_mm[1::-1], strict=True)
    )
    half = max(top - bottom, right - left) / 2 + margin_mm
    x, y = (left + right) / 2, (bottom + top) / 2
    axes.set_xlim(x - half, x + half)
    axes.set_ylim(y + half, y - half)
    axes.set_axis_off()
    _write(axes, 0.02, 0.5, "R", va="center")
    _write(axes, 0.98, 0.5, "L", va="center", ha="right")


def _height(first: Step, step: Step, image: sitk.Image) -> str:
    """Return how far above the first click's slice this one lies."""
    millimetres = (step.at[0] - first.at[0]) * image.GetSpacing()[2]
    if abs(millimetres) < 1e-3:
        return "same slice"
    return f"{abs(millimetres):.0f} mm " + ("higher" if millimetres > 0 else "lower")


def _legend(figure: Any, top: float) -> None:
    """Say below the panels what the colours mean."""
    lines = [
        Line2D([], [], color=_TRUTH, linewidth=_TRUTH_PT),
        Line2D([], [], color=_OUTLINE, linewidth=_OUTLINE_PT),
        Patch(color=_OUTLINE, alpha=2 * _TINT),
        Patch(color=_REMOVED, alpha=2 * _TINT),
    ]
    said = ("truth", "outline", "added by this click", "removed by this click")
    place = {"loc": "center", "bbox_to_anchor": (0.5, top / 2), "ncols": 4, "borderpad": 0}
    figure.legend(lines, said, frameon=False, labelcolor=_TEXT, fontsize=10, **place)


def _scale_bar(axes: Any) -> None:
    """Draw a bar of known length in the lower right corner."""
    (_, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    y = bottom + 0.06 * (top - bottom)
    end = right - 0.04 * (bottom - top)
    axes.plot((end - _SCALE_BAR_MM, end), (y, y), color=_TEXT, linewidth=2, solid_capstyle="butt")
    axes.text(end, y, f"{_SCALE_BAR_MM} mm", color=_TEXT, fontsize=8, ha="right", va="bottom", path_effects=_HALO)


def _mark(axes: Any, step: Step, image: sitk.Image) -> None:
    """Draw the click: a disk with + or -."""
    x, y = step.at[2] * image.GetSpacing()[0], step.at[1] * image.GetSpacing()[1]
    axes.plot(x, y, "o", markersize=9, color="white", markeredgecolor="black", markeredgewidth=1)
    axes.plot(x, y, "+" if step.inside else "_", markersize=6, color="black", markeredgewidth=1.6)


def _write(axes: Any, x: float, y: float, said: str, va: str = "top", ha: str = "left", weight: str = "normal") -> None:
    place = {"va": va, "ha": ha, "transform": axes.transAxes}
    axes.text(x, y, said, color=_TEXT, fontsize=10, weight=weight, path_effects=_HALO, **place)
