"""Findings as JSON of this program: results of a detection or follow-up, and lists of findings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from AIImagingLogic.records.errors import UnreadableImageError
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.finding_list import FindingCollection, FindingList
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.json_form import Record, load_record, save_record
from AIImagingLogic.records.timeline import Timeline, Visit

_LABEL = "baseline"


def write_findings_json(collection: FindingCollection, path: Path) -> None:
    """Write findings and their outlines (NRRD, in a folder beside the file).

    Of one image whose geometry is known it is the result of a detection, which every other command reads.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    record: Record = collection
    if len(collection.scans) == 1 and (scan := collection.scans[0]).info is not None:
        record = visit_of_list(scan, scan.info)
    save_record(record, path)


def read_findings_json(path: Path) -> FindingCollection:
    """Return the findings of a result.json of detect or followup, of any version, or of a list of findings.

    Raises
    ------
    UnreadableImageError
        The file cannot be read, or is none of these.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig"))
        record = load_record(_kind(content), path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise UnreadableImageError(
            f"'{path}' cannot be read as findings ({error}).",
            "Give a result.json of detect or followup, or what 'findings convert' wrote.",
        ) from error
    if isinstance(record, FindingCollection):
        return record
    if isinstance(record, FindingList):
        return FindingCollection((record,))
    if isinstance(record, Finding):
        return FindingCollection((FindingList((record,)),))
    visits = record.visits if isinstance(record, Timeline) else (record,)
    return FindingCollection(tuple(_of_visit(visit) for visit in visits))


def visit_of_list(scan: FindingList, info: ImageInfo) -> Visit:
    """Return the findings of an image as the result of a detection."""
    return Visit(scan.label or _LABEL, info, scan.organs, scan.findings, scan.provenance)


def _of_visit(visit: Visit) -> FindingList:
    return FindingList(
        visit.findings,
        visit.info.series_uid,
        visit.info,
        label=visit.label,
        organs=visit.organs,
        provenance=visit.provenance,
    )


def _kind(content: dict[str, Any]) -> type[Timeline | Visit | FindingCollection | FindingList | Finding]:
    """Return the record of a file, told by its fields: early files do not name it.

    Raises
    ------
    ValueError
        It is another one.
    """
    fields = content.keys()
    if {"lesions", "visits"} <= fields:
        return Timeline
    if {"findings", "label", "info"} <= fields:
        return Visit
    if "scans" in fields:
        return FindingCollection
    if "findings" in fields:
        return FindingList
    if {"uid", "box", "score"} <= fields:
        return Finding
    raise ValueError("it holds no findings")
