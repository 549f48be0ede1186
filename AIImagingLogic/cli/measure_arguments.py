"""The arguments of `aiimaging measure` and `segment` that say what the values are, where the files do not."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from datetime import datetime
from typing import Any

from AIImagingLogic.images.suv_facts import PetFacts

_BECQUERELS = 1e6


def add_quantities(parser: argparse.ArgumentParser) -> None:
    """Add what a user may state of a PET scan or an ADC map, and the way round both."""
    tracer = parser.add_argument_group("PET", "stated instead of what the DICOM files say; the result tells which were")
    tracer.add_argument("--weight", type=float, metavar="KG", help="of the patient")
    tracer.add_argument("--height", type=float, metavar="M", help="of the patient, for SUL")
    tracer.add_argument("--sex", choices=("M", "F"), help="of the patient, for SUL")
    tracer.add_argument("--dose", type=float, metavar="MBQ", help="activity injected")
    tracer.add_argument("--injected", type=_time, metavar="TIME", help="such as 2026-03-31T10:35:00, scanner's clock")
    known = "of a PET file without DICOM headers: its values x FACTOR are SUV by body weight"
    tracer.add_argument("--suv-factor", type=_positive, metavar="FACTOR", help=known)
    parser.add_argument(
        "--adc-scale", type=_positive, metavar="FACTOR", help="the image is an ADC map: values x FACTOR are 1e-6 mm2/s"
    )
    parser.add_argument("--stored-values", action="store_true", help="measure a PET or an ADC map in the files' unit")


def stated_facts(arguments: argparse.Namespace) -> Callable[[PetFacts], PetFacts] | None:
    """Return what puts the facts that the user states into those of the files; None when none are stated."""
    stated: dict[str, Any] = {
        "weight_kg": arguments.weight,
        "height_m": arguments.height,
        "sex": arguments.sex,
        "dose_bq": None if arguments.dose is None else arguments.dose * _BECQUERELS,
        "injected": arguments.injected,
        "injected_has_date": None if arguments.injected is None else True,
    }
    stated = {name: value for name, value in stated.items() if value is not None}
    return (lambda facts: dataclasses.replace(facts, **stated)) if stated else None


def _time(text: str) -> datetime:
    for form in ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"):
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    raise argparse.ArgumentTypeError(f"'{text}' is not a time like 2026-03-31T10:35:00")


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return value
