"""The arguments of `aiimaging cohort`."""

from __future__ import annotations

import argparse
from pathlib import Path

from AIImagingLogic.followup.criteria.criteria_table import RULES
from AIImagingLogic.report.texts import LANGUAGES


def add_cohort(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    """Give `parser` the actions of `aiimaging cohort`; `common` is the parent of each."""
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    text = "response to treatment of many patients: tables, waterfall and spider plot"
    responses = actions.add_parser("responses", parents=[common], help=text, description=text)
    responses.add_argument(
        "folder", type=Path, metavar="FOLDER", help="a folder a patient: results of followup or criteria"
    )
    responses.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="folder to make")
    responses.add_argument("--rules", default="recist-1.1", choices=tuple(RULES))
    responses.add_argument(
        "--anonymous", action="store_true", help="call the patients P01, P02, ..., not by their folders' names"
    )
    responses.add_argument("--language", default="en", choices=LANGUAGES, help="of the plots: English or Chinese")
    responses.add_argument("--overwrite", action="store_true", help="replace an earlier result in OUT")
