"""The arguments of `aiimaging evaluate`."""

from __future__ import annotations

import argparse
from pathlib import Path

from AIImagingLogic.evaluation.detection_study import MOST_MARKS


def add_evaluate(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    """Give `parser` the actions of `aiimaging evaluate`; `common` is the parent of each."""
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    text = "a detector's marks against known lesions: sensitivity, false positives, LUNA16's metric, intervals"
    detection = actions.add_parser("detection", parents=[common], help=text, description=text)
    detection.add_argument(
        "marks", type=Path, metavar="MARKS.csv", help="seriesuid, coordX, coordY, coordZ (LPS mm), probability"
    )
    detection.add_argument(
        "lesions", type=Path, metavar="LESIONS.csv", help="seriesuid, coordX, coordY, coordZ, diameter_mm[, type]"
    )
    detection.add_argument(
        "--scans", type=Path, required=True, metavar="SCANS.csv", help="every scan looked at: seriesuid[, patient]"
    )
    detection.add_argument("--excluded", type=Path, metavar="CSV", help="findings that count neither way, as LESIONS")
    detection.add_argument("--hit", default="luna16", metavar="RULE", help="luna16, iou:0.1 or distance:5 (mm)")
    detection.add_argument(
        "--most-marks", type=_count, default=MOST_MARKS, metavar="N", help=f"marks a scan that count ({MOST_MARKS})"
    )
    detection.add_argument("--resamples", type=_count, default=1000, metavar="N", help="of the bootstrap (1000)")
    detection.add_argument("--seed", type=int, default=0, metavar="N", help="of the bootstrap")
    detection.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="folder to make")
    detection.add_argument("--overwrite", action="store_true", help="replace an earlier result in OUT")


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value
