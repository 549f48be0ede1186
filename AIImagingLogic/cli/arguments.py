"""The arguments of every command."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

from AIImagingLogic import __version__
from AIImagingLogic.cli.cohort_arguments import add_cohort
from AIImagingLogic.cli.criteria_arguments import add_criteria, add_response
from AIImagingLogic.cli.dicom_arguments import add_dicom
from AIImagingLogic.cli.evaluate_arguments import add_evaluate
from AIImagingLogic.cli.findings_arguments import add_findings
from AIImagingLogic.cli.measure_arguments import add_quantities
from AIImagingLogic.cli.models_arguments import add_models
from AIImagingLogic.cli.nodule_risk_arguments import add_nodule_risk
from AIImagingLogic.cli.reading_arguments import add_reading
from AIImagingLogic.models.catalogue import model_ids
from AIImagingLogic.report.texts import LANGUAGES

_IMAGE = "a DICOM folder or file, NIfTI, NRRD or MHA"


def make_parser() -> argparse.ArgumentParser:
    """Return the parser; `command` of what it parses names the module of this package whose `run` does the work.

    The modules are imported only when their command runs, so that help and errors of usage come at once.
    """
    parser = argparse.ArgumentParser(
        prog="aiimaging",
        description="AI on medical images: find, measure and follow lesions. Research use; not a medical device.",
    )
    parser.add_argument("--version", action="version", version=f"aiimaging {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print the result as one JSON document, for machines")
    common.add_argument("-q", "--quiet", action="store_true", help="print only errors and warnings")
    common.add_argument("-v", "--verbose", action="store_true", help="print what each stage cost, and full errors")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: str, text: str) -> argparse.ArgumentParser:
        added = subparsers.add_parser(name, parents=[common], help=text, description=text)
        added.set_defaults(command=command)
        return added

    info = add("info", "info_command", "list the series of a folder or file: geometry and problems")
    info.add_argument("path", type=Path, metavar="PATH")

    segment = add("segment", "segment_command", "outline organs")
    several = f"{_IMAGE}; of a model with several inputs, each in its order"
    segment.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help=several)
    _add_series(segment)
    known = f"{', '.join(model_ids('segment'))}, the id of an installed model, or the path of a model package"
    segment.add_argument("-m", "--model", default="ct-lungs", metavar="MODEL", help=known)
    segment.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.seg.nrrd")
    segment.add_argument("--measure", type=Path, metavar="FILE.csv", help="write what is measured of each segment")
    add_quantities(segment)

    detect = add("detect", "detect_command", "find, outline and measure lung nodules on one chest CT")
    _add_image(detect)
    known = f"{', '.join(model_ids('detect'))}, the id of an installed model, or the path of a detection package"
    detect.add_argument("-m", "--model", default="ct-lung-nodules", metavar="MODEL", help=known)
    text = "score each candidate anew by nine views of it (no gain on an unseen patient yet: Docs/multi_view.md)"
    detect.add_argument("--false-positive-reduction", action="store_true", help=text)
    detect.add_argument("-o", "--output", type=Path, required=True, metavar="OUT")
    detect.add_argument("--overwrite", action="store_true", help="replace an earlier result in OUT")

    classify = add("classify", "classify_command", "tell which classes an image shows, and where")
    classify.add_argument("image", type=Path, help=f"{_IMAGE}, or a picture: DICOM radiograph, PNG, JPEG, TIFF")
    classify.add_argument("--series", metavar="UID", help="the series of a DICOM folder; without it, the main one")
    known = "the id of an installed model, or the path of a classification package"
    classify.add_argument("-m", "--model", required=True, metavar="MODEL", help=known)
    classify.add_argument(
        "--explain", default="", metavar="CLASS", help="heat map of this class, not the most probable"
    )
    classify.add_argument("-o", "--output", type=Path, metavar="OUT", help="folder for result.json, CSV and heat map")
    classify.add_argument("--overwrite", action="store_true", help="replace an earlier result in OUT")

    measure = add("measure", "measure_command", "measure every segment of a segmentation")
    _add_image(measure)
    measure.add_argument("segmentation", type=Path, help="a .seg.nrrd, a DICOM SEG, or a label image on the same grid")
    measure.add_argument("-o", "--output", type=Path, metavar="FILE.csv")
    text = "a later visit: its image and its segmentation; again for each, the earliest first"
    measure.add_argument(
        "--then", type=Path, nargs=2, action="append", default=[], metavar=("IMAGE", "SEGMENTATION"), help=text
    )
    text = "of the visits, YYYY-MM-DD or '-', where the files do not say"
    measure.add_argument("--dates", type=_date_or_none, nargs="+", metavar="DATE", help=text)
    add_quantities(measure)

    register = add("register", "register_command", "bring one image onto another")
    register.add_argument("fixed", type=Path, help=_IMAGE)
    register.add_argument("moving", type=Path, help=_IMAGE)
    register.add_argument("--fixed-series", metavar="UID")
    register.add_argument("--moving-series", metavar="UID")
    register.add_argument("-k", "--kind", "-m", "--model", default="deformable", choices=model_ids("register"))
    register.add_argument("--preset", default="", help="anatomy, for 'deformable-mind': chest, abdomen, brain, …")
    register.add_argument(
        "--within", default="body", choices=("body", "lungs"), help="where to look: body (default), or lungs of a CT"
    )
    register.add_argument("-o", "--output", type=Path, required=True, metavar="OUT")
    register.add_argument("--overwrite", action="store_true", help="replace an earlier result in OUT")

    follow_up = add("followup", "follow_up_command", "follow lung nodules through two or more chest CTs")
    follow_up.add_argument(
        "visits", type=Path, nargs="+", metavar="VISIT", help=f"2 to 20, in any order; each {_IMAGE}"
    )
    follow_up.add_argument("-o", "--output", type=Path, required=True, metavar="OUT")
    follow_up.add_argument("--overwrite", action="store_true", help="replace an earlier result in OUT")
    per_visit = "one a visit as given, '-' for none"
    follow_up.add_argument(
        "--dates",
        type=_date_or_none,
        nargs="+",
        metavar="DATE",
        help=f"YYYY-MM-DD where the file does not say: {per_visit}",
    )
    follow_up.add_argument("--series", type=_text_or_none, nargs="+", metavar="UID", help=f"DICOM series: {per_visit}")
    follow_up.add_argument(
        "--in-given-order", action="store_true", help="the visits are given in order of time; dates may be missing"
    )
    follow_up.add_argument(
        "--previous", type=Path, metavar="RESULT", help="an earlier result: its numbers and corrections are kept"
    )
    follow_up.add_argument("--baseline-series", metavar="UID")
    follow_up.add_argument("--followup-series", metavar="UID")
    follow_up.add_argument("--baseline-date", type=_date, metavar="YYYY-MM-DD", help="when the file does not say")
    follow_up.add_argument("--followup-date", type=_date, metavar="YYYY-MM-DD", help="when the file does not say")
    follow_up.add_argument("--no-pictures", action="store_true", help="render no pictures")
    follow_up.add_argument("--no-scene", action="store_true", help="write no scene.mrb")
    follow_up.add_argument("--language", default="en", choices=LANGUAGES, help="of the report: English or Chinese")
    follow_up.add_argument("--xlsx", action="store_true", help="write report.xlsx too (needs aiimaging[report])")
    add_response(follow_up)

    change = add("lesion-change", "lesion_change_command", "find what changed between two FLAIR visits of one brain")
    change.add_argument("earlier", type=Path, help=_IMAGE)
    change.add_argument("later", type=Path, help=_IMAGE)
    change.add_argument("--earlier-series", metavar="UID")
    change.add_argument("--later-series", metavar="UID")
    change.add_argument("-o", "--output", type=Path, required=True, metavar="OUT")
    change.add_argument("--overwrite", action="store_true", help="replace an earlier result in OUT")

    text = "response to treatment: of a saved follow-up, or from sizes in a JSON or CSV file"
    add_criteria(add("criteria", "criteria_command", text))

    text = "probability of malignancy of the nodules of a saved detection (Brock, Mayo), with its inputs"
    add_nodule_risk(add("nodule-risk", "nodule_risk_command", text))

    cohort = subparsers.add_parser("cohort", help="many patients' saved results, together")
    cohort.set_defaults(command="cohort_command")
    add_cohort(cohort, common)

    evaluate = subparsers.add_parser("evaluate", help="how well a model did, against the truth")
    evaluate.set_defaults(command="evaluate_command")
    add_evaluate(evaluate, common)

    reading = subparsers.add_parser("reading", help="reader studies: order, checks, results")
    reading.set_defaults(command="reading_command")
    add_reading(reading, common)

    phantom = add("phantom", "phantom_command", "make a chest CT phantom of two visits, with its truth")
    phantom.add_argument("output", type=Path, metavar="OUT")
    phantom.add_argument("--overwrite", action="store_true", help="replace an earlier phantom in OUT")

    catalogue = subparsers.add_parser("models", help="list, fetch, run, check, remove and pack models")
    catalogue.set_defaults(command="models_command")
    add_models(catalogue, common)

    findings = subparsers.add_parser("findings", help="convert findings between file formats, merge and split them")
    findings.set_defaults(command="findings_command")
    add_findings(findings, common)

    dicom = subparsers.add_parser("dicom", help="write results as DICOM SEG, SR and registration, and read such files")
    dicom.set_defaults(command="dicom_command")
    add_dicom(dicom, common)

    doctor = add("doctor", "doctor_command", "examine this computer's Python and explain what is wrong with it")
    doctor.add_argument("--no-trial", action="store_true", help="look at files only; load no package for trial")
    return parser


def _add_image(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", type=Path, help=_IMAGE)
    _add_series(parser)


def _add_series(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--series", metavar="UID", help="the series of a DICOM folder; without it, the main one")


def _text_or_none(text: str) -> str | None:
    return None if text == "-" else text


def _date_or_none(text: str) -> datetime | None:
    return None if text == "-" else _date(text)


def _date(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d")
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a date like 2026-03-31") from None
