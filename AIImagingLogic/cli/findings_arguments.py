"""The arguments of `aiimaging findings`."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

from AIImagingLogic.report.csv_kinds import FULL, KINDS

_IN = "CSV, JSON (result.json), markups (.mrk.json), or DICOM SR (its SEG beside it) or the folder that holds it"
_OUT = "FILE.csv, FILE.json, FILE.mrk.json, or a folder to make for DICOM SEG and SR"
_IMAGE = "the image that the findings are of: a DICOM folder or file, NIfTI, NRRD or MHA"


def add_findings(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    """Give `parser` the actions of `aiimaging findings`; `common` is the parent of each."""
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")

    def add(name: str, text: str, image_needed: bool) -> argparse.ArgumentParser:
        added = actions.add_parser(name, parents=[common], help=text, description=text)
        added.add_argument("input", type=Path, metavar="IN", help=_IN)
        added.add_argument("output", type=Path, metavar="OUT", help=_OUT)
        added.add_argument("--image", type=Path, required=image_needed, metavar="IMAGE", help=_IMAGE)
        added.add_argument("--series", metavar="UID", help="the series of a DICOM folder; without it, the main one")
        added.add_argument(
            "--coordinates", default="", choices=("lps", "ras", "voxel"), help="of IN, where it does not say"
        )
        text = "columns of a CSV: full (default), LUNA16's annotations or candidates, or marks to be evaluated"
        added.add_argument("--columns", default=FULL, choices=KINDS, help=text)
        added.add_argument("--scan", default="", metavar="NAME", help="what the column seriesuid of a CSV says")
        added.add_argument("--person", default="", metavar="FAMILY^GIVEN", help="who reviewed them, for DICOM")
        added.add_argument("--overwrite", action="store_true", help="replace OUT")
        return added

    add("convert", "write findings of any of these files as any other", False)
    merge = add("merge", "make several findings one, and measure it", True)
    merge.add_argument(
        "--finding", dest="names", action="append", required=True, metavar="NAME", help="name or uid; twice or more"
    )
    split = add("split", "make one finding several, and measure them", True)
    split.add_argument("--finding", dest="names", required=True, metavar="NAME", help="name or uid")
    text = "a place in one of the lesions (mm, LPS); again for each; without marks its connected parts"
    split.add_argument(
        "--mark", dest="marks", type=float, nargs=3, action="append", default=[], metavar=("L", "P", "S"), help=text
    )
    for action in (merge, split):
        action.add_argument("--reader", default="", metavar="NAME", help="who says so; nobody is recorded without it")
        action.add_argument("--when", type=_time, metavar="TIME", help="2026-03-02T09:30:00+08:00, or now")


def _time(text: str) -> datetime:
    try:
        time = datetime.now().astimezone() if text == "now" else datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a time like 2026-03-02T09:30:00+08:00") from None
    if time.tzinfo is None:
        raise argparse.ArgumentTypeError(f"'{text}' has no time zone; write 2026-03-02T09:30:00+08:00")
    return time
