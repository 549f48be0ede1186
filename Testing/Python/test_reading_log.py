"""A reader's file: nothing is lost by a crash, nothing can be changed unseen, the mode is kept, the time is right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from reading_studies import Clock, planned_study, recorder

from AIImagingLogic.evaluation.reading_folder import log_file
from AIImagingLogic.records.reading import ActionKind, AiMark, ReadingError, ReadingMode
from AIImagingLogic.records.reading_log import read_log

_AI = (AiMark("A1", (1.0, -2.0, 3.5), 0.9, 6.0, "1.2.3"), AiMark("A2", (40.0, 5.0, -6.0), 0.4))
_PLACE = (10.25, -20.5, 1 / 3)


def _opened(tmp_path: Path, mode: str, clock: Clock | None = None) -> Any:
    made = recorder(planned_study(tmp_path, 3, modes=[mode]), clock=clock)
    made.open()
    return made


def _add(made: Any, score: float | None = None) -> str:
    name = made.state.next_mark()
    made.record(ActionKind.ADD, mark=name, position_mm=_PLACE, score=score)
    return str(name)


def _locked(made: Any) -> None:
    made.record(ActionKind.LOCK)
    made.record(ActionKind.SHOW, marks=_AI)


def test_an_unaided_reading_is_never_shown_a_mark_of_the_ai(tmp_path: Path) -> None:
    made = _opened(tmp_path, "unaided")
    for said in ({"kind": ActionKind.SHOW, "marks": _AI}, {"kind": ActionKind.ACCEPT, "mark": "A1", "score": 50.0}):
        with pytest.raises(ReadingError):
            made.record(**said)
    with pytest.raises(ReadingError):
        made.record(ActionKind.LOCK)
    _add(made, 80.0)
    made.record(ActionKind.FINISH)
    (reading,) = made.finished
    assert reading.shown == () and reading.marks[0].position_mm == _PLACE and not reading.marks[0].aided


def test_a_second_reader_sees_the_ai_after_the_lock_and_changes_nothing_that_is_locked(tmp_path: Path) -> None:
    made = _opened(tmp_path, "second-reader")
    with pytest.raises(ReadingError, match="before the lock"):
        made.record(ActionKind.SHOW, marks=_AI)
    mark = _add(made)
    with pytest.raises(ReadingError, match="no score yet for M1"):
        made.record(ActionKind.LOCK)
    made.record(ActionKind.RATE, mark=mark, score=70.0)
    _locked(made)
    before = made.state.locked
    for kind, said in (
        (ActionKind.MOVE, {"position_mm": (0.0, 0.0, 0.0)}),
        (ActionKind.DELETE, {}),
        (ActionKind.RATE, {"score": 10.0}),
    ):
        with pytest.raises(ReadingError, match="is locked"):
            made.record(kind, mark=mark, **said)
    added = _add(made, 30.0)
    made.record(ActionKind.ACCEPT, mark="A1", score=90.0)
    with pytest.raises(ReadingError, match="Nothing was said yet of A2"):
        made.record(ActionKind.FINISH)
    made.record(ActionKind.REFUSE, mark="A2")
    made.record(ActionKind.FINISH)
    (reading,) = made.finished
    assert reading.alone_marks == before and [entry.score for entry in before] == [70.0]
    assert [(entry.mark, entry.aided, entry.accepted) for entry in reading.marks] == [
        (mark, False, False),
        (added, True, False),
        ("A1", True, True),
    ]
    assert reading.refused == ("A2",) and reading.shown == _AI
    # What was refused is not on file either.
    kinds = [action.kind for action in read_log(log_file(made.study_file, "R1"))]
    assert ActionKind.DELETE not in kinds and ActionKind.MOVE not in kinds


def test_a_second_reading_without_the_ai_is_not_finished(tmp_path: Path) -> None:
    made = _opened(tmp_path, "second-reader")
    with pytest.raises(ReadingError, match="Lock the unaided reading first"):
        made.record(ActionKind.FINISH)
    made.record(ActionKind.LOCK)
    with pytest.raises(ReadingError, match="Look at the AI's marks first"):
        made.record(ActionKind.FINISH)


def test_a_line_that_a_crash_cut_is_taken_away_and_the_case_goes_on_where_it_stopped(tmp_path: Path) -> None:
    clock = Clock()
    made = _opened(tmp_path, "second-reader", clock)
    clock.on(20)
    _add(made, 60.0)
    clock.on(5)
    _locked(made)
    clock.on(7)
    made.record(ActionKind.ACCEPT, mark="A1", score=90.0)
    whole = made.state
    path = log_file(made.study_file, "R1")
    _crash(made)
    with path.open("ab") as file:
        file.write(b'{"number":99,"kind":"refuse","mark":"A2","ti')
    lines = path.read_bytes().count(b"\n")
    clock.on(3600)
    again = recorder(made.study_file, clock=clock)
    assert "cut off" in again.notes[0] and again.next == made.next
    assert again.state is not None and not again.state.running
    assert (again.state.marks, again.state.locked, again.state.shown) == (whole.marks, whole.locked, whole.shown)
    assert path.read_bytes().count(b"\n") == lines + 2
    with pytest.raises(ReadingError, match="is paused"):
        again.record(ActionKind.REFUSE, mark="A2")
    again.open()
    clock.on(4)
    again.record(ActionKind.REFUSE, mark="A2")
    again.record(ActionKind.FINISH)
    (reading,) = again.finished
    # 20 + 5 alone; 7 before the crash and 4 after it; not the hour.
    assert (reading.alone_seconds, reading.active_seconds, reading.interruptions) == (25.0, 36.0, 1)
    assert read_log(path) == again._log.actions


def _crash(made: Any) -> None:
    """End the program without its knowing: the system lets go of its files."""
    made._log._file.close()
    made._log._held.release()


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_wherever_the_file_is_cut_all_whole_lines_are_there(tmp_path: Path, cut: int) -> None:
    made = _opened(tmp_path, "unaided")
    for score in (10.0, 20.0, 30.0):
        _add(made, score)
    path = log_file(made.study_file, "R1")
    before = made._log.actions
    _crash(made)
    content = path.read_bytes()
    path.write_bytes(content[:-cut])
    assert read_log(path) == before[:-1]
    again = recorder(made.study_file)
    assert [mark.score for mark in again.state.marks.values()] == [10.0, 20.0]
    assert again.open().next_mark() == "M3"
    assert read_log(path) == again._log.actions


def test_a_line_that_was_changed_or_taken_out_is_named(tmp_path: Path) -> None:
    made = _opened(tmp_path, "unaided")
    _add(made, 10.0)
    made.close()
    path = log_file(made.study_file, "R1")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines).replace(b'"score":10.0', b'"score":90.0'))
    with pytest.raises(ReadingError, match="changed at line 3"):
        recorder(made.study_file)
    path.write_bytes(b"".join(lines[:1] + lines[2:]))
    with pytest.raises(ReadingError, match="changed at line 2"):
        recorder(made.study_file)


def test_two_readers_have_files_of_their_own_and_one_reader_reads_in_one_program(tmp_path: Path) -> None:
    study = planned_study(tmp_path)
    first, second = recorder(study, "R1"), recorder(study, "R2")
    first.open(), second.open()
    _add(second, 5.0) if second.state.mode is ReadingMode.UNAIDED else None
    files = {path.name for path in (study.parent / "readings").iterdir()}
    assert files == {"R1.jsonl", "R1.lock", "R2.jsonl", "R2.lock"}
    with pytest.raises(ReadingError, match="in another program"):
        recorder(study, "R1")
    first.close()
    assert recorder(study, "R1").state is not None


def test_pauses_are_not_counted_and_idle_time_is_stated(tmp_path: Path) -> None:
    clock = Clock()
    made = _opened(tmp_path, "unaided", clock)
    clock.on(30)
    made.touch()
    clock.on(100)  # idle: the limit is 60 s
    _add(made, 1.0)
    made.record(ActionKind.PAUSE)
    clock.on(1000)
    made.open()
    clock.on(10)
    made.record(ActionKind.FINISH)
    (reading,) = made.finished
    assert (reading.active_seconds, reading.idle_seconds, reading.pauses) == (140.0, 100.0, 1)
    assert (reading.closed - reading.opened).total_seconds() == 1140.0


def test_the_time_of_day_set_back_changes_no_duration(tmp_path: Path) -> None:
    clock = Clock()
    made = _opened(tmp_path, "unaided", clock)
    clock.on(30)
    clock.day = clock.day.replace(year=2029)
    made.record(ActionKind.FINISH)
    assert made.finished[0].active_seconds == 30.0


def test_the_second_session_waits_for_the_wash_out(tmp_path: Path) -> None:
    clock = Clock()
    made = recorder(planned_study(tmp_path, 2, modes=["unaided", "concurrent"], washout_days=28), clock=clock)
    for _case in range(2):
        state = made.open()
        if state.may_show_ai:
            made.record(ActionKind.SHOW, marks=())
        made.record(ActionKind.FINISH)
    with pytest.raises(ReadingError, match="Session 2 may begin on 2030-01-29"):
        made.open()
    clock.on(28 * 86400)
    assert made.open().session == 2


def test_a_disk_that_is_full_leaves_the_file_and_the_case_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from AIImagingLogic.records import reading_log
    from AIImagingLogic.records.errors import OutputError

    study = planned_study(tmp_path, 3, modes=["unaided"])
    path = log_file(study, "R1")
    path.parent.mkdir()
    path.write_bytes(b'{"number":1,"kind":"beg')
    made = recorder(study)
    made.open()
    content, state = path.read_bytes(), made.state

    def full(file: Any, line: bytes) -> None:
        file.write(line[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(reading_log, "_write_all", full)
    with pytest.raises(OutputError, match="disk is full"):
        _add(made, 1.0)
    assert path.read_bytes() == content and made.state == state
    monkeypatch.undo()
    assert _add(made, 1.0) == "M1" and read_log(path) == made._log.actions


def test_the_file_holds_no_path_and_every_line_says_its_time_zone(tmp_path: Path) -> None:
    made = _opened(tmp_path, "unaided")
    made.close()
    text = log_file(made.study_file, "R1").read_text(encoding="utf-8")
    assert str(tmp_path) not in text and ".nrrd" not in text
    for line in text.splitlines():
        assert json.loads(line)["time"].endswith("+00:00")
