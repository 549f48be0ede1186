"""Findings from markups of Slicer (.mrk.json): points, boxes (ROI) and lines, of this program or drawn by hand."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from AIImagingLogic.records.boxes import OrientedBox, Vector
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.errors import UnreadableImageError
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.finding_list import FindingCollection, FindingList
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.report.finding_facts import finding_uid, review_of, right_handed, time_of, type_of
from AIImagingLogic.report.finding_markups import words_of_text

_SMALLEST_MM = 1.0
_APART_MM = 0.01
_SYSTEMS = {"LPS": (1.0, 1.0, 1.0), "RAS": (-1.0, -1.0, 1.0), "1": (1.0, 1.0, 1.0), "0": (-1.0, -1.0, 1.0)}
_OWN_WORDS = ("score", "concept", "type", "review", "reader", "reviewed", "found")


def read_findings_markups(path: Path, coordinates: str = "") -> FindingCollection:
    """Return the findings of a markups file: each point, box and line is one; a point and a box of one id are one.

    Parameters
    ----------
    path : .mrk.json
    coordinates : ``lps`` or ``ras`` where the file does not say

    Returns
    -------
    FindingCollection
        One image, whose name the file does not know. A point without a box has one of 1 mm; where a box was moved away
        from its point, the box counts. A line's length is the long axis. The notes say what was left out.

    Raises
    ------
    UnreadableImageError
        It is no markups file, a markup does not say its coordinate system or contradicts `coordinates`, or its numbers
        are none; the markup is named.
    """
    try:
        markups = json.loads(path.read_text(encoding="utf-8-sig"))["markups"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableImageError(
            f"'{path}' is no markups file ({type(error).__name__}).", "Give a .mrk.json that Slicer saved."
        ) from error
    found: dict[str, Finding] = {}
    boxes: dict[str, tuple[Finding, str]] = {}
    skipped: Counter[str] = Counter()
    notes: list[str] = []
    for number, markup in enumerate(markups, start=1):
        where = f"'{path}', markup {number}"
        try:
            kind = str(markup.get("type", ""))
            if kind == "Fiducial":
                _add_points(where, markup, _signs(where, markup, coordinates), found)
            elif kind == "ROI":
                box = _box(where, markup, _signs(where, markup, coordinates))
                boxes[box.uid] = (box, where)
            elif kind == "Line":
                line = _line(where, markup, _signs(where, markup, coordinates), found)
                found[line.uid] = line
            else:
                skipped[kind or "unnamed"] += 1
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise UnreadableImageError(
                f"{where} is damaged: {type(error).__name__} ({error}).", "Save it again with Slicer."
            ) from error
    for uid, (box, _) in boxes.items():
        point = found.get(uid)
        if point is None:
            found[uid] = box
            continue
        if np.abs(np.subtract(point.box.center_mm, box.box.center_mm)).max() > _APART_MM:
            notes.append(f"The point and the box of '{point.name}' lie apart: the box was taken.")
        found[uid] = dataclasses.replace(point, box=box.box)
    for kind, count in skipped.items():
        notes.append(f"Markups of the type {kind} are no findings and were left out: {count}.")
    return FindingCollection((FindingList(tuple(found.values()), "", None, tuple(notes)),))


def _signs(where: str, markup: Mapping[str, Any], coordinates: str) -> tuple[float, float, float]:
    units = markup.get("coordinateUnits", "mm")
    if units != "mm" and list(units) != ["mm"] * 3:
        raise UnreadableImageError(f"{where} is in {units}, not in mm.", "Save it in mm.")
    own, given = str(markup.get("coordinateSystem", "")).upper(), coordinates.upper()
    system = own or given
    if system not in _SYSTEMS:
        raise UnreadableImageError(
            f"{where} does not say its coordinate system." if not system else f"{where} lies in '{system}'.",
            "Say it with --coordinates lps or ras.",
        )
    if given and given in _SYSTEMS and _SYSTEMS[system] != _SYSTEMS[given]:
        raise UnreadableImageError(f"{where} says {own}, --coordinates says {given}.", "Leave --coordinates out.")
    return _SYSTEMS[system]


def _add_points(where: str, markup: Mapping[str, Any], signs: Sequence[float], found: dict[str, Finding]) -> None:
    for number, point in enumerate(_defined(markup), start=1):
        center = _vector(point["position"], signs)
        name = str(point.get("label") or f"{markup.get('name') or 'Finding'} {number}")
        made = _finding(f"{where}, point {number}", point, name, OrientedBox(center, (_SMALLEST_MM,) * 3), found)
        found[made.uid] = made


def _box(where: str, markup: Mapping[str, Any], signs: Sequence[float]) -> Finding:
    if str(markup.get("roiType", "Box")) not in ("Box", "BoundingBox"):
        raise ValueError(f"roiType {markup['roiType']}")
    center = _vector(markup["center"], signs)
    axes = (np.array(markup.get("orientation", np.eye(3)), dtype=float).reshape(3, 3) * np.array(signs)[:, None]).T
    size = _vector(markup["size"], (1.0, 1.0, 1.0))
    if min(size) <= 0:
        raise ValueError("a box without volume")
    if np.linalg.det(axes) < 0:
        axes = axes * np.array([[1.0], [1.0], [-1.0]])
    if not right_handed(axes.ravel().tolist()):
        raise ValueError("axes that are not at right angles")
    x, y, z = (_vector(row, (1.0, 1.0, 1.0)) for row in axes)
    points = list(_defined(markup)) or [{}]
    name = str(markup.get("name") or points[0].get("label") or "Box")
    return _finding(where, points[0], name, OrientedBox(center, size, (x, y, z)), {})


def _line(where: str, markup: Mapping[str, Any], signs: Sequence[float], found: Mapping[str, Finding]) -> Finding:
    points = list(_defined(markup))
    if len(points) != 2:
        raise ValueError(f"a line of {len(points)} points")
    ends = np.array([_vector(point["position"], signs) for point in points])
    length = float(np.linalg.norm(ends[1] - ends[0]))
    box = OrientedBox(_vector(ends.mean(axis=0), (1.0, 1.0, 1.0)), (max(length, _SMALLEST_MM),) * 3)
    made = _finding(where, {}, str(markup.get("name") or "Line"), box, found)
    return dataclasses.replace(made, measurements=(measurement("long_axis", length),))


def _defined(markup: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the points that were placed."""
    points = markup.get("controlPoints") or ()
    return [point for point in points if point.get("positionStatus", "defined") == "defined"]


def _finding(
    where: str, point: Mapping[str, Any], name: str, box: OrientedBox, taken: Mapping[str, Finding]
) -> Finding:
    words = words_of_text(str(point.get("description") or ""))
    # A description in a person's own words is none of ours.
    words = words if "score" in words and "review" in words else {}
    own = {word: words.pop(word, "") for word in _OWN_WORDS}
    try:
        kind = concept(own["concept"] or "lung-nodule")
    except KeyError:
        kind = concept("lung-nodule")
    return Finding(
        uid=finding_uid(str(point.get("id") or ""), "", box.center_mm, name, taken),
        name=name,
        box=box,
        score=float(own["score"] or 1.0),
        concept=kind,
        descriptors=words,
        review=review_of(where, own["review"], ""),
        stated_type=type_of(own["type"]),
        reader=own["reader"],
        found=time_of(where, own["found"]),
        reviewed=time_of(where, own["reviewed"]),
    )


def _vector(values: Sequence[float], signs: Sequence[float]) -> Vector:
    x, y, z = (float(value) * sign for value, sign in zip(values, signs, strict=True))
    if not np.isfinite([x, y, z]).all():
        raise ValueError("a coordinate that is no number")
    return x, y, z
