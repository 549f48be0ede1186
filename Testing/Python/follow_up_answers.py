"""A follow-up that answers at once, for tests of the panel: the worker of the job service calls it."""

from __future__ import annotations

import dataclasses
import errno
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import SimpleITK as sitk
from followup_records import nodule, provenance, registration, visit
from hand_made_timeline import hand_made_timeline

from AIImagingLogic.cli import follow_up_files
from AIImagingLogic.followup.timeline import make_timeline
from AIImagingLogic.followup.visit_order import visit_labels, visit_order
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.segmentation import Segment, Segmentation
from AIImagingLogic.records.timeline import Timeline

FULL_DISK = "full disk"
"""An output folder of this name has no space left."""


def answer(
    visits: Sequence[sitk.Image],
    visits_infos: Sequence[ImageInfo],
    in_given_order: bool = False,
    previous: Timeline | None = None,
    progress: Progress | None = None,
) -> Timeline:
    """Return a timeline written by hand for the images; refuse what the task refuses of them.

    Of two visits `hand_made_timeline`; of more `linked_timeline`.
    """
    order = visit_order(visits_infos, in_given_order)
    if progress is not None:
        progress.report(0.5, "Half way")
    timeline = hand_made_timeline() if len(visits) == 2 else linked_timeline(len(visits))
    made = tuple(
        dataclasses.replace(
            visit,
            info=dataclasses.replace(visits_infos[index], notes=visit.info.notes),
            organs=_lungs(visits[index], 10 if len(visits) == 2 else 1),
        )
        for visit, index in zip(timeline.visits, order, strict=True)
    )
    if len(visits) > 2:
        return make_timeline(made, timeline.registrations, timeline.provenance)
    return dataclasses.replace(timeline, visits=made, notes=())


def linked_timeline(count: int) -> Timeline:
    """Return lesions through visits whose images are 4 mm apart, linked by the follow-up itself.

    Four lesions: one growing, one stable, one that is new at the third visit, one that is gone there.
    """
    visits, registrations = [], []
    for index, label in enumerate(visit_labels(count)):
        shift = 4.0 * index
        found = [
            nodule(f"1.2.{index}.1", (40.0 + shift, -20.0, -120.0), 11.0 + 3.0 * index),
            nodule(f"1.2.{index}.2", (-40.0 + shift, 30.0, -60.0), 8.0),
        ]
        if index >= 2:
            found.append(nodule(f"1.2.{index}.3", (60.0 + shift, 40.0, -180.0), 7.0))
        else:
            found.append(nodule(f"1.2.{index}.4", (-60.0 + shift, -40.0, -200.0), 6.0))
        visits.append(visit(label, *(_with_axes(finding) for finding in found)))
        if index:
            registrations.append(registration(sitk.TranslationTransform(3, (4.0, 0.0, 0.0))))
    return make_timeline(tuple(visits), tuple(registrations), provenance())


def _with_axes(finding: Finding) -> Finding:
    """Return the finding with the axes of a ball."""
    diameter = finding.value("mean_diameter") or 0.0
    axes = (measurement("long_axis", diameter), measurement("short_axis", diameter))
    return dataclasses.replace(finding, measurements=(*finding.measurements, *axes))


def answer_with_files(
    visits: Sequence[sitk.Image],
    visits_infos: Sequence[ImageInfo],
    folder: str,
    in_given_order: bool = False,
    previous: Timeline | None = None,
    progress: Progress | None = None,
) -> Timeline:
    """Do what the module's job with files does, with `answer` for the follow-up."""
    follow_up_files.follow_up_visits = answer
    writer = follow_up_files.write_follow_up
    if Path(folder).name == FULL_DISK:
        follow_up_files.write_follow_up = _write_until_full
    try:
        return follow_up_files.follow_up_visits_with_files(
            visits, visits_infos, folder, in_given_order, previous, progress
        )
    finally:
        follow_up_files.write_follow_up = writer


def _lungs(image: sitk.Image, margin: int) -> Segmentation:
    """Return a box of lung on the grid of an image: all of it but a margin, or a small one."""
    labels = sitk.Image(image.GetSize(), sitk.sitkUInt8)
    labels.CopyInformation(image)
    end = 20 if margin == 10 else 59
    labels[margin:end, margin:end, margin:end] = 1
    lung = concept("lung-right")
    return Segmentation(labels, (Segment(1, lung.name, lung, lung.colour),))


def _write_until_full(timeline: Any, images: Any, folder: Path, **named: Any) -> None:
    (folder / "changes.csv").write_text("half of it")
    raise OSError(errno.ENOSPC, "No space left on device", str(folder))
