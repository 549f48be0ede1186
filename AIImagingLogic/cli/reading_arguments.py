"""The arguments of `aiimaging reading`."""

from __future__ import annotations

import argparse
from pathlib import Path

from AIImagingLogic.records.reading import ReadingMode
from AIImagingLogic.records.reading_study import ReadingDesign


def add_reading(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    """Give `parser` the actions of `aiimaging reading`; `common` is the parent of each."""
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    text = "make the reading order of each reader from a manifest (JSON, or CSV of cases)"
    plan = actions.add_parser("plan", parents=[common], help=text, description=text)
    plan.add_argument("manifest", type=Path, metavar="MANIFEST")
    plan.add_argument("-o", "--output", type=Path, required=True, metavar="STUDY", help="folder of the study")
    plan.add_argument("--study", metavar="NAME", help="name of the study")
    plan.add_argument("--seed", type=int, metavar="N", help="of the order")
    plan.add_argument("--readers", type=_codes, metavar="R1,R2", help="their codes; no names")
    plan.add_argument("--modes", type=_codes, metavar="M,M", help=", ".join(mode.value for mode in ReadingMode))
    plan.add_argument(
        "--design",
        choices=[design.value for design in ReadingDesign],
        help="crossed: each case in every mode, in sessions (default); split: each case once",
    )
    plan.add_argument("--washout-days", type=float, metavar="DAYS", help="between two sessions")
    plan.add_argument("--idle-seconds", type=float, metavar="S", help="nothing to be seen for longer is idle (60)")

    text = "check a planned study: files, orders, identifiers, what was read"
    check = actions.add_parser("check", parents=[common], help=text, description=text)
    check.add_argument("study", type=Path, metavar="STUDY", help="folder of the study")

    text = "merge what the readers have read: marks, times, and against known lesions sensitivity and false marks"
    results = actions.add_parser("results", parents=[common], help=text, description=text)
    results.add_argument("study", type=Path, metavar="STUDY", help="folder of the study")
    results.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="folder to make")
    results.add_argument("--overwrite", action="store_true", help="replace an earlier result in OUT")
    results.add_argument(
        "--lesions", type=Path, metavar="CSV", help="seriesuid (the case), coordX, coordY, coordZ, diameter_mm[, type]"
    )
    results.add_argument("--excluded", type=Path, metavar="CSV", help="findings that count neither way, as LESIONS")
    results.add_argument("--hit", default="luna16", metavar="RULE", help="luna16, iou:0.1 or distance:5 (mm)")
    results.add_argument("--resamples", type=int, default=1000, metavar="N", help="of the bootstrap (1000)")
    results.add_argument("--seed", type=int, default=0, metavar="N", help="of the bootstrap")


def _codes(text: str) -> list[str]:
    return [code.strip() for code in text.split(",") if code.strip()]
