"""The follow-up of many visits: their order, failed registrations, earlier results, and the files that it leaves."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import SimpleITK as sitk
from followup_records import nodule, registration

from AIImagingLogic.cli.arguments import make_parser
from AIImagingLogic.cli.follow_up_command import WrongArgumentsError, _by_visit
from AIImagingLogic.cli.follow_up_files import follow_up_visits_with_files
from AIImagingLogic.cli.follow_up_output import write_follow_up
from AIImagingLogic.images.info import describe
from AIImagingLogic.records.errors import RegistrationError
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.json_form import load_record
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import make_provenance
from AIImagingLogic.records.timeline import LinkStatus, Timeline, Visit
from AIImagingLogic.tasks import follow_up as task
from AIImagingLogic.tasks import visit_registrations

DAYS = (20, 3, 11, 7)
SIZES = {3: 6.0, 7: 7.0, 11: None, 20: 9.0}
"""Diameter of the only nodule on each day, None where the detector misses it."""


def images_and_infos() -> tuple[list[sitk.Image], list[ImageInfo]]:
    images, infos = [], []
    for day in DAYS:
        image = sitk.Image([40, 40, 40], sitk.sitkInt16) + day
        image.SetOrigin((-40.0, -40.0, -40.0))
        image.SetSpacing((2.0, 2.0, 2.0))
        images.append(image)
        infos.append(describe(image, "CT", "HU", datetime(2025, 3, day)))
    return images, infos


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Detector and registration of known answers; the set holds the days from which no registration is found."""
    wrong: set[int] = set()

    def find(image: sitk.Image, info: ImageInfo, label: str, progress: Progress) -> tuple[Visit, tuple[()]]:
        assert info.acquired is not None
        assert image.GetPixel(0, 0, 0) == info.acquired.day
        size = SIZES[info.acquired.day]
        findings: tuple[Finding, ...] = () if size is None else (nodule(f"1.{info.acquired.day}", (0, 0, 0), size),)
        return Visit(label, info, None, findings, make_provenance("detect", [], [info])), ()

    def register(fixed: Any, fixed_info: ImageInfo, *_: Any, **__: Any) -> Any:
        assert fixed_info.acquired is not None
        if fixed_info.acquired.day in wrong:
            raise RegistrationError("They do not overlap.", "Choose others.")
        return registration()

    monkeypatch.setattr(task, "find_nodules", find)
    monkeypatch.setattr(visit_registrations, "register_images", register)
    monkeypatch.setattr(task, "check_input", lambda *_: None)
    return wrong


def test_visits_in_any_order_become_a_timeline_in_order_of_time(failing: set[int]) -> None:
    timeline = task.follow_up_visits(*images_and_infos())
    assert [visit.label for visit in timeline.visits] == ["baseline", "follow-up 1", "follow-up 2", "follow-up 3"]
    assert [visit.info.acquired.day for visit in timeline.visits if visit.info.acquired] == [3, 7, 11, 20]
    (lesion,) = timeline.lesions
    assert lesion.observations == ("1.3", "1.7", None, "1.20")
    assert [step.status for step in lesion.steps][2:] == [LinkStatus.NOT_SEEN, LinkStatus.MATCHED]


def test_a_registration_that_fails_among_many_is_told_and_the_rest_goes_on(failing: set[int]) -> None:
    failing.add(7)
    timeline = task.follow_up_visits(*images_and_infos())
    assert [entry is None for entry in timeline.registrations] == [False, True, False]
    assert any("follow-up 1 and the follow-up 2 could not be registered" in note for note in timeline.notes)
    assert all(lesion.status is not LinkStatus.RESOLVED for lesion in timeline.lesions)
    images, infos = images_and_infos()
    with pytest.raises(RegistrationError):
        task.follow_up_visits([images[3], images[0]], [infos[3], infos[0]])


def test_numbers_of_an_earlier_result_are_kept_when_a_visit_is_added(failing: set[int]) -> None:
    images, infos = images_and_infos()
    first = task.follow_up_visits(images[1:], infos[1:])
    moved = dataclasses.replace(first.lesions[0], number=5, uid="2.25.5")
    kept = dataclasses.replace(first, lesions=(moved,), identities=())
    # As it comes from a file, without images and transforms.
    again = task.follow_up_visits(images, infos, previous=Timeline.from_json(kept.to_json()))
    assert [(lesion.number, lesion.uid) for lesion in again.lesions] == [(5, "2.25.5")]


def test_the_files_of_four_visits_are_one_table_each_and_changes_in_long_form(
    failing: set[int], tmp_path: Path
) -> None:
    images, infos = images_and_infos()
    timeline = task.follow_up_visits(images, infos)
    ordered = [images[index] for index in (1, 3, 2, 0)]
    output = write_follow_up(timeline, ordered, tmp_path, with_scene=True, with_pictures=False, progress=Progress())
    names = ("baseline", "followup_1", "followup_2", "followup_3")
    assert {f"findings_{name}.csv" for name in names} <= set(output.files)
    assert "registration_followup_1_to_followup_2.h5" in output.files
    assert "scene.mrb" in output.files or any("scene" in warning for warning in output.warnings)
    with (tmp_path / "changes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["lesion"], row["visit"], row["status"]) for row in rows] == [
        ("1", "baseline", ""),
        ("1", "follow-up 1", "matched"),
        ("1", "follow-up 2", "not seen"),
        ("1", "follow-up 3", "matched"),
    ]
    assert float(rows[3]["mean_diameter_percent_since_first_seen"]) == pytest.approx(50.0)
    assert float(rows[3]["mean_diameter_percent_since_last_seen"]) == pytest.approx(100 * (9 / 7 - 1), rel=1e-4)
    assert load_record(Timeline, tmp_path / "result.json").lesions == timeline.lesions


def test_the_panels_job_leaves_the_files_of_all_visits_in_a_folder_of_their_own(
    failing: set[int], tmp_path: Path
) -> None:
    images, infos = images_and_infos()
    timeline = follow_up_visits_with_files(images, infos, str(tmp_path))
    (folder,) = tmp_path.iterdir()
    assert folder.name in timeline.notes[-1]
    assert (folder / "findings_followup_3.csv").exists()


def options(*words: str) -> Any:
    return make_parser().parse_args(["followup", *words, "-o", "out"])


def dates(parsed: Any) -> Sequence[datetime | None]:
    return _by_visit(parsed, "dates", "date")


def test_dates_are_typed_one_a_visit_and_a_dash_leaves_one_out() -> None:
    parsed = options("a", "b", "c", "--dates", "2025-01-02", "-", "2025-03-04")
    assert dates(parsed) == [datetime(2025, 1, 2), None, datetime(2025, 3, 4)]
    assert dates(options("a", "b", "--followup-date", "2025-01-02")) == [None, datetime(2025, 1, 2)]
    assert dates(options("a", "b")) == [None, None]
    with pytest.raises(WrongArgumentsError, match="names 2 for 3 visits"):
        dates(options("a", "b", "c", "--dates", "2025-01-02", "2025-03-04"))
    with pytest.raises(WrongArgumentsError, match="two visits"):
        dates(options("a", "b", "c", "--baseline-date", "2025-01-02"))
    with pytest.raises(WrongArgumentsError, match="two visits or more"):
        dates(options("a"))
