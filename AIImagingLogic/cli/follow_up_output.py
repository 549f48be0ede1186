"""Everything that a follow-up leaves in its output folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import SimpleITK as sitk

from AIImagingLogic.cli.asked_response import RESPONSE_FILE
from AIImagingLogic.followup.lesion_segmentation import lesion_segmentation
from AIImagingLogic.images.segmentation_file import write_segmentation
from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.records.json_form import save_record
from AIImagingLogic.records.picture import Picture
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.timeline import Timeline, Visit
from AIImagingLogic.report.chosen_response import ChosenResponse
from AIImagingLogic.report.csv_tables import write_changes_csv, write_findings_csv
from AIImagingLogic.report.html import write_report
from AIImagingLogic.report.segment_courses import courses_of_organs, write_courses_csv
from AIImagingLogic.report.timeline_csv import write_timeline_csv
from AIImagingLogic.report.workbook import write_workbook


@dataclass(frozen=True)
class FollowUpOutput:
    """Names of the files written, and what could not be made and why."""

    files: tuple[str, ...]
    warnings: tuple[str, ...]


def write_follow_up(
    timeline: Timeline,
    images: Sequence[sitk.Image],
    folder: Path,
    with_scene: bool,
    with_pictures: bool,
    progress: Progress,
    language: str = "en",
    with_xlsx: bool = False,
    response: ChosenResponse | None = None,
) -> FollowUpOutput:
    """Write result.json, tables, segmentations, registrations, scene, pictures and report into `folder`.

    Of two visits changes.csv has a row a lesion, of more a row a lesion and visit. `language` is that of
    report.html and, `with_xlsx`, of report.xlsx. A `response` to treatment stands in both, and in response.json.

    Scene and pictures need Slicer's libraries (`pip install aiimaging[host]`) and, for pictures, OpenGL. Without them
    the rest is written and the reason stands in `warnings`, in result.json and in the report.
    """
    warnings: list[str] = []
    pictures: tuple[Picture, ...] = ()
    with progress.stage("Tables and segmentations", 0.0, 0.15):
        for index, (visit, image) in enumerate(zip(timeline.visits, images, strict=True)):
            name = _file_name(visit)
            write_findings_csv(visit, folder / f"findings_{name}.csv")
            if visit.organs is not None:
                write_segmentation(visit.organs, folder / f"{name}_lungs.seg.nrrd")
            nodules = lesion_segmentation(timeline, index, image)
            write_segmentation(nodules, folder / f"{name}_nodules.seg.nrrd")
        if len(timeline.visits) > 2:
            write_timeline_csv(timeline, folder / "changes.csv")
        else:
            write_changes_csv(timeline, folder / "changes.csv")
        if organs := courses_of_organs(timeline):
            write_courses_csv(organs, folder / "organs.csv")
        _write_registrations(timeline, folder)
    if with_scene:
        with progress.stage("Scene", 0.15, 0.4):
            try:
                _write_scene(timeline, images, folder / "scene.mrb")
            except SceneError as error:
                warnings.append(f"No scene.mrb: {error}")
    if with_pictures:
        with progress.stage("Pictures", 0.4, 0.95) as part:
            try:
                pictures = _render(timeline, images, folder, part)
            except SceneError as error:
                warnings.append(f"No pictures: {error}")
    noted = dataclasses.replace(
        timeline,
        notes=(*timeline.notes, *warnings),
        provenance=dataclasses.replace(timeline.provenance, stages=tuple(progress.costs)),
    )
    with progress.stage("Report", 0.95, 1.0):
        save_record(noted, folder / "result.json")
        if response is not None:
            save_record(response, folder / RESPONSE_FILE)
        write_report(noted, pictures, folder, folder / "report.html", language, response)
        if with_xlsx:
            write_workbook(noted, folder / "report.xlsx", language, response)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return FollowUpOutput(tuple(files), tuple(warnings))


def _file_name(visit: Visit) -> str:
    """Return a visit's name in names of files: baseline, followup; of more than two visits followup_1 and so on."""
    return visit.label.replace("-", "").replace(" ", "_")


def _write_registrations(timeline: Timeline, folder: Path) -> None:
    """Write each registration: the only one as registration.h5."""
    for index, registration in enumerate(timeline.registrations):
        if registration is None:
            continue
        first, second = (_file_name(visit) for visit in timeline.visits[index : index + 2])
        name = "registration" if len(timeline.registrations) == 1 else f"registration_{first}_to_{second}"
        with written_atomically(folder / f"{name}.h5") as temporary:
            sitk.WriteTransform(registration.transform, str(temporary))


def _write_scene(timeline: Timeline, images: Sequence[sitk.Image], path: Path) -> None:
    from AIImagingLogic.scene.follow_up_scene import build_follow_up_scene
    from AIImagingLogic.scene.save import save_scene

    save_scene(build_follow_up_scene(timeline, images), path)


def _render(timeline: Timeline, images: Sequence[sitk.Image], folder: Path, progress: Progress) -> tuple[Picture, ...]:
    from AIImagingLogic.scene.pictures import render_follow_up_pictures

    return render_follow_up_pictures(timeline, images, folder, progress)
