"""The order of a reader study: balanced, each reader's own, the same on every computer."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_studies import planned_study

from AIImagingLogic.evaluation.reading_folder import load_order, load_study
from AIImagingLogic.evaluation.reading_manifest import read_manifest
from AIImagingLogic.evaluation.reading_order import reading_order
from AIImagingLogic.records.errors import UnreadableImageError
from AIImagingLogic.records.reading import ReadingError, ReadingMode
from AIImagingLogic.records.reading_study import ReadingCase, ReadingDesign, ReadingStudy

_MODES = tuple(ReadingMode)


def _study(
    cases: int, readers: int, modes: int, seed: int = 3, design: ReadingDesign = ReadingDesign.CROSSED
) -> ReadingStudy:
    return ReadingStudy(
        "trial",
        seed,
        tuple(f"R{number}" for number in range(readers)),
        _MODES[:modes],
        tuple(ReadingCase(f"C{number}", "a.nrrd", "a.csv") for number in range(cases)),
        design,
    )


@given(st.integers(1, 40), st.integers(1, 7), st.integers(1, 3), st.integers(0, 2**40))
def test_every_reader_reads_each_case_once_in_each_mode_and_each_session_holds_as_many_of_each(
    cases: int, readers: int, modes: int, seed: int
) -> None:
    study = _study(cases, readers, modes, seed)
    orders = [reading_order(study, reader).cases for reader in study.readers]
    for order in orders:
        assert len({(entry.case, entry.mode) for entry in order}) == len(order) == cases * modes
        for session in range(1, modes + 1):
            part = [entry for entry in order if entry.session == session]
            assert len({entry.case for entry in part}) == cases
            assert [entry.position for entry in part] == list(range(1, cases + 1))
            counts = [sum(entry.mode is mode for entry in part) for mode in study.modes]
            assert max(counts) - min(counts) <= 1
    for case in range(cases):
        # Over readers, in the first session: each mode equally often, within one.
        met = Counter(
            entry.mode for order in orders for entry in order if entry.session == 1 and entry.case == f"C{case}"
        )
        assert max(met.values()) - (min(met.values()) if len(met) == modes else 0) <= 1


def test_a_split_study_gives_each_case_once_and_every_mode_to_every_case_over_three_readers() -> None:
    study = _study(10, 3, 3, design=ReadingDesign.SPLIT)
    orders = [reading_order(study, reader).cases for reader in study.readers]
    assert all(len(order) == 10 and {entry.session for entry in order} == {1} for order in orders)
    for case in study.cases:
        assert {entry.mode for order in orders for entry in order if entry.case == case.case} == set(_MODES)


def test_the_order_is_that_of_the_seed_and_not_of_the_manifest() -> None:
    study = _study(20, 2, 3)
    first = reading_order(study, "R0")
    assert reading_order(replace(study, cases=study.cases[::-1]), "R0") == first
    assert reading_order(replace(study, readers=(*study.readers, "late")), "R0") == first
    assert reading_order(replace(study, seed=4), "R0").cases != first.cases
    own = [entry.case for entry in first.cases[:20]]
    assert own != [entry.case for entry in reading_order(study, "R1").cases[:20]]
    assert own != [entry.case for entry in first.cases[20:40]]
    # Worked out with sha256sum: a study that was planned must come out the same years later.
    assert own[:6] == ["C4", "C10", "C18", "C9", "C17", "C14"]


def test_cases_come_at_every_place_equally_often() -> None:
    study = _study(4, 1, 1)
    seeds = range(1200)
    first = Counter(reading_order(replace(study, seed=seed), "R0").cases[0].case for seed in seeds)
    # 300 each; five standard deviations of a binomial count.
    assert all(abs(count - 300) < 5 * (1200 * 0.25 * 0.75) ** 0.5 for count in first.values()) and len(first) == 4


def test_a_planned_study_is_read_back_and_a_changed_order_is_refused(tmp_path: Path) -> None:
    path = planned_study(tmp_path)
    study = load_study(path)
    assert load_order(path, study, "R2") == reading_order(study, "R2")
    assert (path.parent / study.cases[0].image).resolve() == (tmp_path / "C1.nrrd").resolve()
    file = path.parent / "orders" / "R2.json"
    content = json.loads(file.read_text())
    content["cases"][0], content["cases"][1] = content["cases"][1], content["cases"][0]
    file.write_text(json.dumps(content))
    with pytest.raises(ReadingError, match="was changed"):
        load_order(path, study, "R2")
    with pytest.raises(ReadingError, match="no reader 'R3'"):
        load_order(path, study, "R3")


def test_a_csv_of_cases_takes_the_rest_as_stated(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_text("case,image,findings\nC1,a,f\nC2,b,f\n", encoding="utf-8")
    with pytest.raises(UnreadableImageError, match="seed, readers, modes"):
        read_manifest(path)
    study = read_manifest(path, {"seed": 0, "readers": ["R1"], "modes": ["concurrent"]})
    assert study.study == "cases" and [case.image for case in study.cases] == ["a", "b"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"readers": ["Dr. Smith"]}, "no code of a reader"),
        ({"readers": ["R1", "r1"]}, "twice"),
        ({"modes": ["aided"]}, "aided"),
        ({"cases": [{"case": "C1", "image": "a"}]}, "no findings file"),
        ({"cases": [{"case": "../C1", "image": "a", "findings": "f"}]}, "no code of a case"),
        ({"wash_out": 3}, "wash_out"),
    ],
)
def test_a_manifest_that_cannot_be_is_refused_with_its_fault(tmp_path: Path, changed: dict, said: str) -> None:
    with pytest.raises(UnreadableImageError, match=said):
        planned_study(tmp_path, **changed)
