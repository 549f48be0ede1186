"""`aiimaging cohort responses`: tables and plots say what was saved of each patient; bad ones are told."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from saved_patients import response, save, save_text

from AIImagingLogic.cli import main
from AIImagingLogic.cohort.saved_response import SavedResponseError
from AIImagingLogic.records.errors import OutputError


@pytest.fixture
def patients(tmp_path: Path) -> Path:
    """Patients with PR then PD by a new lesion, CR, PD at once; one that cannot be read."""
    folder = tmp_path / "patients"
    save(folder, "north", response([50, 30, 20], new_at=2))
    save(folder, "east", response([40, 0]))
    save(folder, "=south", response([20, 60, 10]))
    save_text(folder, "west", "response.json", "{")
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def titles(path: Path, tag: str) -> list[str]:
    return re.findall(rf"<{tag} class=\"(?:bar|dot)\"[^>]*><title>([^<]*)</title>", path.read_text(encoding="utf-8"))


def test_tables_and_plots_hold_every_patient_and_visit(
    patients: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["cohort", "responses", str(patients), "-o", str(out)]) == 0
    printed = capsys.readouterr()
    assert "Skipped 'west': response.json is damaged" in printed.err
    assert "1 CR, 1 PD, 1 PR; 1 skipped" in printed.out
    assert sorted(path.name for path in out.iterdir()) == [
        *("patients.csv", "responses.csv", "result.json", "spider.svg", "waterfall.svg")
    ]
    visits = rows(out / "responses.csv")
    assert [(one["patient"], one["visit"], one["days"], one["response"]) for one in visits] == [
        ("'=south", "1", "0", "baseline"),
        ("'=south", "2", "56", "PD"),
        ("'=south", "3", "112", "PR"),
        ("east", "1", "0", "baseline"),
        ("east", "2", "56", "CR"),
        ("north", "1", "0", "baseline"),
        ("north", "2", "56", "PR"),
        ("north", "3", "112", "PD"),
    ]
    assert [one["change_from_baseline_percent"] for one in visits] == ["", "200", "-50", "", "-100", "", "-40", "-60"]
    assert visits[7]["row"] == "pd-new" and visits[7]["sum_mm"] == "20" and visits[7]["targets_chosen_by"] == "person"
    # What comes after progression is no best change: -50% of the first patient is not in the waterfall plot.
    assert titles(out / "waterfall.svg", "rect") == ["=south PD +200%", "north PR \u221260%", "east CR \u2212100%"]
    assert len(titles(out / "spider.svg", "circle")) == 5


def test_a_table_of_patients_names_the_skipped_ones(patients: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["cohort", "responses", str(patients), "-o", str(out), "-q"]) == 0
    by_name = {one["patient"]: one for one in rows(out / "patients.csv")}
    assert by_name["north"]["best_response"] == "PR" and by_name["north"]["progression_days"] == "112"
    assert by_name["north"]["best_change_percent"] == "-60" and by_name["'=south"]["best_change_percent"] == "200"
    assert by_name["west"]["best_response"] == "" and "damaged" in by_name["west"]["skipped"]


def test_anonymous_files_name_no_folder(patients: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["cohort", "responses", str(patients), "-o", str(out), "--anonymous", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [one["patient"] for one in answer["result"]["patients"]] == ["P01", "P02", "P03"]
    assert [one["patient"] for one in answer["result"]["skipped"]] == ["P04"]
    texts = {path.name: path.read_text(encoding="utf-8") for path in out.iterdir()}
    assert "P01" in texts["patients.csv"] and "P04" in texts["patients.csv"]
    for file, text in texts.items():
        assert not any(name in text for name in ("north", "east", "south", "west")), file


def test_other_criteria_have_their_own_limits(tmp_path: Path) -> None:
    save(tmp_path / "patients", "p", response([50, 40, 60], rules="irecist"))
    out = tmp_path / "out"
    arguments = ["cohort", "responses", str(tmp_path / "patients"), "-o", str(out), "-q"]
    assert main([*arguments, "--rules", "irecist", "--language", "zh"]) == 0
    assert [one["response"] for one in rows(out / "responses.csv")] == ["baseline", "iSD", "iUPD"]
    assert "各患者的最佳变化" in (out / "waterfall.svg").read_text(encoding="utf-8")
    assert main([*arguments, "--overwrite"]) == SavedResponseError.exit_code
    assert [one["response"] for one in rows(out / "responses.csv")] == ["baseline", "iSD", "iUPD"]


def test_nothing_is_written_where_something_else_stands(patients: Path, tmp_path: Path) -> None:
    save_text(tmp_path, "mine", "notes.txt", "keep")
    arguments = ["cohort", "responses", str(patients), "-o", str(tmp_path / "mine"), "-q"]
    assert main(arguments) == OutputError.exit_code
    assert main([*arguments, "--overwrite"]) == OutputError.exit_code
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
