"""`aiimaging findings`: findings from one kind of file to another, merged and split."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from typing import Any

from AIImagingLogic.cli.output_folder import whole_folder
from AIImagingLogic.cli.staged_file import staged_file
from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.images.geometry import same_grid
from AIImagingLogic.images.read import image_files, read_image
from AIImagingLogic.records.errors import OutputError, WrongImageError
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.finding_list import FindingCollection, FindingList
from AIImagingLogic.report.finding_files import DICOM, GivenImage, kind_of_output, read_findings, write_findings
from AIImagingLogic.tasks.edit_findings import lungs_around
from AIImagingLogic.tasks.merge_findings import merge_findings
from AIImagingLogic.tasks.split_finding import split_finding

_MARK = "lesions_sr.dcm"


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Read IN, merge or split, write OUT; OUT appears whole or not at all."""
    kind = kind_of_output(arguments.output)
    given = _given(arguments)
    collection = read_findings(arguments.input, arguments.coordinates, given)
    if arguments.action != "convert" and given is not None:
        collection = _edited(collection, given, arguments, terminal)
    count = sum(len(scan.findings) for scan in collection.scans)
    options = (given, arguments.columns, arguments.scan, arguments.person)
    if kind == DICOM:
        with whole_folder(arguments.output, arguments.overwrite, _MARK) as folder:
            notes = write_findings(collection, folder, *options)
            if not any(folder.iterdir()):
                raise OutputError(f"'{arguments.input}' holds no finding to write.", "A report needs at least one.")
    else:
        with staged_file(arguments.output, arguments.overwrite) as path:
            notes = write_findings(collection, path, *options)
    said = (*collection.notes, *notes)
    for note in said:
        terminal.warn(note)
    terminal.show(f"{count} findings: {arguments.output}")
    return {"output": str(arguments.output), "findings": count, "notes": list(said)}


def _given(arguments: argparse.Namespace) -> GivenImage | None:
    if arguments.image is None:
        return None
    image, info = read_image(arguments.image, arguments.series)
    found = image_files(arguments.image, arguments.series)
    files = [] if not isinstance(found, tuple) else [file.path for file in found[0]]
    return GivenImage(image, info, arguments.image, files)


def _edited(
    collection: FindingCollection, given: GivenImage, arguments: argparse.Namespace, terminal: Terminal
) -> FindingCollection:
    """Return the findings with some of them merged into one, or one of them split, in its place."""
    (scan,) = collection.scans
    names = [arguments.names] if isinstance(arguments.names, str) else arguments.names
    chosen = [_named(scan.findings, name) for name in names]
    lungs = scan.organs if scan.organs is not None and same_grid(scan.organs.image, given.image) else None
    if lungs is None:
        with terminal.progress() as progress:
            lungs = lungs_around(given.image, given.info, chosen[0], progress)
    said = (lungs, arguments.reader, arguments.when)
    made: Sequence[Finding]
    if arguments.action == "merge":
        made = [merge_findings(given.image, given.info, chosen, *said)]
    else:
        marks = [(float(x), float(y), float(z)) for x, y, z in arguments.marks]
        made = split_finding(given.image, given.info, chosen[0], marks, *said)
    gone = {finding.uid for finding in chosen}
    first = min(index for index, finding in enumerate(scan.findings) if finding.uid in gone)
    kept = [finding for finding in scan.findings if finding.uid not in gone]
    edited: FindingList = dataclasses.replace(scan, findings=(*kept[:first], *made, *kept[first:]))
    return FindingCollection((edited,))


def _named(findings: Sequence[Finding], name: str) -> Finding:
    found = [finding for finding in findings if name in (finding.name, finding.uid)]
    if len(found) != 1:
        known = ", ".join(finding.name for finding in findings[:12])
        what = f"{len(found)} findings are named '{name}'." if found else f"No finding is named '{name}'."
        raise WrongImageError(what, f"Give a uid, or one of: {known}.")
    return found[0]
