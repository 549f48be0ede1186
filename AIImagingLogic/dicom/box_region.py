"""An oriented box as a region in space of a report: the ellipsoid that it holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import highdicom as hd
import numpy as np
from numpy.typing import ArrayLike, NDArray

from AIImagingLogic.dicom.source_series import SourceSeries
from AIImagingLogic.records.boxes import OrientedBox


def region_of_box(box: OrientedBox, source: SourceSeries) -> Any | None:
    """Return the volume surface of a box; None where the series has no frame of reference to place it in.

    Its six points are the ends of the box's axes, so that centre, size and axes can be read again.

    References
    ----------
    DICOM PS3.3 C.18.9.1.2 (Graphic Type ELLIPSOID), PS3.16 TID 1411 (Volume Surface).
    """
    frame = str(source.headers[0].get("FrameOfReferenceUID") or "")
    if not frame:
        return None
    return hd.sr.VolumeSurface(
        hd.sr.GraphicTypeValues3D.ELLIPSOID,
        ellipsoid_points(box),
        frame_of_reference_uid=frame,
        source_series=hd.sr.SourceSeriesForSegmentation(source.series_uid),
    )


def ellipsoid_points(box: OrientedBox) -> NDArray[np.float64]:
    """Return the (6, 3) ends of the axes of the ellipsoid in a box: mm, LPS; the low end of an axis first."""
    half = np.array(box.axes) * np.array(box.size_mm)[:, None] / 2
    return np.asarray(np.stack([-half, half], axis=1).reshape(6, 3) + np.array(box.center_mm))


def box_of_ellipsoid(points: ArrayLike) -> OrientedBox:
    """Return the box that holds an ellipsoid; its axes right-handed, orthogonal to the last digit.

    Parameters
    ----------
    points : (6, 3) ends of its axes: mm, LPS; the axes must have lengths
    """
    ends = np.asarray(points, dtype=float).reshape(3, 2, 3)
    along = ends[:, 1] - ends[:, 0]
    size = np.linalg.norm(along, axis=1)
    # Coordinates have single precision: the nearest orthogonal axes.
    left, _, right = np.linalg.svd(along / size[:, None])
    axes = left @ right
    if np.linalg.det(axes) < 0:
        axes = axes * np.array([[1.0], [1.0], [-1.0]])
    rows: Sequence[Sequence[float]] = axes.tolist()
    x, y, z = ((float(row[0]), float(row[1]), float(row[2])) for row in rows)
    center, edges = ends.mean(axis=(0, 1)).tolist(), size.tolist()
    return OrientedBox((center[0], center[1], center[2]), (edges[0], edges[1], edges[2]), (x, y, z))
