"""Facts typed into a file: JSON and CSV say the same, mistakes are named with their place, the command answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from AIImagingLogic.cli import main
from AIImagingLogic.followup.criteria.assess import assess_response
from AIImagingLogic.followup.criteria.facts import FactsError
from AIImagingLogic.followup.criteria.facts_file import read_facts

TABLE = """visit,date,role,number,organ,is_node,state,longest_mm,short_axis_mm,spleen_mm
1,2025-01-10,target,1,liver,,,42,,
1,,target,2,,yes,,30,18,120
1,,non-target,3,bone,,,,,
2,2025-03-14,target,1,liver,,,30,,
2,,target,2,,yes,,20,9.5,
2,,non-target,3,bone,,,,,
3,2025-05-16,target,1,liver,,gone,,,
3,,target,2,,yes,,20,9.5,
3,,non-target,3,bone,,gone,,,
3,,new,4,lung,no,,7,,
"""


def written(folder: Path, text: str, name: str = "facts.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_csv_and_json_say_the_same(tmp_path: Path) -> None:
    visits = read_facts(written(tmp_path, TABLE))
    assert [answer.category for answer in assess_response(visits, "recist-1.1")] == ["baseline", "PR", "PD"]
    assert visits[0].spleen_mm == 120
    text = json.dumps({"visits": [visit.to_json() for visit in visits]})
    assert read_facts(written(tmp_path, text, "facts.json")) == visits


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("longest_mm", "longest", "visit 1, targets: 'longest' is not known"),
        (",42,", ",4z2,", "longest_mm is '4z2'"),
        ("target,1,", "goal,1,", "line 2: role is 'goal'"),
        ("2025-01-10", "10.1.2025", "visit 1: '10.1.2025' is no date"),
        ("gone", "away", "visit 3, targets: state is 'away'"),
        (",no,", ",perhaps,", "is_node is 'perhaps'"),
        ("1,2025", "one,2025", "visit is 'one'"),
        ("target,2,,yes,,30", "target,,,yes,,30", "has no number"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(FactsError, match=words):
        read_facts(written(tmp_path, TABLE.replace(old, new)))


@pytest.mark.parametrize("text", ["", "[]", '{"visits": 3}', '{"visits": [{"targets": [3]}]}', '{"visits": [{}], '])
def test_json_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(FactsError):
        assess_response(read_facts(written(tmp_path, text, "facts.json")), "irecist")


def test_the_command_prints_a_table_or_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, TABLE)
    assert main(["criteria", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "RECIST 1.1" in shown and "Best response: PR (visit 2)" in shown
    assert main(["criteria", str(path), "--rules", "irecist", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [visit["category"] for visit in answer["visits"]] == ["baseline", "iPR", "iUPD"]
    assert answer["visits"][2]["row"] == "iupd" and answer["best"] == {"visit": 1, "category": "iPR"}
    assert main(["criteria", str(path), "--rules", "lugano-ct"]) == FactsError.exit_code
    assert "both diameters" in capsys.readouterr().err
    assert main(["criteria", str(path), "--option", "guess"]) == FactsError.exit_code
    assert main(["criteria", str(tmp_path / "nothing.csv")]) == FactsError.exit_code
