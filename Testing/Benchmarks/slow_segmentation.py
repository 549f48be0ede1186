"""What the benchmark of responsiveness runs in its worker: a segmentation that takes its time and all cores."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from AIImagingLogic.records.progress import Progress

SECONDS = 60.0
SEGMENTS = 20


def segment_slowly(image: Any, info: Any, model: str, progress: Progress) -> Any:
    """Smooth a block of `image` for `SECONDS`, then return `SEGMENTS` slabs of it along k as segments.

    What it needs is imported here: the process of the panel reads the constants, and must not have imported SimpleITK.
    """
    import numpy as np
    import SimpleITK as sitk

    from AIImagingLogic.records.coding import concept
    from AIImagingLogic.records.provenance import make_provenance
    from AIImagingLogic.records.segmentation import Segment, Segmentation

    began = time.monotonic()
    block = sitk.Cast(image[:128, :128, :64], sitk.sitkFloat32)
    while (spent := time.monotonic() - began) < SECONDS:
        progress.report(spent / SECONDS, f"Smoothing, {spent:.0f} s")
        block = sitk.SmoothingRecursiveGaussian(block, 2.0)
    slices = image.GetSize()[2]
    labels = np.zeros(sitk.GetArrayViewFromImage(image).shape, dtype=np.uint8)
    labels[:, 100:400, 100:400] = 1 + (np.arange(slices) * SEGMENTS // slices)[:, None, None]
    label_image = sitk.GetImageFromArray(labels)
    label_image.CopyInformation(image)
    organ = concept("lung-left")
    segments = tuple(Segment(value, f"Slab {value}", organ, (10 * value, 120, 200)) for value in range(1, SEGMENTS + 1))
    return Segmentation(label_image, segments, make_provenance("segment", [], [info]))
