"""The arguments of `aiimaging nodule-risk`."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_nodule_risk(parser: argparse.ArgumentParser) -> None:
    """Give `parser` what is asked of the patient and of each nodule; what is left out is not known."""
    parser.add_argument("result", type=Path, metavar="RESULT.json", help="of `aiimaging detect`")
    parser.add_argument("--age", type=float, required=True, metavar="YEARS")
    parser.add_argument("--sex", choices=("female", "male"))
    for option, text in (
        ("--ever-smoked", "now or before"),
        ("--earlier-cancer", "outside the chest, over five years ago"),
        ("--family-lung-cancer", "lung cancer in the family"),
        ("--emphysema", "seen on CT"),
    ):
        parser.add_argument(option, choices=("yes", "no"), help=text)
    numbers = "numbers of the nodules for which it is so, as listed; '' for none; left out: not known"
    parser.add_argument("--spiculated", type=_numbers, metavar="N,N", help=numbers)
    parser.add_argument("--upper-lobe", type=_numbers, metavar="N,N", help=numbers)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(",") if number.strip())
