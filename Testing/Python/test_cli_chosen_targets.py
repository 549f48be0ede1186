"""Targets chosen on the command line: in a follow-up's run, of its saved result, and kept for the next visit."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
import SimpleITK as sitk
from synthetic_timeline import two_visits

from AIImagingLogic.cli import follow_up_command, main
from AIImagingLogic.cli.criteria_arguments import add_response, asks_for_response
from AIImagingLogic.cohort.responses import read_responses
from AIImagingLogic.followup.criteria.facts import FactsError
from AIImagingLogic.records.errors import UnreadableImageError
from AIImagingLogic.records.timeline import Timeline

# Lesion 1 grows from 10 to 14 mm, lesion 2 is new (8 mm), lesion 3 (12 mm) resolves.
GROWS, NEW, GONE = 1, 2, 3


class AnswersAtOnce:
    """Stands for the worker: the follow-up is that of `two_visits`."""

    def __enter__(self) -> AnswersAtOnce:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, *_: object) -> Timeline:
        return two_visits()[0]

    def close(self) -> None:
        """Nothing runs."""


@pytest.fixture
def follow_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run `aiimaging followup` with more arguments; return its JSON answer and standard error."""
    monkeypatch.setattr(follow_up_command, "WorkerTasks", AnswersAtOnce)
    paths = [str(tmp_path / f"visit{index}.nrrd") for index in range(2)]
    for image, path in zip(two_visits()[1], paths):
        sitk.WriteImage(image, path)

    def run(out: Path, *more: str) -> tuple[dict[str, Any], str]:
        capsys.readouterr()
        dates = ("--dates", "2023-03-01", "2024-03-01")
        assert main(["followup", *paths, "-o", str(out), *dates, "--no-scene", "--no-pictures", "--json", *more]) == 0
        printed = capsys.readouterr()
        return json.loads(printed.out), printed.err

    return run


