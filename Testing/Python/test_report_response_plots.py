"""Waterfall and spider plots: bars and lines stand where the numbers say."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest

from AIImagingLogic.report.response_plots import (
    BestChange,
    ChangeOverTime,
    best_change,
    spider_svg,
    waterfall_svg,
)

SVG = "{http://www.w3.org/2000/svg}"


def _elements(svg: str, tag: str, kind: str) -> list[ElementTree.Element]:
    return [element for element in ElementTree.fromstring(svg).iter(SVG + tag) if element.get("class") == kind]


def _points(line: ElementTree.Element) -> list[tuple[float, float]]:
    return [tuple(map(float, point.split(","))) for point in line.get("points", "").split()]


def _scale(svg: str) -> tuple[float, float]:
    """Return where zero lies and points a percent, from the two limits alone: -30% and +20% are 50% apart."""
    lower, upper = sorted((_points(line)[0][1] for line in _elements(svg, "polyline", "limit")), reverse=True)
    points_a_percent = (lower - upper) / 50
    return lower - 30 * points_a_percent, points_a_percent


PATIENTS = [
    BestChange("P3", -30.0, "PR"),
    BestChange("P1", 12.5, "SD"),
    BestChange("P5", -100.0, "CR"),
    BestChange("P4", 41.0, "PD"),
    BestChange("P2", -8.0, "SD"),
    BestChange("P0", -8.0, "SD"),
]


def test_bars_fall_from_the_largest_rise_to_the_largest_fall_and_have_the_height_of_their_change():
    svg = waterfall_svg(PATIENTS)
    zero, points_a_percent = _scale(svg)
    bars = _elements(svg, "rect", "bar")
    assert [bar[0].text.split()[0] for bar in bars] == ["P4", "P1", "P0", "P2", "P3", "P5"]
    lefts = [float(bar.get("x")) for bar in bars]
    assert lefts == sorted(lefts)
    assert all(left + float(bar.get("width")) < following for left, bar, following in zip(lefts, bars, lefts[1:]))
    for bar, percent in zip(bars, (41.0, 12.5, -8.0, -8.0, -30.0, -100.0)):
        top, height = float(bar.get("y")), float(bar.get("height"))
        # Coordinates have two decimals.
        assert height == pytest.approx(abs(percent) * points_a_percent, abs=0.02)
        assert (top if percent < 0 else top + height) == pytest.approx(zero, abs=0.02)


def test_the_bar_of_a_partial_response_ends_on_the_line_of_30_percent():
    svg = waterfall_svg(PATIENTS)
    lower = max(_points(line)[0][1] for line in _elements(svg, "polyline", "limit"))
    bar = next(bar for bar in _elements(svg, "rect", "bar") if bar[0].text.startswith("P3"))
    assert float(bar.get("y")) + float(bar.get("height")) == pytest.approx(lower, abs=0.02)


def test_a_bar_beyond_double_is_cut_and_its_figure_written():
    svg = waterfall_svg([BestChange("P1", 250.0, "PD"), BestChange("P2", -20.0)])
    zero, points_a_percent = _scale(svg)
    cut = _elements(svg, "rect", "bar")[0]
    assert float(cut.get("height")) == pytest.approx(100 * points_a_percent, abs=0.02)
    assert any(text.text == "+250%" for text in ElementTree.fromstring(svg).iter(f"{SVG}text"))


def test_the_same_cohort_gives_the_same_picture_whatever_its_order():
    assert waterfall_svg(PATIENTS) == waterfall_svg(PATIENTS[::-1])


def test_courses_start_at_zero_and_keep_time_and_change_to_scale():
    slow = ChangeOverTime("slow", (60.0, 180.0), (-10.0, -45.0), "PR")
    quick = ChangeOverTime("quick", (30.0,), (35.0,), "PD")
    svg = spider_svg([slow, quick])
    zero, points_a_percent = _scale(svg)
    of_quick, of_slow = (_points(line) for line in _elements(svg, "polyline", "course"))
    start = of_slow[0]
    assert start == of_quick[0] and start[1] == pytest.approx(zero, abs=0.02)
    for (x, y), day, percent in zip(of_slow[1:] + of_quick[1:], (60.0, 180.0, 30.0), (-10.0, -45.0, 35.0)):
        assert (x - start[0]) / (of_slow[-1][0] - start[0]) == pytest.approx(day / 180.0, abs=1e-3)
        assert zero - y == pytest.approx(percent * points_a_percent, abs=0.03)
    assert len(_elements(svg, "circle", "dot")) == 3


def test_everything_lies_inside_the_picture_and_names_are_no_markup():
    many = [BestChange(f"<{index}>", index * 3.0 - 90, "PR") for index in range(60)]
    svg = waterfall_svg(many)
    root = ElementTree.fromstring(svg)
    width, height = float(root.get("width")), float(root.get("height"))
    for bar in _elements(svg, "rect", "bar"):
        x, y = float(bar.get("x")), float(bar.get("y"))
        assert x >= 0 and x + float(bar.get("width")) <= width
        assert y >= 0 and y + float(bar.get("height")) <= height
    assert "<0>" not in svg


def test_best_change_is_the_smallest_of_those_measured():
    assert best_change("P", [-10.0, None, -35.0, 5.0], "PR") == BestChange("P", -35.0, "PR")
    assert best_change("P", [None, None]) is None


def test_chinese_plots_hold_no_english_but_names_and_categories():
    svg = spider_svg([ChangeOverTime("7", (30.0,), (-5.0,), "SD")], "zh") + waterfall_svg([BestChange("7", -5.0)], "zh")
    words = " ".join(re.findall(r"<(?:text|title)[^>]*>([^<]*)<", svg))
    assert re.findall(r"[A-Za-z]{2,}", words) == ["SD"] * words.count("SD")
    assert "较基线" in words


@pytest.mark.parametrize(
    "make",
    [
        lambda: waterfall_svg([]),
        lambda: waterfall_svg([BestChange("P", float("nan"))]),
        lambda: waterfall_svg([BestChange("P", -101.0)]),
        lambda: spider_svg([ChangeOverTime("P", (30.0, 20.0), (1.0, 2.0))]),
        lambda: spider_svg([ChangeOverTime("P", (30.0,), (1.0, 2.0))]),
    ],
)
def test_numbers_that_cannot_be_are_refused(make):
    with pytest.raises(ValueError):
        make()


def test_the_limits_are_those_of_the_rules():
    for rules, expected in (("recist-1.1", {-30, 20}), ("percist-1.0", {-30, 30}), ("lugano-ct", {-50})):
        for svg in (
            waterfall_svg(PATIENTS, rules=rules),
            spider_svg([ChangeOverTime("P1", (30.0,), (5.0,))], rules=rules),
        ):
            lines = _elements(svg, "polyline", "limit")
            words = {int(text.replace("\N{MINUS SIGN}", "-")) for text in re.findall(r">([+\u2212]\d+)%</text>", svg)}
            assert len(lines) == len(expected) and expected <= words


def test_a_long_label_shows_its_end_and_its_title_the_whole():
    svg = waterfall_svg([BestChange("Patient_00012", -5.0)])
    assert "…t_00012</text>" in svg and "Patient_00012 \N{MINUS SIGN}5%</title>" in svg
