"""The lesions of a report of another program, on the image of a visit."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Container, Iterator, Sequence
from pathlib import Path

import pydicom
import SimpleITK as sitk
from pydicom.errors import InvalidDicomError

from AIImagingLogic.dicom.quiet import without_warnings
from AIImagingLogic.dicom.report_findings import findings_of_report
from AIImagingLogic.dicom.seg_reading import SEG_CLASSES, ReadSeg, read_seg
from AIImagingLogic.dicom.source_series import read_source
from AIImagingLogic.dicom.sr_reading import ReadReport, read_sr
from AIImagingLogic.images.geometry import inside
from AIImagingLogic.images.resample import resample_like
from AIImagingLogic.records.errors import AIImagingError, GeometryError, WrongImageError
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.resources import load_resource

# A folder with more files than these is no export of one report.
_MOST_FILES = 5000


def lesions_of_report(
    path: Path, image: sitk.Image, info: ImageInfo, files: Sequence[Path] = ()
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Return the findings of a DICOM SR, with outlines on the grid of an image, and what was lost or is in doubt.

    Parameters
    ----------
    path : the SR; the SEG files that it refers to are looked for in its folder, and in the folders beside it
    image, info : of the visit
    files : DICOM files of the image, which give regions drawn on its slices their place

    Raises
    ------
    UnreadableImageError, WrongImageError
        It is no report with imaging measurements, or no finding of it has a place in the image.
    """
    report = read_sr(path)
    segs = segs_beside(path, report)
    notes = [note for seg in segs for note in seg.notes]
    series = {seg.source_series_uid for seg in segs if seg.source_series_uid}
    if info.series_uid and series and info.series_uid not in series:
        notes.append("The report was made on another series than the image of the visit.")
    # Outlines first: a mask that does not lie on the voxels of the image is resampled, which its box cannot tell.
    source = read_source(files[0]) if files and any(group.regions for group in report.groups) else None
    found, said = findings_of_report(report, [_on_grid(seg, image, notes) for seg in segs], source)
    within = [bool(inside(info, [entry.box.center_mm])[0]) for entry in found]
    outside = [entry.name for entry, here in zip(found, within) if not here]
    names = load_resource("measurements.json")["measurements"]
    kept = tuple(_with_measurements(entry, names) for entry, here in zip(found, within) if here)
    notes += said
    if outside:
        notes.append(f"{len(outside)} findings of the report lie outside the image ({', '.join(outside[:6])}).")
    if not kept:
        raise WrongImageError(
            f"No finding of '{path.name}' has a place in the image. {' '.join(notes)}",
            "Choose the report of this visit, and keep its SEG file in the same folder.",
        )
    lost = {made.name for entry in found for made in entry.measurements if made.name not in names}
    if lost:
        notes.append(f"Measurements without a name here were left out: {', '.join(sorted(lost))}.")
    return kept, tuple(dict.fromkeys(notes))


def segs_beside(path: Path, report: ReadReport) -> tuple[ReadSeg, ...]:
    """Return the segmentations that a report refers to, from its folder and the folders beside it.

    Parameters
    ----------
    path : of the report
    report : as `read_sr` read it
    """
    wanted = {group.seg_uid for group in report.groups if group.seg_uid}
    return tuple(read_seg(file) for file in _segs(path, wanted)) if wanted else ()


def _with_measurements(finding: Finding, names: Container[str]) -> Finding:
    """Return a finding with its measurements of these names only."""
    made = tuple(entry for entry in finding.measurements if entry.name in names)
    return dataclasses.replace(finding, measurements=made)


def _on_grid(seg: ReadSeg, image: sitk.Image, notes: list[str]) -> ReadSeg:
    try:
        return seg.on_grid(image)
    except GeometryError:
        notes.append("The report's outlines were resampled to the grid of the image (nearest neighbour).")
    masks = []
    for entry in seg.masks:
        whole = resample_like(sitk.Cast(entry.mask != 0, sitk.sitkUInt8), image, interpolation="nearest", outside=0)
        statistics = sitk.LabelShapeStatisticsImageFilter()
        statistics.Execute(whole)
        # One that lies outside keeps its place, so that it is told as outside.
        box = statistics.GetBoundingBox(1) if statistics.GetNumberOfLabels() else None
        crop = entry.mask if box is None else sitk.RegionOfInterest(whole, box[3:], box[:3])
        masks.append(dataclasses.replace(entry, mask=crop))
    return dataclasses.replace(seg, masks=tuple(masks), grid=image)


def _segs(path: Path, wanted: set[str]) -> list[Path]:
    """Return the SEG files with these SOP Instance UIDs."""
    found: dict[str, Path] = {}
    for file in _candidates(path):
        if wanted <= set(found):
            break
        try:
            with without_warnings():
                header = pydicom.dcmread(file, specific_tags=["SOPInstanceUID", "SOPClassUID"], stop_before_pixels=True)
        except (InvalidDicomError, OSError, EOFError, ValueError, AIImagingError):
            continue
        uid = str(header.get("SOPInstanceUID", ""))
        if uid in wanted and str(header.get("SOPClassUID", "")) in SEG_CLASSES:
            found.setdefault(uid, file)
    return list(found.values())


def _candidates(path: Path) -> Iterator[Path]:
    """Yield the files beside the report, then those of the folders beside its folder."""
    beside = sorted(file for file in path.parent.iterdir() if file.is_file() and file != path)
    yield from beside[:_MOST_FILES]
    count = len(beside)
    folders = sorted(entry.path for entry in os.scandir(path.parent.parent) if entry.is_dir())
    for folder in folders:
        if Path(folder) == path.parent:
            continue
        for file in sorted(Path(folder).iterdir()):
            count += 1
            if count > _MOST_FILES:
                return
            if file.is_file():
                yield file
