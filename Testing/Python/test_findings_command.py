"""`aiimaging findings`: files of findings from one kind to another, merged and split."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from dicom_sources import assert_dciodvfy_finds_no_error, ct_image, ct_series, points_of

from AIImagingLogic.cli import main
from AIImagingLogic.images.read import read_image
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.finding_list import FindingCollection, FindingList
from AIImagingLogic.report.finding_files import read_findings, write_findings
from Testing.Benchmarks.random_findings import random_findings


@pytest.fixture
def series(tmp_path: Path) -> Path:
    return ct_series(ct_image(flipped=True), tmp_path / "ct")


def findings_on(series: Path, count: int = 8) -> tuple[Finding, ...]:
    """Return findings that are no lung nodules, so that they are measured without lungs."""
    image, _ = read_image(series)
    made = random_findings(image, count, 11)
    return tuple(
        dataclasses.replace(entry, concept=concept("lesion"), review=ReviewStatus.ACCEPTED, history=())
        for entry in made
    )


def written(series: Path, path: Path, findings: tuple[Finding, ...]) -> Path:
    _, info = read_image(series)
    write_findings(FindingCollection((FindingList(findings, info.series_uid, info),)), path)
    return path


def test_json_becomes_dicom_and_comes_back(tmp_path: Path, series: Path) -> None:
    before = findings_on(series)
    source = written(series, tmp_path / "a.json", before)
    assert main(["findings", "convert", str(source), str(tmp_path / "objects"), "--image", str(series)]) == 0
    for name in ("lesions_seg.dcm", "lesions_sr.dcm"):
        assert_dciodvfy_finds_no_error(tmp_path / "objects" / name)
    back = tmp_path / "b.json"
    assert main(["findings", "convert", str(tmp_path / "objects"), str(back), "--image", str(series)]) == 0
    after = read_findings(back).scans[0].findings
    for old, new in zip(before, after, strict=True):
        assert dataclasses.replace(new, box=old.box, mask=None, measurements=()) == dataclasses.replace(
            old, mask=None, measurements=()
        )
        assert [made.value for made in new.measurements] == pytest.approx([made.value for made in old.measurements])
        assert (new.mask is None) == (old.mask is None)
        if old.mask is not None and new.mask is not None:
            assert points_of(new.mask) == points_of(old.mask)


def test_a_report_is_read_without_its_image_too(tmp_path: Path, series: Path) -> None:
    before = findings_on(series)
    source = written(series, tmp_path / "a.json", before)
    assert main(["findings", "convert", str(source), str(tmp_path / "objects"), "--image", str(series)]) == 0
    assert main(["findings", "convert", str(tmp_path / "objects/lesions_sr.dcm"), str(tmp_path / "b.csv")]) == 0
    (scan,) = read_findings(tmp_path / "b.csv").scans
    assert scan.series_uid == read_image(series)[1].series_uid
    assert [entry.uid for entry in scan.findings] == [entry.uid for entry in before]
    places = np.array([entry.box.center_mm for entry in scan.findings])
    assert np.allclose(places, [entry.box.center_mm for entry in before], atol=1e-3)


def test_two_findings_are_merged_in_the_place_of_the_first_and_split_again(tmp_path: Path, series: Path) -> None:
    before = tuple(entry for entry in findings_on(series, 12) if entry.mask is not None)[:4]
    source = written(series, tmp_path / "a.json", before)
    chosen = ["--finding", before[1].name, "--finding", before[3].uid, "--reader", "R9"]
    merged, parts = tmp_path / "merged.json", tmp_path / "parts.json"
    assert main(["findings", "merge", str(source), str(merged), "--image", str(series), *chosen]) == 0
    after = read_findings(merged).scans[0].findings
    assert [entry.uid for entry in after][::2] == [before[0].uid, before[2].uid]
    one = after[1]
    assert one.uid in (before[1].uid, before[3].uid)
    assert one.mask is not None
    assert before[1].mask is not None
    assert before[3].mask is not None
    assert points_of(one.mask) == points_of(before[1].mask) | points_of(before[3].mask)
    assert (one.review, one.reader, one.reviewed) == (ReviewStatus.EDITED, "R9", None)
    first, last = (sorted(points_of(one.mask))[at] for at in (0, -1))
    marks = [text for place in (first, last) for text in ("--mark", *(str(value / 100) for value in place))]
    assert (
        main(["findings", "split", str(merged), str(parts), "--image", str(series), "--finding", one.uid, *marks]) == 0
    )
    assert len(read_findings(parts).scans[0].findings) == 4


def test_what_is_there_stays_unless_it_may_be_replaced(tmp_path: Path, series: Path) -> None:
    source = written(series, tmp_path / "a.json", findings_on(series))
    target = tmp_path / "out.json"
    target.write_text("mine", encoding="utf-8")
    assert main(["findings", "convert", str(source), str(target)]) == 8
    assert target.read_text(encoding="utf-8") == "mine"
    assert main(["findings", "convert", str(source), str(target), "--overwrite"]) == 0
    assert main(["findings", "convert", str(source), str(target), "--overwrite"]) == 0
    assert len(read_findings(target).scans[0].findings) == 8


def test_nothing_half_written_stays_after_an_error(
    tmp_path: Path, series: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "x.csv"
    source.write_text("x,y,z\n1,2,3\n", encoding="utf-8")
    out = tmp_path / "out"
    out.mkdir()
    assert main(["findings", "convert", str(source), str(out / "f.json")]) == 3
    assert "--coordinates" in capsys.readouterr().err
    assert main(["findings", "convert", str(source), str(out / "f.xlsx"), "--coordinates", "lps"]) == 8
    # A folder of the same name with something else in it.
    (out / "f").mkdir()
    (out / "f" / "mine.txt").write_text("mine", encoding="utf-8")
    made = written(series, tmp_path / "a.json", findings_on(series))
    assert main(["findings", "convert", str(made), str(out / "f.json")]) == 8
    assert main(["findings", "convert", str(made), str(out / "dicom")]) == 8
    assert "--image" in capsys.readouterr().err
    assert sorted(path.name for path in out.rglob("*")) == ["f", "mine.txt"]
