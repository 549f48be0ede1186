"""DICOM SEG, SR and registrations as the files that every other command reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import SimpleITK as sitk

from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.dicom.registration_reading import read_registrations
from AIImagingLogic.dicom.registration_writing import DEFORMABLE, SPATIAL
from AIImagingLogic.dicom.report_findings import findings_of_report
from AIImagingLogic.dicom.seg_reading import SEG_CLASSES, ReadSeg, read_dataset, read_seg
from AIImagingLogic.dicom.source_series import read_source
from AIImagingLogic.dicom.sr_reading import read_sr
from AIImagingLogic.dicom.visit_objects import WrittenObjects
from AIImagingLogic.images.info import describe
from AIImagingLogic.images.read import read_image
from AIImagingLogic.images.segmentation_file import write_segmentation
from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.errors import UnreadableImageError, WrongImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.json_form import save_record
from AIImagingLogic.records.timeline import Visit
from AIImagingLogic.report.csv_tables import write_findings_csv
from AIImagingLogic.report.text import findings_table


def read_objects(files: Sequence[Path], on: Path | None, folder: Path, terminal: Terminal) -> WrittenObjects:
    """Write each SEG as .seg.nrrd, each SR as findings (result and CSV), each registration as .h5 into `folder`.

    Parameters
    ----------
    files : DICOM files, or folders with nothing else
    on : the series that they were made on: segmentations get its grid, regions drawn on its slices their place

    Raises
    ------
    AIImagingError
        A file is none of these, or a report's place is not known.
    """
    paths = [inner for path in files for inner in (sorted(path.rglob("*.dcm")) if path.is_dir() else [path])]
    if not paths:
        raise UnreadableImageError("The folder holds no files that end in .dcm.", "Name the files.")
    kinds = {path: str(read_dataset(path).get("SOPClassUID", "")) for path in paths}
    image, info = (None, None) if on is None else read_image(on)
    written = WrittenObjects(())
    segs = [(path, read_seg(path)) for path in paths if kinds[path] in SEG_CLASSES]
    if image is not None:
        segs = [(path, seg.on_grid(image)) for path, seg in segs]
    for path, seg in segs:
        written += _segmentation(path, seg, folder)
    for path in paths:
        if kinds[path] in (SPATIAL, DEFORMABLE):
            written += _registration(path, folder)
        elif kinds[path] not in SEG_CLASSES:
            written += _report(path, [seg for _, seg in segs], on, info, folder, terminal)
    return written


def _segmentation(path: Path, seg: ReadSeg, folder: Path) -> WrittenObjects:
    layers = seg.segmentations()
    names = [f"{path.stem}.seg.nrrd" if n == 0 else f"{path.stem}_{n + 1}.seg.nrrd" for n in range(len(layers))]
    for layer, name in zip(layers, names, strict=True):
        write_segmentation(layer, folder / name)
    notes = list(seg.notes)
    if len(layers) > 1:
        notes.append(f"The segments of '{path.name}' overlap: they were written as {len(layers)} files.")
    return WrittenObjects(tuple(names), tuple(notes))


def _registration(path: Path, folder: Path) -> WrittenObjects:
    written = WrittenObjects(())
    for number, read in enumerate(read_registrations(path)):
        name = f"{path.stem}.h5" if number == 0 else f"{path.stem}_{number + 1}.h5"
        with written_atomically(folder / name) as temporary:
            sitk.WriteTransform(read.transform, str(temporary))
        written += WrittenObjects((name,), read.notes)
    return written


def _report(
    path: Path, segs: Sequence[ReadSeg], on: Path | None, info: ImageInfo | None, folder: Path, terminal: Terminal
) -> WrittenObjects:
    report = read_sr(path)
    findings, notes = findings_of_report(report, segs, None if on is None else read_source(on))
    if info is None:
        if not segs:
            raise WrongImageError(f"Where the findings of '{path.name}' lie is not known.", "Name its SEG, or --on.")
        seg = segs[0]
        info = describe(
            seg.grid,
            study_uid=report.study_uid,
            series_uid=seg.source_series_uid,
            frame_of_reference_uid=seg.frame_of_reference_uid,
        )
    visit = Visit(report.groups[0].time_point or "baseline", info, None, findings)
    save_record(visit, folder / f"{path.stem}.json")
    write_findings_csv(visit, folder / f"{path.stem}.csv")
    terminal.show(findings_table(visit))
    return WrittenObjects((f"{path.stem}.json", f"{path.stem}.csv"), notes)
