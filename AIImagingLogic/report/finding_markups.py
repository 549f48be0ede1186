"""Findings as markups that Slicer opens: a point each in one list, and a box each; in LPS, as the file says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.errors import OutputError
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.finding_list import FindingCollection
from AIImagingLogic.records.resources import load_resource

# Slicer shows a description in its table and keeps it: what it has no field for stands there.
_ESCAPED = {"%": "%25", ";": "%3B", "\n": "%0A", "\r": "%0D"}


def write_findings_markups(collection: FindingCollection, path: Path) -> tuple[str, ...]:
    """Write the findings of one image as a .mrk.json file.

    The id of a point, and of the point of its box (ROI), is the finding's uid. The description holds score, concept,
    type, review, reader, times and descriptors as ``name: word; name: word``. Outlines, measurements and history have
    no place in markups.

    Returns
    -------
    tuple of str
        What was left out, one sentence each.

    Raises
    ------
    OutputError
        The findings are of several images, or the file cannot be written.
    """
    scans = [scan for scan in collection.scans if scan.findings]
    if len(scans) > 1:
        raise OutputError(
            f"The findings are of {len(scans)} images, and markups lie in the space of one.",
            "Choose one with --image or --scan, or write CSV or JSON.",
        )
    findings = scans[0].findings if scans else ()
    colours = load_resource("display/markups.json")
    display = {
        "visibility": True,
        "color": colours["finding"],
        "selectedColor": colours["finding"],
        **colours["points"],
    }
    points = {
        "type": "Fiducial",
        "name": "Findings",
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "locked": True,
        "controlPoints": [_point(finding, words_text(finding)) for finding in findings],
        "display": display,
    }
    boxes = [_box(finding, colours) for finding in findings]
    document = {"@schema": colours["schema"], "markups": [points, *boxes]}
    with written_atomically(path) as temporary:
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    lost = []
    if any(finding.mask is not None for finding in findings):
        lost.append("outlines")
    if any(finding.measurements for finding in findings):
        lost.append("measurements")
    return (f"Markups have no place for {' and '.join(lost)}: write JSON or DICOM to keep them.",) if lost else ()


def words_text(finding: Finding) -> str:
    """Return what a point's description says of a finding."""
    words: Mapping[str, str] = {
        **finding.descriptors,
        "score": repr(float(finding.score)),
        "concept": finding.concept.key,
        "type": "" if finding.stated_type is None else finding.stated_type.value,
        "review": finding.review.value,
        "reader": finding.reader,
        "reviewed": "" if finding.reviewed is None else finding.reviewed.isoformat(),
        "found": "" if finding.found is None else finding.found.isoformat(),
    }
    return "; ".join(f"{name}: {_escaped(word)}" for name, word in words.items() if word)


def words_of_text(text: str) -> dict[str, str]:
    """Return what `words_text` wrote; empty for any other text."""
    words = {}
    for part in text.split(";"):
        name, colon, word = part.strip().partition(": ")
        if colon:
            words[name] = _unescaped(word)
    return words


def _point(finding: Finding, description: str) -> dict[str, Any]:
    return {
        "id": finding.uid,
        "label": finding.name,
        "description": description,
        "position": list(finding.box.center_mm),
        "positionStatus": "defined",
        "selected": True,
        "visibility": True,
        "locked": True,
    }


def _box(finding: Finding, colours: Mapping[str, Any]) -> dict[str, Any]:
    x, y, z = finding.box.axes
    # Row by row; its columns are the axes of the box.
    orientation = [value for row in zip(x, y, z, strict=True) for value in row]
    display = {"visibility": True, "color": colours["finding"], "selectedColor": colours["finding"], **colours["boxes"]}
    return {
        "type": "ROI",
        "name": f"{finding.name} box",
        "roiType": "Box",
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "center": list(finding.box.center_mm),
        "orientation": orientation,
        "size": list(finding.box.size_mm),
        "insideOut": False,
        "locked": True,
        "controlPoints": [_point(finding, "")],
        "display": display,
    }


def _escaped(word: str) -> str:
    for plain, code in _ESCAPED.items():
        word = word.replace(plain, code)
    return word


def _unescaped(word: str) -> str:
    for plain, code in reversed(_ESCAPED.items()):
        word = word.replace(code, plain)
    return word