def criteria(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["criteria", *arguments, "--json", "-q"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_a_run_assesses_the_targets_that_the_user_names(tmp_path: Path, follow_up: Any) -> None:
    answer, _ = follow_up(tmp_path / "p" / "x", "--targets", "1,3")
    response = answer["response"]
    assert (response["choice"]["targets"], response["choice"]["by_person"]) == ([1, 3], True)
    first, last = response["assessments"]
    assert (first["figures"]["sum_mm"], last["figures"]["sum_mm"]) == (22.0, 14.0)
    assert (last["category"], last["row"], last["rules"]) == ("PD", "pd-new", "RECIST 1.1")
    report = (tmp_path / "p" / "x" / "report.html").read_text(encoding="utf-8")
    assert "Response to treatment" in report and "chosen by a person" in report
    (patient,) = read_responses(tmp_path).patients
    assert patient.best == "PD" and patient.changes_percent == (None, pytest.approx(-100 * 8 / 22))


def test_a_run_without_the_words_has_no_response(tmp_path: Path, follow_up: Any) -> None:
    answer, _ = follow_up(tmp_path / "x")
    assert "response" not in answer and not (tmp_path / "x" / "response.json").exists()


def test_a_wrong_number_loses_no_follow_up(tmp_path: Path, follow_up: Any) -> None:
    answer, said = follow_up(tmp_path / "x", "--targets", f"{GROWS},{NEW}", "--criteria", "irecist")
    assert "response" not in answer and (tmp_path / "x" / "result.json").exists()
    assert "No response to treatment: Lesion 2 is not there at baseline" in said
    assert "No response to treatment" in (tmp_path / "x" / "report.html").read_text(encoding="utf-8")


def test_a_saved_result_is_assessed_with_other_targets_and_criteria(
    tmp_path: Path, follow_up: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    follow_up(tmp_path / "x")
    folder, out = str(tmp_path / "x"), tmp_path / "responses" / "x"
    proposed = criteria(capsys, folder)
    assert proposed["choice"]["by_person"] is False and proposed["choice"]["targets"] == [1, 3]
    alone = criteria(capsys, folder, "--targets", str(GONE), "--rules", "irecist", "-o", str(out))
    assert (alone["choice"]["targets"], alone["choice"]["non_targets"]) == ([3], [1])
    assert [one["category"] for one in alone["visits"]] == ["baseline", "iUPD"]
    assert alone["files"] == ["report.html", "response.json"]
    # The criteria took the result's file as they took its folder.
    assert criteria(capsys, f"{folder}/result.json", "--targets", "3", "--non-targets", "none")["visits"][1]["row"]
    (patient,) = read_responses(tmp_path / "responses", "irecist").patients
    assert patient.choice is not None and patient.choice.targets == (GONE,)
    assert main(["criteria", folder, "-o", str(out), "-q"]) == 8
    assert main(["criteria", folder, "-o", str(out), "-q", "--overwrite", "--language", "zh"]) == 0
    assert "疗效评价" in (out / "report.html").read_text(encoding="utf-8")


def test_what_a_reader_says_counts(tmp_path: Path, follow_up: Any, capsys: pytest.CaptureFixture[str]) -> None:
    follow_up(tmp_path / "x")
    said = "--targets", "3", "--non-targets", "1", "--progressed", "1@2", "--organ", "3=liver"
    answer = criteria(capsys, str(tmp_path / "x"), *said)
    assert answer["visits"][1]["parts"]["non-targets"].startswith("PD")
    as_node = criteria(capsys, str(tmp_path / "x"), "--nodes", "1,3")
    # Of nodes the short axis counts, and none was measured.
    assert as_node["choice"]["targets"] == []


def test_a_persons_targets_hold_in_the_next_run(
    tmp_path: Path, follow_up: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    follow_up(tmp_path / "first", "--targets", "3")
    answer, _ = follow_up(tmp_path / "second", "--previous", str(tmp_path / "first"), "--criteria", "recist-1.1")
    choice = answer["response"]["choice"]
    assert choice["targets"] == [3] and "as a person chose them before" in choice["notes"][0]
    assert criteria(capsys, str(tmp_path / "second"), "--rules", "irecist")["choice"]["targets"] == [3]
    assert criteria(capsys, str(tmp_path / "second"), "--targets", "1")["choice"]["targets"] == [1]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--targets", "9"), "Lesion 9 is not there at baseline"),
        (("--targets", "1", "--non-targets", "1"), "both target and non-target"),
        (("--nodes", "7"), "no lesion 7"),
        (("--progressed", "1@3"), "No lesion can progress at visit 3"),
        (("--option", "guess"), "no option 'guess'"),
    ],
)
def test_what_is_not_there_is_refused(
    tmp_path: Path, follow_up: Any, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], words: str
) -> None:
    follow_up(tmp_path / "x")
    assert main(["criteria", str(tmp_path / "x"), *more, "-q"]) == FactsError.exit_code
    assert words in capsys.readouterr().err


def test_a_folder_without_a_follow_up_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["criteria", str(tmp_path), "-q"]) == UnreadableImageError.exit_code
    (tmp_path / "result.json").write_text('{"record": "Timeline"}')
    assert main(["criteria", str(tmp_path), "-q"]) == UnreadableImageError.exit_code
    assert "no whole result" in capsys.readouterr().err


def test_a_file_of_facts_names_its_targets_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "facts.csv"
    path.write_text("visit,role,number,longest_mm\n1,target,4,20\n2,target,4,10\n")
    assert main(["criteria", str(path), "--targets", "4", "-q"]) == FactsError.exit_code
    answer = criteria(capsys, str(path), "-o", str(tmp_path / "patients" / "x"))
    assert answer["files"] == ["response.json"] and answer["choice"]["targets"] == [4]
    (patient,) = read_responses(tmp_path / "patients").patients
    assert patient.best == "PR" and patient.days == (None, None)


def test_numbers_that_are_none_are_wrong_usage() -> None:
    for words in (["--targets", "1,x"], ["--targets", "0"], ["--organ", "liver"], ["--progressed", "3"]):
        with pytest.raises(SystemExit) as refusal:
            main(["followup", "a", "b", "-o", "x", *words])
        assert refusal.value.code == 2


def test_any_of_the_words_asks_for_the_response() -> None:
    parser = argparse.ArgumentParser()
    add_response(parser)
    assert not asks_for_response(parser.parse_args([]))
    for words in (["--criteria", "irecist"], ["--targets", "none"], ["--non-targets", "2"], ["--nodes", "2"]):
        assert asks_for_response(parser.parse_args(words))
