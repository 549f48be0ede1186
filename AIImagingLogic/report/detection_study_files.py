"""The tables of a detection study, and its misses and false marks as markups that Slicer opens."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from AIImagingLogic.evaluation.detection_study import DetectionStudy
from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.report.csv_tables import Row, write_table

_SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)
# The columns of the files that were read, so that what is written can be read again.
_PLACED = ("seriesuid", "coordX", "coordY", "coordZ")
_MISSED, _FALSE = [0.9, 0.2, 0.2], [0.95, 0.65, 0.1]


def write_study(study: DetectionStudy, folder: Path) -> None:
    """Write sensitivity.csv, groups.csv, lesions.csv, false_marks.csv, and a .mrk.json for each scan with a mistake.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    points = zip(study.rates, study.sensitivity, study.sensitivity_interval)
    write_table(
        folder / "sensitivity.csv",
        ("false_positives_per_scan", "sensitivity", "low_95", "high_95"),
        [
            {"false_positives_per_scan": rate, "sensitivity": value, "low_95": interval[0], "high_95": interval[1]}
            for rate, value, interval in points
        ],
    )
    write_table(
        folder / "groups.csv",
        ("group", "lesions", "cpm"),
        [{"group": one.group, "lesions": one.lesions, "cpm": one.competition_metric} for one in study.groups],
    )
    write_table(
        folder / "lesions.csv",
        (*_PLACED, "diameter_mm", "type", "best_score", "found_at_1_fp_per_scan"),
        [
            {
                **_placed(lesion.scan, lesion.position_mm),
                "diameter_mm": lesion.diameter_mm,
                "type": lesion.kind,
                "best_score": lesion.score,
                "found_at_1_fp_per_scan": lesion.found,
            }
            for lesion in study.lesions
        ],
    )
    write_table(
        folder / "false_marks.csv",
        (*_PLACED, "probability", "shown_at_1_fp_per_scan"),
        [
            {**_placed(mark.scan, mark.position_mm), "probability": mark.score, "shown_at_1_fp_per_scan": mark.shown}
            for mark in study.false_marks
        ],
    )
    _write_markups(study, folder / "markups")


def _placed(scan: str, place: Vector) -> Row:
    return dict(zip(_PLACED, (scan, *place)))


def _write_markups(study: DetectionStudy, folder: Path) -> None:
    """Write the misses and false marks at the operating point, one file a scan that has any."""
    missed: dict[str, list[dict[str, Any]]] = {}
    false: dict[str, list[dict[str, Any]]] = {}
    for lesion in study.lesions:
        if not lesion.found:
            size = f"{lesion.diameter_mm:.1f} mm" if lesion.diameter_mm >= 0 else "size not known"
            score = "no mark" if lesion.score is None else f"score {lesion.score:.3f}"
            text = ", ".join(part for part in (lesion.kind, size, score) if part)
            missed.setdefault(lesion.scan, []).append(_point("Missed", text, lesion.position_mm))
    for mark in study.false_marks:
        if mark.shown:
            point = _point(f"False {mark.score:.3f}", "marked where there is no lesion", mark.position_mm)
            false.setdefault(mark.scan, []).append(point)
    scans = sorted({*missed, *false})
    if scans:
        folder.mkdir()
    for scan in scans:
        lists = [_list(missed.get(scan, ()), _MISSED), _list(false.get(scan, ()), _FALSE)]
        document = {"@schema": _SCHEMA, "markups": [each for each in lists if each["controlPoints"]]}
        with written_atomically(folder / f"{_file_name(scan)}.mrk.json") as temporary:
            temporary.write_text(json.dumps(document, indent=1), encoding="utf-8")


def _list(points: Sequence[dict[str, Any]], colour: Sequence[float]) -> dict[str, Any]:
    numbered = [{"id": str(number), **point} for number, point in enumerate(points, 1)]
    display = {"visibility": True, "color": colour, "selectedColor": colour, "textScale": 3.0, "glyphScale": 2.0}
    return {
        "type": "Fiducial",
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "controlPoints": numbered,
        "display": display,
    }


def _point(label: str, description: str, place: Vector) -> dict[str, Any]:
    return {
        "label": label,
        "description": description,
        "position": list(place),
        "positionStatus": "defined",
        "selected": True,
        "visibility": True,
    }


def _file_name(scan: str) -> str:
    return re.sub(r"[^\w.-]", "_", scan)
