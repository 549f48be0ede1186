"""Random findings on grids of every kind, written as SR, SEG, CSV, markups and JSON, and read by us and by others."""

from __future__ import annotations

import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from AIImagingLogic.dicom.coded_mask import mask_of_finding
from AIImagingLogic.dicom.source_series import read_source
from AIImagingLogic.dicom.sr_writing import Observation
from AIImagingLogic.images.dicom_writing import write_ct_series
from AIImagingLogic.images.read import read_image
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.finding_list import FindingCollection, FindingList
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.report.finding_files import GivenImage, read_findings, write_findings
from Testing.Benchmarks.dicom_checks import dciodvfy_errors, seg_differences, sr_differences
from Testing.Benchmarks.finding_checks import (
    csv_differences,
    finding_differences,
    markups_differences,
    report_differences,
)
from Testing.Benchmarks.geometry import grids
from Testing.Benchmarks.random_findings import random_findings
from Testing.Benchmarks.reporting import Figures, run_as_command

# Every so many of the 192 orders, flips and turns of axes: straight and oblique, isotropic and anisotropic.
EVERY_GRID = 7
FINDINGS = 8
SEED = 20_260_302


@dataclass(frozen=True)
class Case:
    """A series as it was read, and the findings on it; those of the list were not rejected."""

    name: str
    image: sitk.Image
    info: ImageInfo
    path: Path
    findings: tuple[Finding, ...]

    @property
    def collection(self) -> FindingCollection:
        """The findings as they are written."""
        return FindingCollection((FindingList(self.findings, self.info.series_uid, self.info),))


def cases(folder: Path) -> Iterator[Case]:
    """Yield a case for each grid."""
    for number, (name, phantom) in enumerate(grids()):
        if number % EVERY_GRID:
            continue
        series = folder / str(number)
        write_ct_series(phantom, series, acquired=datetime(2025, 3, 3, 9, 30), description="grid")
        image, info = read_image(series)
        found = random_findings(image, FINDINGS, SEED + number)
        yield Case(name, image, info, series, found)


def check(case: Case, folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield what was written, who read it and the difference (empty when there is none), one for each comparison."""
    given = GivenImage(case.image, case.info, case.path)
    files = {"json": "findings.json", "csv": "findings.csv", "markups": "findings.mrk.json"}
    for kind, name in files.items():
        write_findings(case.collection, folder / name, given)
        (read,) = read_findings(folder / name).scans
        yield from ((kind, "ours", told) for told in finding_differences(case.findings, read.findings, kind))
    for kind in ("annotations", "marks"):
        write_findings(case.collection, folder / f"{kind}.csv", columns=kind)
    yield from (("csv", *told) for told in csv_differences(folder, case.findings, case.info.series_uid))
    yield from (("markups", *told) for told in markups_differences(folder / files["markups"], case.findings))
    yield from _dicom(case, given, folder / "objects")


def _dicom(case: Case, given: GivenImage, folder: Path) -> Iterator[tuple[str, str, str]]:
    folder.mkdir()
    write_findings(case.collection, folder, given)
    seg, sr = folder / "lesions_seg.dcm", folder / "lesions_sr.dcm"
    kept = [finding for finding in case.findings if finding.review is not ReviewStatus.REJECTED]
    masks = [mask for finding in kept if (mask := mask_of_finding(finding, None)) is not None]
    observations = [Observation(finding, finding.name, finding.uid) for finding in kept]
    for kind, path in (("SEG", seg), ("SR", sr)):
        if path.exists():
            yield kind, "dciodvfy", "; ".join(dciodvfy_errors(path))
    if masks:
        yield from (("SEG", *told) for told in seg_differences(seg, masks, case.image))
        yield from (("SR", *told) for told in sr_differences(sr, seg, observations))
    yield from (("SR", *told) for told in report_differences(sr, kept))
    source = read_source(case.path)
    (read,) = read_findings(folder).scans
    yield from (("SR", "ours", told) for told in finding_differences(kept, read.findings, "dicom"))
    (placed,) = read_findings(folder, given=GivenImage(case.image, case.info, case.path, [case.path])).scans
    yield from (("SR", "ours", told) for told in finding_differences(kept, placed.findings, "dicom"))
    yield "SR", "ours", "" if read.series_uid in ("", source.series_uid) else f"series {read.series_uid}"


def run(tell: Callable[[str], None]) -> tuple[Figures, Mapping[str, Any]]:
    """Return the number of failures, of findings, and of comparisons by format and reader."""
    warnings.simplefilter("ignore")
    compared: Counter[str] = Counter()
    failures = findings = outlined = series = 0
    with tempfile.TemporaryDirectory() as temporary:
        for number, case in enumerate(cases(Path(temporary))):
            series += 1
            findings += len(case.findings)
            outlined += sum(finding.mask is not None for finding in case.findings)
            folder = Path(temporary) / f"written {number}"
            folder.mkdir()
            for kind, reader, difference in check(case, folder):
                compared[f"{kind} {reader}"] += 1
                if difference:
                    failures += 1
                    tell(f"{case.name}, {kind}, {reader}: {difference}")
    figures: Figures = {
        "failures": failures,
        "findings": findings,
        "with_outline": outlined,
        "comparisons": sum(compared.values()),
        "comparisons_by_reader": dict(sorted(compared.items())),
    }
    packages = ("highdicom", "pydicom", "dcmqi", "slicer-core")
    return figures, {
        "series": series,
        "findings_a_series": FINDINGS,
        "seed": SEED,
        "readers": {package: metadata.version(package) for package in packages},
    }


if __name__ == "__main__":
    run_as_command("findings_roundtrip", run)
