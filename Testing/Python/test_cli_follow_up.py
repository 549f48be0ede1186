"""The whole follow-up from the command line, on two DICOM series of known truth."""

from __future__ import annotations

import csv
import json
import re
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.cli import main
from AIImagingLogic.images.dicom_writing import write_ct_series
from AIImagingLogic.images.phantoms.chest_pair import ChestPair, demo_recipe, make_chest_pair
from AIImagingLogic.images.segmentation_file import read_segmentation
from AIImagingLogic.records.json_form import load_record
from AIImagingLogic.records.timeline import Lesion, Timeline

# The demo's pair on a coarser grid, so that the whole run fits a test.
IN_PLANE_MM, SLICE_MM = 1.1, 2.0

Run = tuple[ChestPair, Path, Timeline]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The pair, the output folder and the timeline that was written into it. Paths hold spaces and letters like é."""
    folder = tmp_path_factory.mktemp("étude thoracique n° 1")
    pair = make_chest_pair(demo_recipe().coarser(IN_PLANE_MM, SLICE_MM))
    series = [folder / "première visite", folder / "deuxième visite"]
    for path, image, month in ((series[0], pair.baseline, 3), (series[1], pair.followup, 9)):
        write_ct_series(image, path, acquired=datetime(2025, month, 1), description="Chest", patient_name="Doe^Jane")
    out = folder / "résultats"
    assert main(["followup", str(series[0]), str(series[1]), "-o", str(out), "-q"]) == 0
    return pair, out, load_record(Timeline, out / "result.json")


def test_every_lesion_is_found_where_it_is_and_its_fate_is_right(run: Run) -> None:
    pair, _, timeline = run
    fates = {"new": "new", "gone": "resolved"}
    for truth in pair.lesions:
        visit = 0 if truth.baseline is not None else 1
        size = truth.baseline or truth.followup
        assert size is not None
        lesion = lesion_at(timeline, visit, size.center_mm)
        assert lesion.status.value == fates.get(truth.course, "matched"), truth
        if truth.course in ("growing", "shrinking", "stable"):
            assert lesion.growth is not None
            assert lesion.growth.label == truth.course, truth


def test_volumes_are_near_the_truth(run: Run) -> None:
    pair, _, timeline = run
    errors = []
    for truth in pair.lesions:
        for visit, size in enumerate((truth.baseline, truth.followup)):
            if size is not None:
                lesion = lesion_at(timeline, visit, size.center_mm)
                finding = timeline.visits[visit].finding(lesion.observations[visit])
                assert finding is not None
                errors.append(abs((finding.value("volume") or 0.0) / size.volume_mm3 - 1))
    # The exam's limits, which the benchmark demo_truth checks on finer slices.
    assert np.median(errors) <= 0.10
    assert np.quantile(errors, 0.95) <= 0.25


def test_lung_rads_names_its_lesion_and_reason(run: Run) -> None:
    _, _, timeline = run
    assessment = timeline.assessments[0]
    assert assessment.rules.startswith("Lung-RADS")
    assert assessment.category == "4B"  # a growing part-solid nodule with a solid part over 8 mm
    assert f"Lesion {assessment.lesion_number}" in assessment.reason


def test_the_output_is_complete_and_names_nobody(run: Run) -> None:
    _, out, timeline = run
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    expected = {
        "result.json", "findings_baseline.csv", "findings_followup.csv", "changes.csv", "report.html", "scene.mrb",
        "registration.h5", "baseline_lungs.seg.nrrd", "followup_lungs.seg.nrrd", "baseline_nodules.seg.nrrd",
        "followup_nodules.seg.nrrd",
    }  # fmt: skip
    assert expected <= names
    if not any("No pictures" in note for note in timeline.notes):
        assert {"pictures/lesion_01.png", "pictures/overview.png"} <= names
    for name in ("result.json", "changes.csv", "findings_baseline.csv", "report.html"):
        # Embedded pictures are base64, in which any short name may stand by chance.
        text = re.sub("base64,[A-Za-z0-9+/=]+", "", (out / name).read_text(encoding="utf-8"))
        assert "Doe" not in text
        assert "étude thoracique" not in text


def test_tables_segmentations_and_result_tell_the_same(run: Run) -> None:
    pair, out, timeline = run
    with (out / "changes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(timeline.lesions)
    nodules = read_segmentation(out / "followup_nodules.seg.nrrd")
    assert nodules.image.GetSize() == pair.followup.GetSize()
    seen = [lesion for lesion in timeline.lesions if lesion.observations[1] is not None]
    assert {segment.value for segment in nodules.segments} == {lesion.number for lesion in seen}
    assert {segment.colour for segment in nodules.segments} == {lesion.colour for lesion in seen}


def test_the_registration_file_takes_baseline_points_to_the_follow_up(run: Run) -> None:
    pair, out, _ = run
    transform = sitk.ReadTransform(str(out / "registration.h5"))
    places = [truth.baseline.center_mm for truth in pair.lesions if truth.baseline is not None]
    found = np.array([transform.TransformPoint(place) for place in places])
    errors = np.linalg.norm(found - pair.to_followup(np.array(places)), axis=1)
    assert np.median(errors) < SLICE_MM  # a lesion is looked for within a few mm; a voxel is ample


def test_a_second_run_gives_the_same_findings_and_replaces_only_when_asked(run: Run, tmp_path: Path) -> None:
    _, out, timeline = run
    series = [str(out.parent / "première visite"), str(out.parent / "deuxième visite")]
    assert main(["followup", *series, "-o", str(out), "-q"]) == 8
    again = tmp_path / "again"
    assert main(["followup", *series, "-o", str(again), "-q", "--no-pictures", "--no-scene"]) == 0
    repeated = load_record(Timeline, again / "result.json")
    for visit, other in zip(timeline.visits, repeated.visits, strict=True):
        assert [finding.to_json() for finding in visit.findings] == [finding.to_json() for finding in other.findings]


def test_info_and_measure_answer_in_json(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, timeline = run
    baseline = str(out.parent / "première visite")
    assert main(["info", baseline, "--json"]) == 0
    (series,) = json.loads(capsys.readouterr().out)["series"]
    assert series["uid"] == timeline.visits[0].info.series_uid
    assert "Jane" not in json.dumps(series)
    assert main(["measure", baseline, str(out / "baseline_lungs.seg.nrrd"), "--json", "-q"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    volumes = {row["segment"]["concept"]["key"]: row["measurements"][0] for row in rows}
    assert {"lung-left", "lung-right"} <= set(volumes)
    assert 1000 < volumes["lung-right"]["value"] < 4000  # ml


def lesion_at(timeline: Timeline, visit: int, center: tuple[float, float, float]) -> Lesion:
    """Return the lesion seen within 4 mm of a place."""
    for lesion in timeline.lesions:
        finding = timeline.visits[visit].finding(lesion.observations[visit])
        if finding is not None and np.linalg.norm(np.subtract(finding.box.center_mm, center)) < 4:
            return lesion
    pytest.fail(f"Nothing was found at {center} at visit {visit}.")
