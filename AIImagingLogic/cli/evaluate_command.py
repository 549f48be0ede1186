"""`aiimaging evaluate detection`: a detector's marks on many scans against their lesions, as LUNA16 scores them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from AIImagingLogic.cli.output_folder import whole_folder
from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.evaluation.detection_files import TrueLesion, read_lesions, read_marks, read_scans
from AIImagingLogic.evaluation.detection_study import DetectionStudy, study_detection
from AIImagingLogic.evaluation.hit_rules import hit_rule
from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.records.json_form import save_record
from AIImagingLogic.report.detection_study_files import write_study
from AIImagingLogic.report.froc_plot import write_froc_png


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Score the marks; write result.json, tables, froc.png, froc.mrb, and markups of what went wrong in each scan."""
    rule = hit_rule(arguments.hit)
    with whole_folder(arguments.output, arguments.overwrite) as folder:
        scans, patients = read_scans(arguments.scans)
        lesions = _joined(read_lesions(arguments.lesions), arguments.excluded)
        marks = read_marks(arguments.marks)
        study = study_detection(
            scans, marks, lesions, patients, rule, arguments.most_marks, arguments.resamples, arguments.seed
        )
        save_record(study, folder / "result.json")
        write_study(study, folder)
        write_froc_png(study, folder / "froc.png")
        _write_scene(study, folder / "froc.mrb", terminal)
    for note in study.notes:
        terminal.warn(note)
    terminal.show(_sensitivities(study), _groups(study), _summary(study), Text(f"Hit rule: {study.rule}"))
    terminal.show(f"Results: {arguments.output}")
    return {"output": str(arguments.output), "result": study.to_json()}


def _joined(lesions: Mapping[str, Sequence[TrueLesion]], excluded: Path | None) -> Mapping[str, Sequence[TrueLesion]]:
    if excluded is None:
        return lesions
    others = read_lesions(excluded, excluded=True)
    return {scan: (*lesions.get(scan, ()), *others.get(scan, ())) for scan in {**lesions, **others}}


def _write_scene(study: DetectionStudy, path: Path, terminal: Terminal) -> None:
    try:
        from AIImagingLogic.scene.empty_scene import make_scene
        from AIImagingLogic.scene.froc_chart import froc_chart_nodes
        from AIImagingLogic.scene.save import save_scene

        scene = make_scene()
    except SceneError as error:
        terminal.warn(f"No froc.mrb: {error}")
        return
    froc_chart_nodes(study, scene, "Free response")
    save_scene(scene, path)


def _sensitivities(study: DetectionStudy) -> Table:
    table = Table("False positives per scan", "Sensitivity", "95% interval", box=box.SIMPLE)
    for rate, value, interval in zip(study.rates, study.sensitivity, study.sensitivity_interval):
        table.add_row(f"{rate:g}", f"{value:.3f}", f"{interval[0]:.3f} to {interval[1]:.3f}")
    low, high = study.competition_metric_interval
    table.add_row("mean (CPM)", f"{study.competition_metric:.3f}", f"{low:.3f} to {high:.3f}", style="bold")
    return table


def _groups(study: DetectionStudy) -> Table:
    table = Table("Lesions", "Count", "CPM", box=box.SIMPLE)
    for group in study.groups:
        table.add_row(Text(group.group), str(group.lesions), f"{group.competition_metric:.3f}")
    return table


def _summary(study: DetectionStudy) -> Text:
    missed = sum(not lesion.found for lesion in study.lesions)
    shown = sum(mark.shown for mark in study.false_marks)
    patients = "" if study.patients == study.scans else f" of {study.patients} patients"
    excluded = f", {study.excluded} findings excluded" if study.excluded else ""
    at = "" if study.operating_threshold is None else f" (score {study.operating_threshold:.3f} and more)"
    return Text(
        f"{study.scans} scans{patients}, {len(study.lesions)} lesions{excluded}. At one false positive a scan{at}: "
        f"{missed} missed, {shown} false marks; markups/ holds them by scan."
    )
