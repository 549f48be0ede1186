"""The AI's marks of a case, from the file that the study names."""

from __future__ import annotations

from pathlib import Path

from AIImagingLogic.evaluation.detection_files import read_marks
from AIImagingLogic.records.errors import UnreadableImageError
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.json_form import load_record
from AIImagingLogic.records.reading import AiMark
from AIImagingLogic.records.timeline import Visit


def read_ai_marks(path: Path, case: str) -> tuple[AiMark, ...]:
    """Return the marks, named A1, A2, ... in the order of the file.

    Parameters
    ----------
    path : ``result.json`` of `aiimaging detect`; or CSV with seriesuid, coordX, coordY, coordZ (LPS mm), probability
        and, if known, diameter_mm, of which the rows whose seriesuid is the case's code are taken
    case : code

    Raises
    ------
    UnreadableImageError
        It cannot be read.
    """
    if path.suffix.lower() == ".csv":
        marks = read_marks(path).get(case, ())
        return tuple(
            AiMark(f"A{number}", mark.position_mm, mark.score, mark.diameter_mm) for number, mark in enumerate(marks, 1)
        )
    try:
        visit = load_record(Visit, path)
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnreadableImageError(
            f"'{path}' holds no findings: {error}", "Give the result.json of a detection, or a CSV of marks."
        ) from error
    return tuple(_mark(number, finding) for number, finding in enumerate(visit.findings, 1))


def _mark(number: int, finding: Finding) -> AiMark:
    diameter = finding.value("mean_diameter")
    if diameter is None:
        diameter = max(finding.box.size_mm)
    return AiMark(f"A{number}", finding.box.center_mm, finding.score, diameter, finding.uid)
