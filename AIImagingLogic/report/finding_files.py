"""Findings from and to files of every kind: which kind a file is, and which image its findings are of."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.dicom.report_findings import findings_of_report
from AIImagingLogic.dicom.report_lesions import lesions_of_report, segs_beside
from AIImagingLogic.dicom.sr_reading import read_sr
from AIImagingLogic.dicom.visit_objects import write_detection
from AIImagingLogic.images.geometry import inside
from AIImagingLogic.records.errors import OutputError, UnreadableImageError, WrongImageError
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.finding_list import FindingCollection, FindingList
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.report.csv_kinds import FULL
from AIImagingLogic.report.finding_csv_reading import read_findings_csv
from AIImagingLogic.report.finding_csv_writing import write_findings_table
from AIImagingLogic.report.finding_json import read_findings_json, visit_of_list, write_findings_json
from AIImagingLogic.report.finding_markups import write_findings_markups
from AIImagingLogic.report.markups_reading import read_findings_markups

CSV, JSON, MARKUPS, DICOM = "csv", "json", "markups", "dicom"
_SUFFIXES = {".mrk.json": MARKUPS, ".json": JSON, ".csv": CSV, ".fcsv": CSV, ".tsv": CSV, ".dcm": DICOM}
_DICOM_MARK_AT, _DICOM_MARK = 128, b"DICM"
_KINDS = "CSV (.csv), JSON (.json), markups (.mrk.json), or DICOM (a folder)"


@dataclass(frozen=True)
class GivenImage:
    """The image that findings are of: voxels, what is known of it, and the DICOM files or folder that it came from."""

    image: sitk.Image
    info: ImageInfo
    path: Path
    files: Sequence[Path] = ()


def kind_of_output(path: Path) -> str:
    """Return the kind that a name asks for; a name without an extension is a folder of DICOM objects.

    Raises
    ------
    OutputError
        No kind has that extension.
    """
    kind = next((kind for suffix, kind in _SUFFIXES.items() if path.name.lower().endswith(suffix)), "")
    if path.is_dir() or (not kind and not path.suffix):
        return DICOM
    if not kind or path.suffix.lower() in (".dcm", ".fcsv", ".tsv"):
        raise OutputError(f"Findings cannot be written as '{path.name}'.", f"They are written as {_KINDS}.")
    return kind


def read_findings(path: Path, coordinates: str = "", given: GivenImage | None = None) -> FindingCollection:
    """Return the findings of a file, or of the structured report in a folder.

    Parameters
    ----------
    path : CSV, JSON, markups, a DICOM SR (its SEG beside it), or a folder that holds one SR
    coordinates : ``lps``, ``ras`` or ``voxel``, where a CSV or markups file does not say
    given : the image: then only its findings are returned, under its series and with its geometry

    Raises
    ------
    UnreadableImageError, WrongImageError
        The file is missing, of no known kind or damaged, its coordinate system is not known, or the findings are not of
        that image; what, where and what to do is said.
    """
    kind = _kind_of_input(path)
    info = None if given is None else given.info
    if kind == CSV:
        found = read_findings_csv(path, coordinates, info)
    elif kind == MARKUPS:
        found = read_findings_markups(path, coordinates)
    elif kind == DICOM:
        return FindingCollection((_of_report(_report_of(path), given),))
    else:
        found = read_findings_json(path)
    return found if given is None else FindingCollection((_on_image(found, given.info, path),))


def write_findings(
    collection: FindingCollection,
    path: Path,
    given: GivenImage | None = None,
    columns: str = FULL,
    scan: str = "",
    person: str = "",
) -> tuple[str, ...]:
    """Write findings as the kind that the name asks for; return what was left out, one sentence each.

    Parameters
    ----------
    path : .csv, .json, .mrk.json; else a folder that is there, for a SEG and a SR
    given : DICOM series that the findings are of; needed for DICOM
    columns : of a CSV, see `write_findings_table`
    scan : what the column seriesuid of a CSV says
    person : see `write_sr`

    Raises
    ------
    OutputError
        As the writers; DICOM is asked for and there is no image.
    WrongImageError
        DICOM is asked for and the image is not a DICOM series.
    """
    kind = kind_of_output(path)
    if kind == CSV:
        return write_findings_table(collection, path, columns, scan)
    if kind == MARKUPS:
        return write_findings_markups(collection, path)
    if kind == JSON:
        write_findings_json(collection, path)
        return ()
    if given is None:
        raise OutputError("DICOM objects refer to the series that was read.", "Give the DICOM series with --image.")
    visit = visit_of_list(collection.scans[0], given.info)
    return write_detection(visit, [given.path], path, person).notes


def _kind_of_input(path: Path) -> str:
    if not path.exists():
        raise UnreadableImageError(f"'{path}' does not exist.", "Check the path.")
    if path.is_dir() or _is_dicom(path):
        return DICOM
    kind = next((kind for suffix, kind in _SUFFIXES.items() if path.name.lower().endswith(suffix)), "")
    if kind in ("", DICOM):
        raise UnreadableImageError(f"'{path.name}' is no file of findings.", f"They are read from {_KINDS}.")
    return kind


def _is_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(_DICOM_MARK_AT)
            return file.read(len(_DICOM_MARK)) == _DICOM_MARK
    except OSError as error:
        raise UnreadableImageError(f"'{path}' cannot be read: {error.strerror}.", "Check the file.") from error


def _report_of(path: Path) -> Path:
    """Return the one structured report with measurements in a folder; a file is taken as it is."""
    if path.is_file():
        return path
    reports = []
    for file in sorted(entry for entry in path.iterdir() if entry.is_file() and _is_dicom(entry)):
        try:
            read_sr(file)
        except (UnreadableImageError, WrongImageError):
            continue
        reports.append(file)
    if len(reports) != 1:
        found = f"{len(reports)} structured reports" if reports else "no structured report"
        raise UnreadableImageError(f"'{path}' holds {found} with measurements.", "Name the SR file.")
    return reports[0]


def _of_report(path: Path, given: GivenImage | None) -> FindingList:
    if given is not None:
        found, notes = lesions_of_report(path, given.image, given.info, given.files)
        return FindingList(found, given.info.series_uid, given.info, notes)
    report = read_sr(path)
    segs = segs_beside(path, report)
    found, notes = findings_of_report(report, segs)
    series = {seg.source_series_uid for seg in segs if seg.source_series_uid}
    return FindingList(found, series.pop() if len(series) == 1 else "", None, notes)


def _on_image(found: FindingCollection, info: ImageInfo, path: Path) -> FindingList:
    """Return the findings of one image: of its series, or of the only one that the file has."""
    scans = [scan for scan in found.scans if scan.series_uid and scan.series_uid == info.series_uid]
    notes = list(found.notes)
    if not scans and len(found.scans) == 1:
        scans = list(found.scans)
        name = scans[0].series_uid
        if name and info.series_uid:
            notes.append(f"The file names the image '{name}', not its series: they were taken as the same.")
    if len(scans) != 1:
        names = ", ".join(scan.series_uid or "(none)" for scan in found.scans[:6])
        raise WrongImageError(
            f"'{path}' has findings of {len(found.scans)} images ({names}), none of them the series of --image.",
            "Give the image that they are of.",
        )
    (scan,) = scans
    within = _within(scan.findings, info)
    if scan.findings and not within.any():
        raise WrongImageError(
            f"None of the {len(scan.findings)} findings of '{path}' lies in the image.{_mirrored(scan.findings, info)}",
            "Check --image and --coordinates.",
        )
    if not within.all():
        out = [finding.name for finding, here in zip(scan.findings, within, strict=True) if not here]
        notes.append(f"{len(out)} findings lie outside the image and were left out: {', '.join(out[:6])}.")
    kept = tuple(finding for finding, here in zip(scan.findings, within, strict=True) if here)
    return dataclasses.replace(
        scan, findings=kept, series_uid=info.series_uid or scan.series_uid, info=info, notes=tuple(notes)
    )


def _within(findings: Sequence[Finding], info: ImageInfo) -> np.ndarray:
    if not findings:
        return np.zeros(0, bool)
    return np.asarray(inside(info, [finding.box.center_mm for finding in findings]))


def _mirrored(findings: Sequence[Finding], info: ImageInfo) -> str:
    """Return what is to be said where the findings lie in the image once x and y change their signs."""
    turned = [
        dataclasses.replace(
            finding,
            box=dataclasses.replace(
                finding.box, center_mm=(-finding.box.center_mm[0], -finding.box.center_mm[1], finding.box.center_mm[2])
            ),
        )
        for finding in findings
    ]
    count = int(_within(turned, info).sum())
    return f" With x and y negated {count} of them do: LPS and RAS may have been mistaken." if count else ""
