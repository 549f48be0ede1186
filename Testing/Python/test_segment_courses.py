"""Organ volumes and uptake through the visits: from a follow-up, and from `aiimaging measure` of several visits."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from hand_made_timeline import hand_made_timeline
from pet_sources import HOTTEST_SUV, lesion_labels, write_pet_series

from AIImagingLogic.cli import main
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.report.segment_courses import courses_of_organs, write_courses_csv

VOXEL_ML = 0.03
"""Of 2 x 3 x 5 mm."""


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def visit(folder: Path, name: str, liver: int, spleen: int) -> tuple[str, str]:
    """Write an image and labels of `liver` and `spleen` voxels; return their paths."""
    image = np.random.default_rng(liver).normal(0, 10, (6, 7, 8)).astype(np.float32)
    labels = np.zeros(image.size, np.uint8)
    labels[:liver], labels[200 : 200 + spleen] = 1, 2
    paths = []
    for kind, values in (("image", image), ("labels", labels.reshape(image.shape))):
        written = sitk.GetImageFromArray(values)
        written.SetSpacing((2.0, 3.0, 5.0))
        paths.append(str(folder / f"{name}_{kind}.nrrd"))
        sitk.WriteImage(written, paths[-1])
    return paths[0], paths[1]


def measure(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["measure", *arguments, "--json", "-q"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_volumes_of_organs_through_three_visits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = (visit(tmp_path, *one) for one in (("a", 100, 40), ("b", 80, 0), ("c", 120, 50)))
    out = tmp_path / "out" / "course.csv"
    dates = "2025-01-01", "2025-01-31", "2025-03-02"
    more = "--then", *second, "--then", *third, "--dates", *dates, "-o", str(out)
    answer = measure(capsys, *first, *more)
    assert answer["days"] == [0.0, 30.0, 60.0] and len(answer["visits"]) == 3
    volumes = [one for one in rows(out) if one["measurement"] == "organ_volume"]
    liver, spleen = volumes[:3], volumes[3:]
    assert [float(one["value"]) for one in liver] == pytest.approx([100 * VOXEL_ML, 80 * VOXEL_ML, 120 * VOXEL_ML])
    assert [one["percent_since_last"] for one in liver] == ["", "-20", "50"]
    assert [one["percent_since_first"] for one in liver] == ["", "-20", "20"]
    assert float(liver[2]["change_per_month_since_first"]) == pytest.approx(20 * VOXEL_ML / (60 / 30.4375), rel=1e-6)
    assert liver[2]["verdict_since_first"].startswith("not known")
    # The second visit has no voxel of the spleen: nothing was measured of it there.
    assert [one["value"] for one in spleen][1] == "" and spleen[2]["percent_since_last"] == "25"


def test_suv_through_two_visits_is_compared_with_its_repeatability(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Half the weight is half the SUV.
    before, after = (write_pet_series(tmp_path / kg, PatientWeight=kg) for kg in ("70", "35"))
    lesion = str(tmp_path / "lesion.nrrd")
    sitk.WriteImage(lesion_labels(), lesion)
    dates = "--dates", "2024-03-05", "2024-06-04"
    answer = measure(capsys, str(before), lesion, "--then", str(after), lesion, *dates)
    by_name = {one["course"]["name"]: one for one in answer["courses"]}
    assert by_name["suv_max"]["values"] == pytest.approx([HOTTEST_SUV, HOTTEST_SUV / 2], rel=1e-4)
    (change,) = by_name["suv_max"]["course"]["since_first"]
    assert change["change"]["percent"] == pytest.approx(-50, abs=0.02) and change["verdict"] == "real change"
    assert "Lodge" in change["statement_source"]
    assert by_name["metabolic_volume"]["course"]["since_first"][0]["change"]["percent"] == 0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--dates", "2025-03-01", "2025-01-01"), "order of their dates"),
        (("--dates", "2025-03-01"), "1 for 2 visits"),
        (("--weight", "70"), "of one visit"),
        (("--series", "1.2.3"), "of one visit"),
    ],
)
def test_visits_that_contradict_each_other_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], words: str
) -> None:
    first, second = visit(tmp_path, "a", 10, 5), visit(tmp_path, "b", 12, 5)
    assert main(["measure", *first, "--then", *second, *more, "-q"]) == WrongImageError.exit_code
    assert words in capsys.readouterr().err


def test_one_image_is_not_two_visits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = visit(tmp_path, "a", 10, 5)
    assert main(["measure", *one, "--then", *one, "-q"]) == WrongImageError.exit_code
    assert "same image" in capsys.readouterr().err


def test_the_organs_of_a_follow_up_have_their_course(tmp_path: Path) -> None:
    courses = courses_of_organs(hand_made_timeline())
    # 48 and 32 voxels of 1 cm3, 2% longer edges at the second visit, 180 days later.
    assert sorted(one.values[0] or 0 for one in courses) == pytest.approx([32.0, 48.0])
    for one in courses:
        (change,) = one.course.since_first
        assert change.change.percent == pytest.approx(100 * (1.02**3 - 1))
        assert change.days == pytest.approx(180, abs=0.1)
    write_courses_csv(courses, tmp_path / "organs.csv")
    assert [one["visit"] for one in rows(tmp_path / "organs.csv")] == ["1", "2", "1", "2"]
