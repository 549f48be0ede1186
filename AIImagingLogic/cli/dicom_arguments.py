"""The arguments of `aiimaging dicom`."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_dicom(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    """Give `parser` the actions of `aiimaging dicom`; `common` is the parent of each."""
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        added = actions.add_parser(name, parents=[common], help=text, description=text)
        added.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="folder to make")
        added.add_argument("--overwrite", action="store_true", help="replace earlier DICOM results in OUT")
        return added

    write = add("write", "write a result as DICOM SEG, SR and registration, to be filed with the patient")
    write.add_argument(
        "result",
        type=Path,
        help="the output folder of detect, followup or register, or a .seg.nrrd of segment",
    )
    write.add_argument("series", type=Path, nargs="+", help="folders of the DICOM series that the result was made from")
    write.add_argument("--person", default="", metavar="FAMILY^GIVEN", help="who reviewed the findings")

    read = add("read", "read DICOM SEG, SR and registrations, of any program, into the files of this one")
    read.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a SR together with its SEG")
    read.add_argument("--on", type=Path, metavar="SERIES", help="the DICOM series that they were made on")
