"""Measure: an image and a segmentation of it in; measurements of every segment out."""

from __future__ import annotations

import SimpleITK as sitk

from AIImagingLogic.images.checks import require_finite, require_sane_spacing
from AIImagingLogic.images.geometry import same_grid
from AIImagingLogic.images.resample import resample_like
from AIImagingLogic.measure.abc2 import haematoma_measurements
from AIImagingLogic.measure.organ import measure_organ
from AIImagingLogic.records.errors import GeometryError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.measured_segments import MeasuredSegment, MeasuredSegments
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import make_provenance
from AIImagingLogic.records.segmentation import Segmentation


def measure(
    image: sitk.Image,
    info: ImageInfo,
    segmentation: Segmentation,
    progress: Progress | None = None,
    lean_share: float | None = None,
) -> MeasuredSegments:
    """Measure every segment on `image`.

    A segmentation on another grid is resampled (nearest neighbour) to that of the image; the provenance says so.

    Parameters
    ----------
    image, info : the unit of `info` says which quantity is measured, see `measure_organ`
    segmentation : of `image`
    lean_share : SUL over SUV of a PET image (`SuvImage.lean_share`), None where it is not known

    Raises
    ------
    GeometryError
        The segmentation lies outside the image.
    WrongImageError
        The image holds voxels that are no numbers.
    """
    progress = progress or Progress()
    require_sane_spacing(image)
    require_finite(image)
    labels, notes = segmentation.image, list(info.notes)
    if not same_grid(labels, image):
        labels = resample_like(labels, image, interpolation="nearest", outside=0)
        notes.append("The segmentation was resampled to the grid of the image (nearest neighbour).")
        if not sitk.GetArrayViewFromImage(labels).any():
            raise GeometryError("The segmentation lies outside the image.", "Choose the image it was drawn on.")
    first_cost = len(progress.costs)
    rows = []
    with progress.stage("Measurements", 0.0, 1.0) as part:
        for index, segment in enumerate(segmentation.segments):
            part.report(index / len(segmentation.segments), segment.name)
            inside = labels == segment.value
            measured = (
                *measure_organ(image, info, inside, lean_share),
                *haematoma_measurements(segment.concept, inside),
            )
            rows.append(MeasuredSegment(segment, measured))
    provenance = make_provenance("measure", [], [info], stages=progress.costs[first_cost:], notes=notes)
    return MeasuredSegments(tuple(rows), provenance)
