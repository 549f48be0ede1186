"""A follow-up that answers at once, for tests of the panel: the worker of the job service calls it."""

from __future__ import annotations

import dataclasses
import errno
from pathlib import Path
from typing import Any

import SimpleITK as sitk
from hand_made_timeline import hand_made_timeline

from AIImagingLogic.cli import follow_up_files
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.segmentation import Segment, Segmentation
from AIImagingLogic.records.timeline import Timeline
from AIImagingLogic.tasks.follow_up import check_pair

FULL_DISK = "full disk"
"""An output folder of this name has no space left."""


def answer(
    baseline: sitk.Image,
    baseline_info: ImageInfo,
    followup: sitk.Image,
    followup_info: ImageInfo,
    progress: Progress | None = None,
) -> Timeline:
    """Return the timeline written by hand for the two images; refuse what the task refuses of a pair."""
    check_pair(baseline_info, followup_info)
    if progress is not None:
        progress.report(0.5, "Half way")
    timeline = hand_made_timeline()
    visits = tuple(
        dataclasses.replace(visit, info=dataclasses.replace(info, notes=visit.info.notes), organs=_lungs(image))
        for visit, image, info in zip(
            timeline.visits, (baseline, followup), (baseline_info, followup_info), strict=True
        )
    )
    return dataclasses.replace(timeline, visits=visits, notes=())


def answer_with_files(
    baseline: sitk.Image,
    baseline_info: ImageInfo,
    followup: sitk.Image,
    followup_info: ImageInfo,
    folder: str,
    progress: Progress | None = None,
) -> Timeline:
    """Do what the module's job with files does, with `answer` for the follow-up."""
    follow_up_files.follow_up = answer
    writer = follow_up_files.write_follow_up
    if Path(folder).name == FULL_DISK:
        follow_up_files.write_follow_up = _write_until_full
    try:
        return follow_up_files.follow_up_with_files(baseline, baseline_info, followup, followup_info, folder, progress)
    finally:
        follow_up_files.write_follow_up = writer


def _lungs(image: sitk.Image) -> Segmentation:
    """Return a box of lung on the grid of an image."""
    labels = sitk.Image(image.GetSize(), sitk.sitkUInt8)
    labels.CopyInformation(image)
    labels[10:20, 10:20, 10:20] = 1
    lung = concept("lung-right")
    return Segmentation(labels, (Segment(1, lung.name, lung, lung.colour),))


def _write_until_full(timeline: Any, images: Any, folder: Path, **named: Any) -> None:
    (folder / "changes.csv").write_text("half of it")
    raise OSError(errno.ENOSPC, "No space left on device", str(folder))
