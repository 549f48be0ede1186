"""Findings through CSV, JSON and markups, of this program and of others."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.evaluation.detection_files import read_lesions, read_marks
from AIImagingLogic.images.info import describe
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.errors import OutputError, UnreadableImageError, WrongImageError
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.finding_list import FindingCollection, FindingList
from AIImagingLogic.records.finding_type import NoduleType
from AIImagingLogic.records.json_form import load_record, save_record
from AIImagingLogic.records.provenance import make_provenance
from AIImagingLogic.records.segmentation import Segment, Segmentation
from AIImagingLogic.records.timeline import Visit
from AIImagingLogic.report.finding_files import GivenImage, read_findings, write_findings
from Testing.Benchmarks.random_findings import random_findings

TURNED = np.array(sitk.VersorTransform((0.2, -0.15, 0.1, 0.95)).GetMatrix()).reshape(3, 3) @ np.diag([1.0, -1.0, 1.0])


def image() -> sitk.Image:
    made = sitk.GetImageFromArray(np.zeros((12, 14, 16), np.int16))
    made.SetSpacing((0.7, 0.9, 2.5))
    made.SetOrigin((-123.4, 56.7, -89.1))
    made.SetDirection(TURNED.ravel().tolist())
    return made


def given() -> GivenImage:
    return GivenImage(image(), dataclasses.replace(describe(image(), "CT", "HU"), series_uid="1.2.3.4"), Path("ct"))


def collection(count: int = 12, seed: int = 5, masks: bool = False) -> FindingCollection:
    return FindingCollection((FindingList(random_findings(image(), count, seed, masks), "1.2.3.4"),))


def without(finding: Finding, *names: str) -> Finding:
    plain = Finding(finding.uid, finding.name, finding.box, finding.score, finding.concept)
    return dataclasses.replace(finding, **{name: getattr(plain, name) for name in names})


def test_full_csv_gives_back_all_but_outline_and_history(tmp_path: Path) -> None:
    before = collection(40)
    write_findings(before, tmp_path / "findings.csv")
    after = read_findings(tmp_path / "findings.csv")
    assert after.notes == ()
    assert [scan.series_uid for scan in after.scans] == ["1.2.3.4"]
    assert list(after.scans[0].findings) == [without(entry, "history") for entry in before.scans[0].findings]


def test_json_gives_back_all_with_outlines(tmp_path: Path) -> None:
    before = collection(20, masks=True)
    write_findings(before, tmp_path / "findings.json")
    (scan,) = read_findings(tmp_path / "findings.json").scans
    for old, new in zip(before.scans[0].findings, scan.findings, strict=True):
        assert without(new, "mask") == without(old, "mask")
        assert (new.mask is None) == (old.mask is None)
        if old.mask is not None and new.mask is not None:
            assert np.array_equal(sitk.GetArrayFromImage(new.mask), sitk.GetArrayFromImage(old.mask))
            # A NRRD holds steps, not spacing and direction.
            assert new.mask.GetOrigin() == pytest.approx(old.mask.GetOrigin(), abs=1e-12)
            assert new.mask.GetDirection() == pytest.approx(old.mask.GetDirection(), abs=1e-12)


def test_json_of_an_image_is_the_result_that_every_command_reads(tmp_path: Path) -> None:
    write_findings(collection(), tmp_path / "list.json")
    read = read_findings(tmp_path / "list.json", given=given())
    write_findings(read, tmp_path / "result.json", given())
    visit = load_record(Visit, tmp_path / "result.json")
    assert visit.info == given().info
    assert visit.findings == collection().scans[0].findings


def test_a_result_keeps_its_organs_and_where_it_came_from(tmp_path: Path) -> None:
    info = given().info
    labels = Segmentation(
        sitk.Cast(image() + 1, sitk.sitkUInt8), (Segment(1, "Lung", concept("lung-left"), (0, 0, 9)),)
    )
    visit = Visit("follow-up", info, labels, collection().scans[0].findings, make_provenance("detect", [], [info]))
    save_record(visit, tmp_path / "result.json")
    write_findings(read_findings(tmp_path / "result.json", given=given()), tmp_path / "again.json")
    again = load_record(Visit, tmp_path / "again.json")
    assert (again.label, again.provenance, again.findings) == (visit.label, visit.provenance, visit.findings)
    assert again.organs is not None
    assert np.array_equal(sitk.GetArrayFromImage(again.organs.image), sitk.GetArrayFromImage(labels.image))


def test_markups_give_back_place_box_and_what_was_said(tmp_path: Path) -> None:
    before = collection(40)
    notes = write_findings(before, tmp_path / "findings.mrk.json")
    assert notes == ("Markups have no place for measurements: write JSON or DICOM to keep them.",)
    (scan,) = read_findings(tmp_path / "findings.mrk.json").scans
    for old, new in zip(before.scans[0].findings, scan.findings, strict=True):
        assert new == dataclasses.replace(without(old, "history", "measurements"), box=new.box)
        assert np.allclose(new.box.axes, old.box.axes, atol=1e-12)
        assert (new.box.center_mm, new.box.size_mm) == (old.box.center_mm, old.box.size_mm)


def test_markups_in_ras_lie_where_those_in_lps_do(tmp_path: Path) -> None:
    write_findings(collection(), tmp_path / "lps.mrk.json")
    document = json.loads((tmp_path / "lps.mrk.json").read_text(encoding="utf-8"))
    turn = np.diag([-1.0, -1.0, 1.0])
    for markup in document["markups"]:
        markup["coordinateSystem"] = "RAS"
        for point in markup["controlPoints"]:
            point["position"] = (turn @ point["position"]).tolist()
        if markup["type"] == "ROI":
            markup["center"] = (turn @ markup["center"]).tolist()
            markup["orientation"] = (turn @ np.reshape(markup["orientation"], (3, 3))).ravel().tolist()
    (tmp_path / "ras.mrk.json").write_text(json.dumps(document), encoding="utf-8")
    one, two = (read_findings(tmp_path / f"{name}.mrk.json").scans[0].findings for name in ("lps", "ras"))
    assert [entry.to_json() for entry in one] == [entry.to_json() for entry in two]


def test_luna16_annotations_and_marks_are_what_the_evaluation_reads(tmp_path: Path) -> None:
    before = collection()
    kept = [entry for entry in before.scans[0].findings if entry.review is not ReviewStatus.REJECTED]
    write_findings(before, tmp_path / "annotations.csv", columns="annotations")
    lesions = read_lesions(tmp_path / "annotations.csv")["1.2.3.4"]
    assert [lesion.target.position_mm for lesion in lesions] == [entry.box.center_mm for entry in kept]
    write_findings(before, tmp_path / "marks.csv", columns="marks")
    marks = read_marks(tmp_path / "marks.csv")["1.2.3.4"]
    assert [mark.score for mark in marks] == [entry.score for entry in before.scans[0].findings]


def test_luna16_candidates_say_by_class_what_was_accepted(tmp_path: Path) -> None:
    said = [entry for entry in collection(40).scans[0].findings if entry.review is not ReviewStatus.UNREVIEWED]
    write_findings(FindingCollection((FindingList(tuple(said)),)), tmp_path / "c.csv", columns="candidates", scan="A")
    (scan,) = read_findings(tmp_path / "c.csv").scans
    assert scan.series_uid == "A"
    kept = [entry.review is ReviewStatus.ACCEPTED for entry in scan.findings]
    assert kept == [entry.review in (ReviewStatus.ACCEPTED, ReviewStatus.EDITED) for entry in said]
    with pytest.raises(OutputError, match="was not reviewed"):
        write_findings(collection(40), tmp_path / "no.csv", columns="candidates")
    assert not (tmp_path / "no.csv").exists()


OTHERS = {
    "seriesuid,coordX,coordY,coordZ,diameter_mm\nA,10,-20,30.5,6\n": "",
    "X;Y;Z;Diameter (mm);Nodule Type\n10,0;-20;30,5;6,0;Ground Glass\n": "lps",
    "# Markups version = 5.6\n# CoordinateSystem = RAS\n# columns = id,x,y,z,label\n1,-10,20,30.5,N\n": "",
    ",x_ras,y_ras,z_ras,\n0,-10,20,30.5,,\n": "",
    "Label\tR\tA\tS\tradius\nN 1\t-10\t20\t30.5\t3\n": "",
    '"center x","center y","center z","Confidence"\r\n-10,20,30.5,0.25\r\n': "ras",
    "finding,centre_left_mm,centre_posterior_mm,centre_superior_mm\nN,10,-20,30.5\n": "",
}


@pytest.mark.parametrize(("text", "coordinates"), OTHERS.items())
def test_tables_of_other_programs_give_the_place_in_lps(tmp_path: Path, text: str, coordinates: str) -> None:
    path = tmp_path / "other.csv"
    path.write_text(text, encoding="utf-8-sig", newline="")
    (scan,) = read_findings(path, coordinates).scans
    (found,) = scan.findings
    assert found.box.center_mm == (10.0, -20.0, 30.5)
    again = read_findings(path, coordinates).scans[0].findings[0]
    assert again.uid == found.uid
    if "Ground" in text:
        assert (found.type, found.value("mean_diameter")) == (NoduleType.GROUND_GLASS, 6.0)
    if "radius" in text:
        assert found.box.size_mm == (6.0, 6.0, 6.0)


def test_voxels_are_counted_in_the_image_that_is_given(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("voxelX,voxelY,voxelZ\n3,5,7\n", encoding="utf-8")
    with pytest.raises(UnreadableImageError, match="counts voxels"):
        read_findings(tmp_path / "v.csv")
    (scan,) = read_findings(tmp_path / "v.csv", given=given()).scans
    assert scan.findings[0].box.center_mm == pytest.approx(image().TransformIndexToPhysicalPoint((3, 5, 7)))


REFUSED = {
    "x,y,z\n1,2,3\n": ("", "does not say in which coordinate system x, y, z are"),
    "x,y,z,coordX,coordY,coordZ\n1,2,3,4,5,6\n": ("", "more than one place"),
    "R,A,S\n1,2,3\n": ("lps", "contradicts itself"),
    "# coordinateSystem = LPS\nR,A,S\n1,2,3\n": ("", "contradicts itself"),
    "# coordinateSystem = MNI\nx,y,z\n1,2,3\n": ("", "'MNI', which is not known"),
    "a,b\n1,2\n": ("", "no three columns for the place; it has a, b"),
    "x,X,y,z\n1,2,3,4\n": ("lps", "names the column 'X' twice"),
    "x,y,z\n1,2,3\n4,,6\n": ("lps", "line 3: no y"),
    "x,y,z\n1,2,nan\n": ("lps", "line 2: 'nan' is no number for z"),
    "x,y,z\n1,2,3,4\n": ("lps", "line 2: 4 cells for 3 columns"),
    "x,y,z,score\n1,2,3,87\n": ("lps", "line 2: 87 in 'score' is not between 0 and 1"),
    "x,y,z,class\n1,2,3,2\n": ("lps", "line 2: '2' is no class"),
    "x,y,z,reviewed\n1,2,3,2026-01-01\n": ("lps", "is no time with a zone"),
    "x,y,z,box_size_mm\n1,2,3,4 5\n": ("lps", "takes 3 numbers"),
    'x,y,z,label\n1,2,3,"N\n': ("lps", "line"),
    "": ("", "holds no table"),
}


@pytest.mark.parametrize(("text", "expected"), REFUSED.items())
def test_what_is_ambiguous_or_broken_in_a_table_is_named(tmp_path: Path, text: str, expected: tuple[str, str]) -> None:
    coordinates, message = expected
    (tmp_path / "bad.csv").write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableImageError, match=message) as told:
        read_findings(tmp_path / "bad.csv", coordinates)
    assert told.value.advice


def test_findings_of_another_place_are_refused_and_a_mirror_image_is_named(tmp_path: Path) -> None:
    ras = "".join(f"{-x},{-y},{z}\n" for x, y, z in (entry.box.center_mm for entry in collection().scans[0].findings))
    (tmp_path / "other.csv").write_text("x,y,z\n" + ras, encoding="utf-8")
    with pytest.raises(WrongImageError, match="LPS and RAS may have been mistaken"):
        read_findings(tmp_path / "other.csv", "lps", given())
    assert len(read_findings(tmp_path / "other.csv", "ras", given()).scans[0].findings) == 12
    text = "seriesuid,coordX,coordY,coordZ\n9.9,1,2,3\n8.8,1,2,3\n"
    (tmp_path / "two.csv").write_text(text, encoding="utf-8")
    with pytest.raises(WrongImageError, match=r"2 images \(9.9, 8.8\)"):
        read_findings(tmp_path / "two.csv", given=given())


def test_markups_without_a_coordinate_system_or_with_broken_numbers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.mrk.json"
    point = {"id": "1", "label": "N", "position": [1, 2, 3]}
    path.write_text(json.dumps({"markups": [{"type": "Fiducial", "controlPoints": [point]}]}), encoding="utf-8")
    with pytest.raises(UnreadableImageError, match="markup 1 does not say its coordinate system"):
        read_findings(path)
    assert read_findings(path, "ras").scans[0].findings[0].box.center_mm == (-1.0, -2.0, 3.0)
    line = {"type": "Line", "coordinateSystem": "LPS", "controlPoints": [point, {**point, "position": [4, 6, 3]}]}
    path.write_text(json.dumps({"markups": [line, {"type": "Curve"}]}), encoding="utf-8")
    read = read_findings(path)
    assert read.scans[0].findings[0].value("long_axis") == 5.0
    assert read.notes == ("Markups of the type Curve are no findings and were left out: 1.",)
    path.write_text(json.dumps({"markups": [{**line, "controlPoints": [point]}]}), encoding="utf-8")
    with pytest.raises(UnreadableImageError, match="markup 1 is damaged"):
        read_findings(path)
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(UnreadableImageError, match="no markups file"):
        read_findings(path)


def test_slicer_reads_the_points_and_boxes_where_they_are(tmp_path: Path) -> None:
    slicer = pytest.importorskip("slicer")
    before = collection(3).scans[0].findings
    write_findings(collection(3), tmp_path / "findings.mrk.json")
    scene = slicer.vtkMRMLScene()
    found = []
    for number in range(4):
        storage = slicer.vtkMRMLMarkupsROIJsonStorageNode() if number else slicer.vtkMRMLMarkupsJsonStorageNode()
        scene.AddNode(storage)
        found.append(storage.AddNewMarkupsNodeFromFile(str(tmp_path / "findings.mrk.json"), None, number))
    points, *boxes = found
    to_ras = np.diag([-1.0, -1.0, 1.0])
    for number, (finding, box) in enumerate(zip(before, boxes, strict=True)):
        assert points.GetNthControlPointID(number) == finding.uid
        assert points.GetNthControlPointPosition(number) == pytest.approx(to_ras @ finding.box.center_mm)
        assert box.GetSize() == pytest.approx(finding.box.size_mm)
        matrix = box.GetObjectToNodeMatrix()
        axes = np.array([[matrix.GetElement(row, column) for column in range(3)] for row in range(3)])
        assert np.allclose(axes, to_ras @ np.array(finding.box.axes).T, atol=1e-6)
