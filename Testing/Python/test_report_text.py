"""Terminal text: complete and readable at 80 columns, with and without colour."""

from __future__ import annotations

import dataclasses
import io
import re
from datetime import datetime

import pytest
from hand_made_timeline import hand_made_timeline
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from AIImagingLogic.images.series import SeriesSummary
from AIImagingLogic.report.number_format import (
    doubling_interval,
    doubling_time,
    percent_change,
    quantity,
    rounded,
    signed,
    unit_slug,
)
from AIImagingLogic.report.text import findings_table, follow_up_summary, series_table


def _shown(*parts, width=80, colour=False) -> str:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=colour, color_system="truecolor" if colour else None
    )
    for part in parts:
        console.print(part)
    return console.file.getvalue()


def test_summary_fits_80_columns_and_keeps_figures_on_one_line():
    text = _shown(*follow_up_summary(hand_made_timeline()))
    assert max(len(line) for line in text.splitlines()) <= 80
    for words in (
        "Lung-RADS v2022: 4B",
        "+457 mm³ (+164%)",
        "95%: +126 to +202%",
        "doubles in 128 days",
        "not evaluable",
    ):
        assert words in text
    assert "\x1b" not in text and "180 days" in text and "Scene not written" in text


def test_colour_adds_nothing_but_colour():
    parts = follow_up_summary(hand_made_timeline())
    assert re.sub(r"\x1b\[[0-9;]*m", "", _shown(*parts, colour=True)) == _shown(*parts)


def test_brackets_in_texts_are_not_taken_for_markup():
    timeline = dataclasses.replace(hand_made_timeline(), notes=("Unit [hnsf'U] and [bold] stay.",))
    assert "Unit [hnsf'U] and [bold] stay." in _shown(*follow_up_summary(timeline))


def test_a_visit_without_findings_is_a_sentence():
    visit = dataclasses.replace(hand_made_timeline().visits[0], findings=())
    assert _shown(findings_table(visit)).strip() == "No findings."
    assert "Nodule 3" in _shown(findings_table(hand_made_timeline().visits[0]))


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (quantity("volume", 523.6), "524 mm³"),
        (quantity("mean_diameter", 5.96), "6.0 mm"),
        (quantity("mean_density", -0.2), "0 HU"),
        (quantity("suv_max", 7.914), "7.91 g/ml"),
        (quantity("sul_peak", 4.456), "4.46 g/ml"),
        (quantity("adc_mean", 812.4), "812 10⁻⁶ mm²/s"),
        (signed(0.02, 1), "0.0"),
        (signed(1.25, 2), "+1.25"),
        (percent_change(None), ""),
        (doubling_time(-90.4), "halves in 90 days"),
        (doubling_time(1e6), "doubles in more than 10 years"),
        (doubling_interval((100.0, float("inf"))), "95%: 100 or more"),
        (doubling_interval((float("-inf"), -100.0)), "95%: 100 or more"),
        (doubling_interval((-200.0, 300.0)), "95%: from halving to doubling"),
        (unit_slug("[hnsf'U]"), "HU"),
        (unit_slug("mg/mm3"), "mg_mm3"),
    ],
)
def test_numbers_are_shown_with_unit_digits_and_direction(shown, expected):
    assert shown == expected


@given(st.floats(-1e6, 1e6), st.integers(0, 3))
def test_a_rounded_number_reads_back_to_half_a_digit_and_never_as_negative_zero(value, digits):
    text = rounded(value, digits).replace("\N{MINUS SIGN}", "-")
    assert abs(float(text) - value) <= 0.5 * 10**-digits * (1 + 1e-9)
    assert text.lstrip("-0.") or not text.startswith("-")


def test_each_series_shows_geometry_uid_and_what_is_wrong_with_it():
    chest = SeriesSummary(
        uid="1.2.3",
        study_uid="1.2",
        modality="CT",
        files=120,
        size=(512, 512, 120),
        spacing_mm=(0.7, 0.7, 2.5),
        acquired=datetime(2024, 1, 10, 9, 30),
        description="Chest [B60f]",
        problems=("Slice 7 is missing.",),
    )
    lost = SeriesSummary("", "", "", 4, None, None, None, "", ("4 x a file of an unknown kind.",), readable=False)
    text = _shown(series_table([chest, lost]))
    assert text.splitlines()[:4] == [
        "CT Chest [B60f]",
        "    120 files, 512 × 512 × 120 voxels, 0.70 × 0.70 × 2.50 mm, 2024-01-10 09:30",
        "    1.2.3",
        "    ! Slice 7 is missing.",
    ]
    assert "! 4 x a file of an unknown kind." in text
    assert _shown(series_table([])).strip() == "No images found."
