"""Words for the reasons of an answer."""

from __future__ import annotations

from collections.abc import Iterable

from AIImagingLogic.followup.criteria.target_sums import TargetSum


def sum_words(total: TargetSum) -> str:
    """Return a sum of diameters in words, beside the baseline's and the nadir's."""
    at_least = "at least " if total.unmeasured else ""
    words = [f"sum {at_least}{float(total.total_mm):g} mm"]
    for name, before in (("baseline", total.baseline_mm), ("nadir", total.nadir_mm)):
        if before is not None:
            change = f" ({percent_words(float(100 * (total.total_mm - before) / before))})" if before else ""
            words.append(f"{name} {float(before):g} mm{'' if total.unmeasured else change}")
    return ", ".join(words)


def percent_words(value: float) -> str:
    """Return a change in percent with its sign and one decimal."""
    return f"{value:+.1f}%"


def list_words(numbers: Iterable[int]) -> str:
    """Return numbers in words: ``1, 2, 5``."""
    return ", ".join(str(number) for number in numbers)


def capitalised(text: str) -> str:
    """Return a text with its first letter as a capital."""
    return text[:1].upper() + text[1:]
