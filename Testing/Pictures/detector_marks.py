"""The marks of a nodule detector on a CT, one row each: axial, coronal and sagittal, in LPS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.models.protocols import Candidate

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.patches import Circle

_HALF_MM, _STEP_MM = 25.0, 0.5
_DARKEST_HU, _BRIGHTEST_HU = -1200.0, 300.0
_PANEL_INCHES, _DPI = 1.7, 100
_COLUMNS = 4
_RING, _TEXT = "#ffd000", "#202020"
# Columns and rows of each view, LPS: as a radiologist looks at it.
_VIEWS = {"axial": ((1, 0, 0), (0, 1, 0)), "coronal": ((1, 0, 0), (0, 0, -1)), "sagittal": ((0, 1, 0), (0, 0, -1))}


def draw_marks(image: sitk.Image, marks: Sequence[Candidate], path: Path) -> None:
    """Write a picture of `marks` on `image` (HU), each with its place in the list and its score."""
    rows = -(-len(marks) // _COLUMNS)
    figure, axes = pyplot.subplots(
        max(rows, 1) * 3,
        _COLUMNS,
        figsize=(_COLUMNS * _PANEL_INCHES, max(rows, 1) * 3 * _PANEL_INCHES + 0.3),
        squeeze=False,
    )
    for axis in axes.ravel():
        axis.axis("off")
    for number, mark in enumerate(marks):
        for line, (name, (column, row)) in enumerate(_VIEWS.items()):
            axis = axes[number // _COLUMNS * 3 + line][number % _COLUMNS]
            view = _view(image, np.array(mark.position_mm), np.array(column, float), np.array(row, float))
            axis.imshow(view, cmap="gray", vmin=_DARKEST_HU, vmax=_BRIGHTEST_HU, extent=(-1, 1, 1, -1))
            axis.add_patch(Circle((0, 0), (mark.diameter_mm / 2 + 2.0) / _HALF_MM, fill=False, color=_RING, lw=0.9))
            if line == 0:
                axis.set_title(f"{number + 1}: {mark.score:.2f}, {mark.diameter_mm:.0f} mm", fontsize=8, color=_TEXT)
            if number % _COLUMNS == 0:
                axis.text(-1.08, 0, name, rotation=90, ha="right", va="center", fontsize=7, color=_TEXT)
    figure.tight_layout(pad=0.4)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=_DPI)
    pyplot.close(figure)


def _view(
    image: sitk.Image, center: NDArray[np.float64], column: NDArray[np.float64], row: NDArray[np.float64]
) -> NDArray[np.float32]:
    side = int(2 * _HALF_MM / _STEP_MM) + 1
    direction = np.stack([column, row, np.cross(column, row)], axis=1)
    plane = sitk.Resample(
        image,
        (side, side, 1),
        sitk.Transform(),
        sitk.sitkLinear,
        (center - _HALF_MM * (column + row)).tolist(),
        (_STEP_MM, _STEP_MM, 1.0),
        direction.ravel().tolist(),
        -1000.0,
        sitk.sitkFloat32,
    )
    result: NDArray[np.float32] = sitk.GetArrayFromImage(plane)[0]
    return result
