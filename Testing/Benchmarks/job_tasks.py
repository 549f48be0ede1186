"""What the benchmark of the job service runs in its worker."""

from __future__ import annotations

import ctypes
import time
from datetime import UTC, datetime

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import Provenance
from AIImagingLogic.records.segmentation import Segment, Segmentation


def threshold(image: sitk.Image, info: ImageInfo, progress: Progress) -> Segmentation:
    """Return the voxels above 0; the seconds that this took stand in the provenance."""
    progress.report(0.1, "Threshold")
    began = time.perf_counter()
    labels = (sitk.GetArrayViewFromImage(image) > 0).view(np.uint8)
    label_image = sitk.GetImageFromArray(labels)
    label_image.CopyInformation(image)
    seconds = time.perf_counter() - began
    organ = concept("lung-left")
    facts = {"seconds": str(seconds), "hash": info.content_hash}
    provenance = Provenance("benchmark", (), (), facts, {}, "CPU", datetime.now(UTC))
    return Segmentation(label_image, (Segment(1, organ.name, organ, organ.colour),), provenance)


def nothing(progress: Progress) -> None:
    """Report and return."""
    progress.report(0.5, "Nothing")


def polite(seconds: float, progress: Progress) -> None:
    """Ask again and again whether to stop."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        progress.report(0.5, "Working")
        time.sleep(0.01)


def deaf(seconds: float, progress: Progress) -> None:
    """Never ask, and hold the interpreter lock in C."""
    progress.report(0.5, "In C")
    ctypes.PyDLL(None).sleep(int(seconds))


def heavy_result(image: sitk.Image, progress: Progress) -> sitk.Image:
    """Return the image as it came: sending it takes longest."""
    progress.report(0.5, "Sending")
    return image
