"""Records keep every value through their JSON form, and files appear whole or not at all."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from AIImagingLogic.records.atomic_files import make_folder, written_atomically
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.errors import Cancelled, OutputError
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.json_form import load_record, save_record
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import make_provenance
from AIImagingLogic.records.registration import Registration, RegistrationQuality
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.timeline import Growth, Lesion, LinkStatus, Timeline, Visit

finite = st.floats(allow_nan=False, allow_infinity=False)


def oblique_mask() -> sitk.Image:
    mask = sitk.GetImageFromArray((np.arange(24).reshape(2, 3, 4) % 3).astype(np.uint8))
    mask.SetSpacing((0.7, 0.8, 2.5))
    mask.SetOrigin((-12.5, 130.25, -520.125))
    mask.SetDirection(sitk.VersorTransform((1.0, 2.0, 3.0), 0.4).GetMatrix())
    return mask


def finding(uid: str = "2.25.1", box: OrientedBox | None = None) -> Finding:
    return Finding(
        uid=uid,
        name="Nodule 1",
        box=box or OrientedBox((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)),
        score=0.75,
        concept=concept("lung-nodule"),
        mask=oblique_mask(),
        measurements=(measurement("volume", 113.0, (90.0, 140.0)),),
        descriptors={"side": "left"},
        review=ReviewStatus.ACCEPTED,
    )


def timeline() -> Timeline:
    info = ImageInfo(
        "CT", "HU", (4, 3, 2), (0.7, 0.8, 2.5), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), "ab12",
        acquired=datetime(2025, 3, 3, 9, 30), notes=("one note",),
    )  # fmt: skip
    quality = RegistrationQuality("correlation", 0.1, 0.9, 0.0, None)
    registration = Registration(sitk.TranslationTransform(3, (1.0, -2.0, 3.5)), "rigid", quality)
    infinite = Growth("growing", "It grew.", 200.0, (90.0, float("inf")))
    lesion = Lesion(
        1, (1, 2, 3), ("2.25.1", None), (None, (1.0, 2.0, 3.0)), LinkStatus.RESOLVED, "Gone.", None, (), infinite
    )
    visits = (Visit("baseline", info, None, (finding(),)), Visit("follow-up", info, None, ()))
    provenance = make_provenance("follow-up", [], [info], {"threshold": 0.5})
    return Timeline(visits, (registration,), (lesion,), (), provenance)


def test_a_saved_timeline_loads_with_every_value_image_and_transform(tmp_path: Path) -> None:
    before = timeline()
    save_record(before, tmp_path / "result.json")
    after = load_record(Timeline, tmp_path / "result.json")

    assert after.to_json() == before.to_json()
    assert after.lesions[0].growth is not None
    assert after.lesions[0].growth.doubling_time_interval_95 == (90.0, float("inf"))
    mask, original = after.visits[0].findings[0].mask, oblique_mask()
    assert mask is not None
    assert mask.GetSize() == original.GetSize()
    assert mask.GetDirection() == pytest.approx(original.GetDirection(), abs=1e-12)
    assert mask.GetOrigin() == original.GetOrigin()
    assert (sitk.GetArrayFromImage(mask) == sitk.GetArrayFromImage(original)).all()
    assert after.registrations[0].transform.TransformPoint((0.0, 0.0, 0.0)) == pytest.approx((1.0, -2.0, 3.5))


def test_result_json_is_strict_json_without_infinity(tmp_path: Path) -> None:
    save_record(timeline(), tmp_path / "result.json")
    constants: list[str] = []
    json.loads((tmp_path / "result.json").read_text(), parse_constant=constants.append)
    assert constants == []


@given(st.tuples(finite, finite, finite), st.tuples(finite, finite, finite))
def test_boxes_keep_their_numbers_exactly(center: tuple[float, float, float], size: tuple[float, float, float]) -> None:
    box = OrientedBox(center, size)
    assert OrientedBox.from_json(json.loads(json.dumps(box.to_json()))) == box


def test_a_record_of_another_kind_or_a_newer_schema_or_with_a_missing_field_is_refused() -> None:
    data = OrientedBox((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)).to_json()
    with pytest.raises(ValueError, match="OrientedBox, not a ImageInfo"):
        ImageInfo.from_json(data)
    with pytest.raises(ValueError, match="newer version"):
        OrientedBox.from_json({**data, "schema_version": 99})
    del data["size_mm"]
    with pytest.raises(ValueError, match="size_mm"):
        OrientedBox.from_json(data)


def test_a_result_that_names_a_file_outside_its_folder_is_refused(tmp_path: Path) -> None:
    save_record(timeline(), tmp_path / "result.json")
    text = (tmp_path / "result.json").read_text()
    (tmp_path / "result.json").write_text(text.replace("result/mask.nrrd", "../../etc/mask.nrrd"))
    with pytest.raises(ValueError, match="outside its folder"):
        load_record(Timeline, tmp_path / "result.json")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "naïve name.seg.nrrd"
    target.write_text("old")
    with pytest.raises(OutputError, match="naïve name"), written_atomically(target) as temporary:
        assert temporary.name.endswith(".seg.nrrd")
        temporary.write_text("half")
        raise OSError(28, "No space left on device")
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    assert target.read_text() == "old"


def test_an_output_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        make_folder(tmp_path / "out")


def test_progress_of_nested_parts_never_runs_back_and_ends_at_one() -> None:
    seen: list[float] = []
    progress = Progress(lambda fraction, message: seen.append(fraction))
    with progress.stage("first", 0.0, 0.4) as part, part.stage("inner", 0.5, 1.0) as inner:
        inner.report(0.5, "half")
    with progress.stage("second", 0.4, 1.0):
        pass
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert [cost.name for cost in progress.costs] == ["inner", "first", "second"]
    assert all(cost.peak_gb > 0.01 for cost in progress.costs)


def test_a_cancelled_run_stops_at_the_next_report() -> None:
    progress = Progress(is_cancelled=lambda: True)
    with pytest.raises(Cancelled):
        progress.report(0.1, "working")


def test_provenance_names_versions_and_input_but_no_path_or_person() -> None:
    provenance = make_provenance("detect", [], [timeline().visits[0].info], seed=3)
    assert {"aiimaging", "python", "numpy", "SimpleITK"} <= set(provenance.versions)
    assert provenance.inputs[0].content_hash == "ab12"
    assert provenance.created.tzinfo == UTC
    fields = {field.name for field in dataclasses.fields(ImageInfo)}
    assert not fields & {"patient_name", "patient_id", "birth_date", "accession_number", "path", "source"}


def test_every_concept_and_measurement_of_the_tables_is_complete() -> None:
    for key in load_resource("terminology/concepts.json")["concepts"]:
        assert concept(key).type.meaning
    for name, entry in load_resource("measurements.json")["measurements"].items():
        assert measurement(name, 1.0).unit == entry["unit"]
        assert entry["label"]
        assert entry["digits"] >= 0
