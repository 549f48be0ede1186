"""`aiimaging dicom`: results to DICOM objects and back."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from AIImagingLogic.cli.dicom_input import read_objects
from AIImagingLogic.cli.output_folder import whole_folder
from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.dicom.coded_mask import masks_of_segmentation
from AIImagingLogic.dicom.registration_writing import write_registration
from AIImagingLogic.dicom.seg_writing import write_seg
from AIImagingLogic.dicom.source_series import read_source, source_of
from AIImagingLogic.dicom.visit_objects import WrittenObjects, write_detection, write_timeline
from AIImagingLogic.images.read import read_image
from AIImagingLogic.images.segmentation_file import read_segmentation
from AIImagingLogic.records.errors import UnreadableImageError, WrongImageError
from AIImagingLogic.records.json_form import load_record
from AIImagingLogic.records.provenance import Provenance
from AIImagingLogic.records.registration import Registration
from AIImagingLogic.records.timeline import Timeline, Visit

MARK = "objects.json"
_RESULTS = "Name the output folder of detect, followup or register, or a .seg.nrrd file."


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Write or read DICOM objects; the output folder appears whole or not at all."""
    with whole_folder(arguments.output, arguments.overwrite, MARK) as folder:
        if arguments.action == "write":
            written = _write(arguments.result, arguments.series, folder, arguments.person)
        else:
            written = read_objects(arguments.files, arguments.on, folder, terminal)
        answer = {"files": list(written.files), "notes": list(written.notes)}
        (folder / MARK).write_text(json.dumps(answer, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for note in written.notes:
        terminal.warn(note)
    terminal.show(*written.files, f"Results: {arguments.output}")
    return {"output": str(arguments.output), **answer}


def _write(result: Path, series: list[Path], folder: Path, person: str) -> WrittenObjects:
    if result.name.endswith(".nrrd"):
        return _write_segmentation(result, series, folder)
    record = _result(result / "result.json" if result.is_dir() else result)
    if isinstance(record, Timeline):
        return write_timeline(record, series, folder, person)
    if isinstance(record, Visit):
        return write_detection(record, series, folder, person)
    return _write_registration(record, series, folder)


def _result(path: Path) -> Timeline | Visit | Registration:
    """Return the result in a result.json, told by its fields."""
    if not path.exists():
        raise UnreadableImageError(f"'{path}' does not exist.", _RESULTS)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if {"lesions", "visits"} <= content.keys():
            return load_record(Timeline, path)
        if {"findings", "info"} <= content.keys():
            return load_record(Visit, path)
        if {"transform", "quality"} <= content.keys():
            return load_record(Registration, path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise UnreadableImageError(f"'{path}' cannot be read as a result ({error}).", _RESULTS) from error
    raise UnreadableImageError(f"'{path}' is no result that has a DICOM form.", _RESULTS)


def _write_segmentation(path: Path, series: list[Path], folder: Path) -> WrittenObjects:
    segmentation = read_segmentation(path)
    uids = _series_uids(segmentation.provenance)
    source = source_of(series, uids[0]) if uids and uids[0] else read_source(series[0])
    name = f"{path.name.removesuffix('.nrrd').removesuffix('.seg')}_seg.dcm"
    write_seg(masks_of_segmentation(segmentation), segmentation.image, source, folder / name)
    return WrittenObjects((name,))


def _write_registration(registration: Registration, series: list[Path], folder: Path) -> WrittenObjects:
    uids = _series_uids(registration.provenance)
    if len(uids) != 2 or not all(uids):
        raise WrongImageError("The registered images were not DICOM series.", "Register the DICOM series.")
    fixed, moving = (source_of(series, uid) for uid in uids)
    fixed_path = next(path for path in series if _holds(path, uids[0]))
    image, _ = read_image(fixed_path, uids[0])
    write_registration(registration.transform, fixed, moving, image, folder / "registration.dcm")
    return WrittenObjects(("registration.dcm",))


def _holds(path: Path, series_uid: str) -> bool:
    try:
        return read_source(path, series_uid).series_uid == series_uid
    except UnreadableImageError:
        return False


def _series_uids(provenance: Provenance | None) -> tuple[str, ...]:
    return () if provenance is None else tuple(entry.series_uid for entry in provenance.inputs)
