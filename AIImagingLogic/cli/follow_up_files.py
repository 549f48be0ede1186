"""A follow-up and its files as one job of the panel, so that the window never waits for a disk."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import SimpleITK as sitk

from AIImagingLogic.cli.follow_up_output import write_follow_up
from AIImagingLogic.cli.output_folder import whole_folder
from AIImagingLogic.followup.visit_order import visit_order
from AIImagingLogic.records.errors import OutputError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.timeline import Timeline
from AIImagingLogic.tasks.follow_up import follow_up, follow_up_visits

# Nearly all of a run is the follow-up itself; the rest is writing files.
_COMPUTED = 0.92


def follow_up_with_files(
    baseline: sitk.Image,
    baseline_info: ImageInfo,
    followup: sitk.Image,
    followup_info: ImageInfo,
    folder: str,
    progress: Progress | None = None,
) -> Timeline:
    """Follow up, and write tables, segmentations, result.json and report.html into a new folder inside `folder`.

    Returns
    -------
    Timeline
        As of `follow_up`. A note names the new folder, or says why there is none: files that cannot be written are no
        reason to lose the result. `folder` itself is not named, since results travel and folders name people.

    Raises
    ------
    AIImagingError
        As `follow_up`. Nothing was written.
    """
    progress = progress or Progress()
    timeline = follow_up(baseline, baseline_info, followup, followup_info, progress.part(0.0, _COMPUTED))
    return write_into_new_folder(timeline, (baseline, followup), Path(folder), progress)


def follow_up_visits_with_files(
    visits: Sequence[sitk.Image],
    visits_infos: Sequence[ImageInfo],
    folder: str,
    in_given_order: bool = False,
    previous: Timeline | None = None,
    progress: Progress | None = None,
) -> Timeline:
    """Follow up 2 to 20 visits as `follow_up_visits` does, and write the files as `follow_up_with_files` does.

    Raises
    ------
    AIImagingError
        As `follow_up_visits`. Nothing was written.
    """
    progress = progress or Progress()
    part = progress.part(0.0, _COMPUTED)
    timeline = follow_up_visits(visits, visits_infos, in_given_order, previous, part)
    ordered = [visits[index] for index in visit_order(visits_infos, in_given_order)]
    return write_into_new_folder(timeline, ordered, Path(folder), progress)


def write_into_new_folder(
    timeline: Timeline, images: Sequence[sitk.Image], folder: Path, progress: Progress
) -> Timeline:
    """Write the files of a follow-up into a new folder inside `folder`.

    Parameters
    ----------
    timeline : to write
    images : of its visits, in order of time
    folder : in which the new one is made
    progress : of the whole run, of which writing is the last part

    Returns
    -------
    Timeline
        With a note that names the new folder, or says why there is none.

    Raises
    ------
    Cancelled
        No folder was left behind.
    """
    progress.check_cancelled()
    target = _free(folder, f"AI follow-up {datetime.now():%Y-%m-%d %H.%M.%S}")
    try:
        with whole_folder(target, overwrite=False) as temporary:
            write_follow_up(
                timeline,
                images,
                temporary,
                with_scene=False,
                with_pictures=False,
                progress=progress.part(_COMPUTED, 1.0),
            )
    except OutputError as error:
        return _noted(timeline, f"No files were written. {error}".replace(str(folder.absolute()), "output folder"))
    return _noted(timeline, f"The files are in '{target.name}' in the output folder.")


def _free(folder: Path, name: str) -> Path:
    """Return a path in `folder` that is not taken: two runs may end in the same second."""
    target, number = folder / name, 2
    while target.exists():
        target, number = folder / f"{name} ({number})", number + 1
    return target


def _noted(timeline: Timeline, note: str) -> Timeline:
    return dataclasses.replace(timeline, notes=(*timeline.notes, note))
