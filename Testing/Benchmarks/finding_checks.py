"""What was read of findings, compared with what was written: one sentence a difference, empty for what agrees."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import SimpleITK as sitk

from AIImagingLogic.dicom.box_region import ellipsoid_points
from AIImagingLogic.dicom.codes import PRIVATE_SCHEME
from AIImagingLogic.dicom.finding_words import words_of_finding
from AIImagingLogic.evaluation.detection_files import read_lesions, read_marks
from AIImagingLogic.records.finding import Finding, ReviewStatus

# What a format has no place for.
_LOST: dict[str, tuple[str, ...]] = {
    "json": (),
    "csv": ("mask", "history"),
    "markups": ("mask", "history", "measurements"),
    "dicom": ("history",),
}
_COMPARED_APART = ("box", "mask", "measurements", "score")
# Decimal strings have 16 characters; coordinates of a region in space have single precision.
_SAME_NUMBER = 1e-9
_SAME_MM = {"json": 1e-9, "csv": 0.0, "markups": 1e-9, "dicom": 1e-3}
_TO_RAS = np.diag([-1.0, -1.0, 1.0])


def finding_differences(before: Sequence[Finding], after: Sequence[Finding], kind: str) -> Iterator[str]:
    """Yield what differs between each finding and the one that was read, but for what the format has no place for."""
    if len(before) != len(after):
        yield f"{len(after)} findings are not {len(before)}"
        return
    for old, new in zip(before, after, strict=True):
        yield _difference(old, new, kind)


def _difference(old: Finding, new: Finding, kind: str) -> str:
    near = _SAME_MM[kind]
    # The box of an outline is read from its voxels, which the random outlines fill.
    pairs = (
        ("centre", old.box.center_mm, new.box.center_mm),
        ("size", old.box.size_mm, new.box.size_mm),
        ("axes", old.box.axes, new.box.axes),
    )
    for name, one, two in pairs:
        if not np.allclose(one, two, rtol=0, atol=near):
            return f"{old.name}: {name} {two} is not {one}"
    if "mask" not in _LOST[kind] and _points(old) != _points(new):
        return f"{old.name}: the outlines differ"
    if "measurements" not in _LOST[kind]:
        wanted, found = _values(old), _values(new)
        if wanted.shape != found.shape or not np.allclose(wanted, found, rtol=_SAME_NUMBER, atol=0):
            return f"{old.name}: {found} is not {wanted}"
        names = [made.name for made in old.measurements] == [made.name for made in new.measurements]
        if not names:
            return f"{old.name}: the measurements have other names"
    if abs(old.score - new.score) > _SAME_NUMBER:
        return f"{old.name}: score {new.score} is not {old.score}"
    compared = {field.name for field in dataclasses.fields(Finding)} - {*_COMPARED_APART, *_LOST[kind]}
    differing = sorted(name for name in compared if getattr(old, name) != getattr(new, name))
    return f"{old.name}: {', '.join(differing)} differ" if differing else ""


def _values(finding: Finding) -> np.ndarray:
    return np.array([[made.value, *(made.interval_95 or (0.0, 0.0))] for made in finding.measurements])


def _points(finding: Finding) -> set[tuple[int, ...]]:
    """Return where the voxels of an outline lie, in 1/100 mm."""
    if finding.mask is None:
        return set()
    inside = np.argwhere(sitk.GetArrayViewFromImage(finding.mask) > 0)[:, ::-1].tolist()
    places = (finding.mask.TransformIndexToPhysicalPoint(index) for index in inside)
    return {tuple(round(100 * value) for value in place) for place in places}


def csv_differences(folder: Path, findings: Sequence[Finding], series_uid: str) -> Iterator[tuple[str, str]]:
    """Yield reader and difference of the CSV files: the plain csv module and the evaluation's own reader."""
    with (folder / "findings.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, finding in zip(rows, findings, strict=True):
        place = tuple(float(row[f"coord{axis}"]) for axis in "XYZ")
        same = place == finding.box.center_mm and float(row["probability"]) == finding.score
        good = same and (row["seriesuid"], row["uid"]) == (series_uid, finding.uid)
        yield "csv module", "" if good else f"{finding.name}: {row}"
    kept = [finding for finding in findings if finding.review is not ReviewStatus.REJECTED]
    lesions = [lesion.target.position_mm for lesion in read_lesions(folder / "annotations.csv").get(series_uid, ())]
    marks = [(mark.position_mm, mark.score) for mark in read_marks(folder / "marks.csv")[series_uid]]
    yield "evaluation", "" if lesions == [entry.box.center_mm for entry in kept] else "the annotations differ"
    wanted = [(entry.box.center_mm, entry.score) for entry in findings]
    yield "evaluation", "" if marks == wanted else "the marks differ"


def markups_differences(path: Path, findings: Sequence[Finding]) -> Iterator[tuple[str, str]]:
    """Yield reader and difference of a markups file: as Slicer's own classes read its points and boxes."""
    from AIImagingLogic.scene.host import load_slicer

    slicer = load_slicer()
    scene = slicer.vtkMRMLScene()

    def read(number: int) -> Any:
        storage = slicer.vtkMRMLMarkupsROIJsonStorageNode() if number else slicer.vtkMRMLMarkupsJsonStorageNode()
        scene.AddNode(storage)
        return storage.AddNewMarkupsNodeFromFile(str(path), None, number)

    points = read(0)
    for number, finding in enumerate(findings):
        box = read(number + 1)
        matrix = box.GetObjectToNodeMatrix()
        axes = [[matrix.GetElement(row, column) for column in range(3)] for row in range(3)]
        same = (
            points.GetNthControlPointID(number) == finding.uid
            and points.GetNthControlPointLabel(number) == finding.name
            and np.allclose(points.GetNthControlPointPosition(number), _TO_RAS @ finding.box.center_mm, atol=1e-9)
            and np.allclose(box.GetSize(), finding.box.size_mm, atol=1e-9)
            and np.allclose(axes, _TO_RAS @ np.array(finding.box.axes).T, atol=1e-6)
        )
        yield "slicer", "" if same else f"{finding.name}: Slicer reads another place"


def report_differences(path: Path, findings: Sequence[Finding]) -> Iterator[tuple[str, str]]:
    """Yield reader and difference of what a report says of each finding in words, and of regions in space."""
    groups = hd.sr.srread(path).content.get_volumetric_roi_measurement_groups()
    for group, finding in zip(groups, findings, strict=True):
        said = {
            evaluation.name.value: evaluation.value.meaning
            for evaluation in group.get_qualitative_evaluations()
            if evaluation.name.scheme_designator == PRIVATE_SCHEME
        }
        good = said == words_of_finding(finding) and str(group.tracking_uid) == finding.uid
        yield "highdicom", "" if good else f"{finding.name}: {said}"
        if finding.mask is None:
            ends = np.reshape(group.roi.graphic_data, (6, 3))
            same = np.allclose(ends, ellipsoid_points(finding.box), atol=1e-3)
            yield "highdicom", "" if same else f"{finding.name}: the region lies elsewhere"
    containers = pydicom.dcmread(path).ContentSequence[-1].ContentSequence
    for container, finding in zip(containers, findings, strict=True):
        answers = {
            item.ConceptNameCodeSequence[0].CodeValue: item.ConceptCodeSequence[0].CodeMeaning
            for item in container.ContentSequence
            if item.ValueType == "CODE" and item.ConceptNameCodeSequence[0].CodingSchemeDesignator == PRIVATE_SCHEME
        }
        yield "pydicom", "" if answers == words_of_finding(finding) else f"{finding.name}: {answers}"
