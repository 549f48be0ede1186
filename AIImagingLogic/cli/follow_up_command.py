"""`aiimaging followup`: follow lung nodules through two or more chest CTs."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from AIImagingLogic.cli.asked_response import asked_response, checked_options, earlier_choice
from AIImagingLogic.cli.criteria_arguments import asks_for_response
from AIImagingLogic.cli.follow_up_output import write_follow_up
from AIImagingLogic.cli.output_folder import whole_folder
from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.cli.worker_tasks import WorkerTasks, image_input
from AIImagingLogic.followup.criteria.criteria_table import criteria_table
from AIImagingLogic.followup.criteria.facts import FactsError
from AIImagingLogic.followup.criteria.target_choice import TargetChoice
from AIImagingLogic.followup.visit_order import visit_order
from AIImagingLogic.images.read import read_image
from AIImagingLogic.records.errors import AIImagingError, UnreadableImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.timeline import Timeline
from AIImagingLogic.report.chosen_response import ChosenResponse
from AIImagingLogic.report.response_text import response_summary
from AIImagingLogic.report.segment_courses import courses_of_organs, courses_table
from AIImagingLogic.report.text import follow_up_summary
from AIImagingLogic.report.workbook import required_openpyxl

_RULES = "recist-1.1"


class WrongArgumentsError(AIImagingError):
    """The arguments contradict each other."""

    exit_code = 2


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Run the follow-up and fill the output folder."""
    dates, series = _by_visit(arguments, "dates", "date"), _by_visit(arguments, "series", "series")
    previous = None if arguments.previous is None else _previous(arguments.previous)
    rules = (arguments.criteria or _RULES) if asks_for_response(arguments) else None
    if rules is not None:
        checked_options(rules, arguments.option)
    earlier = None if rules is None or arguments.previous is None else earlier_choice(arguments.previous)
    if arguments.xlsx:
        required_openpyxl()
    with whole_folder(arguments.output, arguments.overwrite) as folder:
        with WorkerTasks() as tasks, terminal.progress() as progress:
            with progress.stage("Reading", 0.0, 0.05) as part:
                images, infos = _read(arguments.visits, series, dates, part)
            # Two are given as baseline and follow-up: the wrong way round is more likely a slip than a wish.
            order = visit_order(infos, arguments.in_given_order or len(infos) == 2)
            images, infos = [images[index] for index in order], [infos[index] for index in order]
            inputs = {
                "visits": [image_input(image, info) for image, info in zip(images, infos)],
                "in_given_order": True,
                "previous": previous,
            }
            timeline = tasks.run("follow_up:follow_up_visits", inputs, progress.part(0.05, 0.8))
            tasks.close()
            with_scene, with_pictures = not arguments.no_scene, not arguments.no_pictures
            written = progress.part(0.8, 1.0)
            response, refusal = None, ""
            if rules is not None:
                response, refusal = _response(timeline, rules, arguments, earlier)
                notes = (*timeline.notes, refusal) if refusal else timeline.notes
                timeline = dataclasses.replace(timeline, notes=notes)
            language, xlsx = arguments.language, arguments.xlsx
            output = write_follow_up(
                timeline, images, folder, with_scene, with_pictures, written, language, xlsx, response
            )
        for warning in (refusal, *output.warnings):
            if warning:
                terminal.warn(warning)
    terminal.show(*follow_up_summary(timeline))
    if organs := courses_of_organs(timeline):
        terminal.show(courses_table(organs))
    if response is not None and rules is not None:
        terminal.show(*response_summary(response.assessments, criteria_table(rules), response.choice))
    terminal.show(f"Results: {arguments.output} (open report.html, or scene.mrb in Slicer)")
    answer = {"output": str(arguments.output), "files": output.files, "result": timeline.to_json()}
    return answer if response is None else {**answer, "response": response.to_json()}


def _response(
    timeline: Timeline, rules: str, arguments: argparse.Namespace, earlier: TargetChoice | None
) -> tuple[ChosenResponse | None, str]:
    """Return the response, or none and why: what was computed for minutes is not lost for a wrong number."""
    try:
        return asked_response(timeline, rules, arguments, earlier), ""
    except FactsError as error:
        return None, f"No response to treatment: {error} Then run `aiimaging criteria` on this result."


def _by_visit(arguments: argparse.Namespace, name: str, short: str) -> list[Any]:
    """Return an option's values, one a visit as given; those of two visits may be given by their names.

    Raises
    ------
    WrongArgumentsError
        There are not as many as visits, or both forms are used.
    """
    count = len(arguments.visits)
    if count < 2:
        raise WrongArgumentsError("A follow-up needs two visits or more.", "Name the images of all visits.")
    listed = getattr(arguments, name)
    named = [getattr(arguments, f"{visit}_{short}") for visit in ("baseline", "followup")]
    if any(value is not None for value in named):
        if listed is not None or count != 2:
            raise WrongArgumentsError(
                f"--baseline-{short} and --followup-{short} are for two visits alone.", f"Use --{name} instead."
            )
        return named
    if listed is not None and len(listed) != count:
        raise WrongArgumentsError(
            f"--{name} names {len(listed)} for {count} visits.",
            "Give one a visit, in their order; '-' where there is none.",
        )
    return [None] * count if listed is None else list(listed)


def _read(
    paths: Sequence[Path], series: Sequence[str | None], dates: Sequence[datetime | None], progress: Progress
) -> tuple[list[sitk.Image], list[ImageInfo]]:
    images, infos = [], []
    for index, (path, uid, acquired) in enumerate(zip(paths, series, dates, strict=True)):
        progress.report(index / len(paths), "Reading")
        image, info = read_image(path, uid)
        images.append(image)
        infos.append(info if acquired is None else dataclasses.replace(info, acquired=acquired))
    return images, infos


def _previous(path: Path) -> dict[str, Any]:
    """Return an earlier result, or its folder's, as JSON without what lies beside it.

    Raises
    ------
    UnreadableImageError
        It is no result of a follow-up.
    """
    file = path / "result.json" if path.is_dir() else path
    try:
        timeline = Timeline.from_json(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise UnreadableImageError(
            f"'{file}' is no result of a follow-up ({error}).", "Name the result.json of an earlier run."
        ) from error
    return timeline.to_json()
