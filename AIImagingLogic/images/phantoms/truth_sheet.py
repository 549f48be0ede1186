"""A picture of a chest pair and its truth, for the guides: both visits, and every lesion with its stated size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from AIImagingLogic.images.phantoms.chest_pair import ChestPair
from AIImagingLogic.images.phantoms.truth import LesionAtVisit, LesionTruth

_LUNG_WINDOW = (-1350.0, 150.0)
_SOFT_WINDOW = (-160.0, 240.0)
_HALF_WIDTH_MM = 24.0
_BRIGHT, _SEEN, _NOT_SEEN = "white", "#ffb000", "#5aa9ff"


def write_truth_sheet(pair: ChestPair, path: Path) -> None:
    """Write a PNG: overview on top, below it one column a lesion with baseline over follow-up.

    A ring of the stated mean diameter marks a lesion; a dashed one where it would lie at a visit it is not there.
    The pair must be on unturned axes (the default direction).
    """
    count = max(len(pair.lesions), 4)
    figure = Figure(figsize=(2.0 * count, 9.4), facecolor="black")
    grid = figure.add_gridspec(3, count, height_ratios=(2.2, 1, 1), hspace=0.12, wspace=0.04)
    quarter = count / 4
    middles = [
        image.TransformContinuousIndexToPhysicalPoint([n / 2 for n in image.GetSize()]) for image in _visits(pair)
    ]
    overview = (
        ("Baseline, axial", pair.baseline, 2, middles[0][2], _LUNG_WINDOW),
        ("Baseline, soft tissue", pair.baseline, 2, middles[0][2] - 18, _SOFT_WINDOW),
        ("Baseline, coronal", pair.baseline, 1, middles[0][1], _LUNG_WINDOW),
        ("Follow-up, coronal", pair.followup, 1, middles[1][1], _LUNG_WINDOW),
    )
    for number, (title, image, axis, at_mm, window) in enumerate(overview):
        columns = slice(round(number * quarter), round((number + 1) * quarter))
        _draw_plane(figure.add_subplot(grid[0, columns]), image, axis, at_mm, window, title)
    for column, lesion in enumerate(pair.lesions):
        for row, image in enumerate(_visits(pair)):
            size = lesion.followup if row else lesion.baseline
            _draw_lesion(figure.add_subplot(grid[row + 1, column]), image, _place(pair, lesion, row), size, lesion, row)
    figure.savefig(path, dpi=90, bbox_inches="tight", facecolor="black")


def _visits(pair: ChestPair) -> tuple[sitk.Image, sitk.Image]:
    return pair.baseline, pair.followup


def _place(pair: ChestPair, lesion: LesionTruth, visit: int) -> NDArray[np.float64]:
    """Return where a lesion lies at a visit, or would lie."""
    own, other = (lesion.followup, lesion.baseline) if visit else (lesion.baseline, lesion.followup)
    if own is not None:
        return np.array(own.center_mm)
    if other is None:
        raise ValueError(f"Lesion {lesion.number} exists at neither visit.")
    return pair.to_followup(other.center_mm) if visit else pair.to_baseline(other.center_mm)


def _draw_plane(
    axes: Axes, image: sitk.Image, axis: int, at_mm: float, window: tuple[float, float], title: str
) -> None:
    spacing, origin = image.GetSpacing(), image.GetOrigin()
    index = int(np.clip(round((at_mm - origin[axis]) / spacing[axis]), 0, image.GetSize()[axis] - 1))
    plane = np.take(sitk.GetArrayViewFromImage(image), index, axis=2 - axis)
    rows = 1 if axis == 2 else 2
    axes.imshow(
        plane if axis == 2 else plane[::-1],
        cmap="gray",
        vmin=window[0],
        vmax=window[1],
        aspect=spacing[rows] / spacing[0],
        interpolation="bilinear",
    )
    axes.set_title(title, color=_BRIGHT, fontsize=9)
    axes.axis("off")


def _draw_lesion(
    axes: Axes,
    image: sitk.Image,
    place_mm: NDArray[np.float64],
    size: LesionAtVisit | None,
    lesion: LesionTruth,
    visit: int,
) -> None:
    spacing, origin = np.array(image.GetSpacing()), np.array(image.GetOrigin())
    half = _HALF_WIDTH_MM
    index = int(np.clip(round((place_mm[2] - origin[2]) / spacing[2]), 0, image.GetSize()[2] - 1))
    plane = sitk.GetArrayViewFromImage(image)[index]
    left, top = origin[:2] - spacing[:2] / 2
    extent = (left, left + plane.shape[1] * spacing[0], top + plane.shape[0] * spacing[1], top)
    axes.imshow(plane, cmap="gray", vmin=_LUNG_WINDOW[0], vmax=_LUNG_WINDOW[1], extent=extent, interpolation="bilinear")
    axes.set_xlim(place_mm[0] - half, place_mm[0] + half)
    axes.set_ylim(place_mm[1] + half, place_mm[1] - half)
    angle = np.linspace(0, 2 * np.pi, 90)
    radius = (size.mean_diameter_mm / 2 if size is not None else 4.0) + 2.0
    axes.plot(
        place_mm[0] + radius * np.cos(angle),
        place_mm[1] + radius * np.sin(angle),
        color=_SEEN if size is not None else _NOT_SEEN,
        linestyle="-" if size is not None else "--",
        linewidth=1.0,
    )
    stated = f"{size.mean_diameter_mm:.1f} mm, {size.volume_mm3:.0f} mm³" if size is not None else "not there"
    contact = "" if lesion.contact == "none" else f", at {lesion.contact}"
    heading = f"{lesion.number}. {lesion.attenuation}{contact}\n{lesion.course}\n" if visit == 0 else ""
    axes.set_title(heading + stated, color=_BRIGHT, fontsize=7)
    axes.set_xticks([])
    axes.set_yticks([])
