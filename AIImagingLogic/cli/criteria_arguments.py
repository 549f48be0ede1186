"""The arguments that choose targets and say what a person sees beside what is measured."""

from __future__ import annotations

import argparse
from pathlib import Path

from AIImagingLogic.followup.criteria.criteria_table import RULES
from AIImagingLogic.report.texts import LANGUAGES

_NONE = "none"
_NUMBERS = "such as 1,3, or 'none'"


def add_criteria(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the arguments of `aiimaging criteria`."""
    known = "output folder or result.json of followup; or visits with their lesions: JSON or CSV"
    parser.add_argument("facts", type=Path, metavar="RESULT_OR_FACTS", help=known)
    parser.add_argument("--rules", "--criteria", default="recist-1.1", choices=tuple(RULES))
    _add_words(parser.add_argument_group("of a follow-up's lesions, by their numbers"))
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help="folder for response.json and a report")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier response in OUT")
    parser.add_argument("--language", default="en", choices=LANGUAGES, help="of the report: English or Chinese")
    parser.add_argument("--xlsx", action="store_true", help="write report.xlsx too (needs aiimaging[report])")
    _add_option(parser)


def add_response(parser: argparse.ArgumentParser) -> None:
    """Give `parser`, of `aiimaging followup`, what assesses the response to treatment in the same run."""
    group = parser.add_argument_group("response to treatment; numbers of lesions are known after a first run")
    group.add_argument("--criteria", choices=tuple(RULES), help="assess it (recist-1.1 when targets are named)")
    _add_words(group)
    _add_option(group)


def asks_for_response(arguments: argparse.Namespace) -> bool:
    """Whether anything of `add_response` was given."""
    given = (arguments.criteria, arguments.targets, arguments.non_targets)
    more = (arguments.nodes, arguments.organ, arguments.progressed, arguments.option)
    return any(value is not None for value in given) or any(more)


def _add_words(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--targets", type=_numbers, metavar="N,N", help=f"target lesions, {_NUMBERS}")
    group.add_argument("--non-targets", type=_numbers, metavar="N,N", help="without it, the rest that counts")
    group.add_argument("--nodes", type=_numbers, default=(), metavar="N,N", help="lesions that are lymph nodes")
    group.add_argument("--organ", type=_organ, action="append", default=[], metavar="N=NAME", help="such as 2=liver")
    known = "a reader says that a lesion progressed unequivocally: its number, and the visit from 1 on"
    group.add_argument("--progressed", type=_progressed, action="append", default=[], metavar="N@VISIT", help=known)


def _add_option(group: argparse._ActionsContainer) -> None:
    known = "switch on an option of the rules, such as measurable_at_baseline of percist-1.0"
    group.add_argument("--option", action="append", default=[], metavar="NAME", help=known)


def _numbers(text: str) -> tuple[int, ...]:
    if text.strip().lower() == _NONE:
        return ()
    return tuple(_number(part, text, f"numbers of lesions, {_NUMBERS}") for part in text.split(","))


def _organ(text: str) -> tuple[int, str]:
    number, sign, name = text.partition("=")
    if not sign or not name.strip():
        raise argparse.ArgumentTypeError(f"'{text}' is not an organ such as 2=liver")
    return _number(number, text, "an organ such as 2=liver"), name.strip()


def _progressed(text: str) -> tuple[int, int]:
    number, _, visit = text.partition("@")
    wanted = "a lesion and a visit such as 3@2"
    return _number(number, text, wanted), _number(visit, text, wanted)


def _number(text: str, whole: str, wanted: str) -> int:
    number = int(text) if text.strip().isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"'{whole}' is not {wanted}")
    return number
