"""How a network is run with little memory: how each call is done, where its result lies, and what ends with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from AIImagingLogic.inference.frugal.activation_store import LEAST_IN_FILE
from AIImagingLogic.inference.frugal.call_record import Call, CallRecord, record_calls
from AIImagingLogic.inference.frugal.lifetimes import Lifetimes, lifetimes
from AIImagingLogic.inference.frugal.slab_work import SlabWork, row_size
from AIImagingLogic.inference.frugal.slab_works import slab_work

# Bytes that a call done some rows at a time may take besides what it is given and gives.
_ROOM, _SMALL_ROOM = 32_000_000, 8_000_000
# With fewer rows at a time most of what is read are the borders of slabs.
_LEAST_ROWS = 4
# A call that takes less in one go is not divided; any other is, into so many parts at least.
_UNDIVIDED, _PARTS = 1_000_000, 8


@dataclass(frozen=True)
class Step:
    """A call and how it is done.

    Attributes
    ----------
    call : of the network
    work : does it some rows at a time; None: it is done in one go, or not at all where its result is joined values
    rows : at a time
    in_place_of : number of the value whose room the result takes; None: it has its own
    ending : groups that nobody needs after it
    """

    call: Call
    work: SlabWork | None
    rows: int
    in_place_of: int | None
    ending: tuple[int, ...]


@dataclass(frozen=True)
class FrugalPlan:
    """All steps of a network for windows of one shape.

    Attributes
    ----------
    record, lives : of the network
    steps : in order
    in_file : groups that lie in files
    """

    record: CallRecord
    lives: Lifetimes
    steps: tuple[Step, ...]
    in_file: frozenset[int]


def frugal_plan(module: Any, window_shape: Sequence[int], all_in_files: bool) -> FrugalPlan:
    """Plan how a network is run on windows of a shape.

    Parameters
    ----------
    module : torch.nn.Module in evaluation mode, on the CPU
    window_shape : (1, channels, *window)
    all_in_files : whether all large values lie in files, not only those that wait long

    Raises
    ------
    NotRecordable
        The network's calls cannot be had.
    """
    record = record_calls(module, window_shape)
    lives = lifetimes(record)
    in_file = _in_file(record, lives, all_in_files)
    endings: dict[int, list[int]] = {}
    for group, index in lives.last.items():
        endings.setdefault(index, []).append(group)
    room = _SMALL_ROOM if all_in_files else _ROOM
    steps = []
    for index, call in enumerate(lives.calls):
        joined = len(call.results) == 1 and call.results[0] in lives.joined
        work = None if joined else slab_work(record, call)
        rows = 0 if work is None else _rows(work, record.values[call.results[0] or 0].shape[2], room)
        replaced = _replaced(record, lives, index, work, in_file)
        steps.append(Step(call, work, rows, replaced, tuple(endings.get(index, ()))))
    return FrugalPlan(record, lives, tuple(steps), in_file)


def _rows(work: SlabWork, size: int, room: int) -> int:
    """Return how many of `size` rows are made at a time."""
    if work.row_bytes * size <= _UNDIVIDED:
        return size
    fitting = int((room - work.border_bytes) // work.row_bytes)
    return max(min(fitting, -(-size // _PARTS)), _LEAST_ROWS)


def _in_file(record: CallRecord, lives: Lifetimes, all_in_files: bool) -> frozenset[int]:
    """Return the groups that lie in files; only what is all of its memory, in single precision, can."""
    groups = lives.last if all_in_files else lives.waiting
    values = {group: record.values[group] for group in groups if group != 0}
    return frozenset(
        group
        for group, value in values.items()
        if value.is_whole and value.is_single and value.bytes >= LEAST_IN_FILE and group not in lives.joined
    )


def _replaced(
    record: CallRecord, lives: Lifetimes, index: int, work: SlabWork | None, in_file: frozenset[int]
) -> int | None:
    """Return a value that ends with a call and whose room the result may take row by row."""
    call = lives.calls[index]
    if work is None or not work.row_by_row or call.changed or call.results[0] is None:
        return None
    made = record.values[call.results[0]]
    for number in call.used:
        value = record.values[number]
        ends = lives.last.get(value.group) == index and value.group != 0
        alike = value.shape == made.shape and value.is_whole and value.is_single and number not in lives.joined
        if ends and alike and (value.group in in_file) == (made.group in in_file):
            return number
    return None


def plan_bytes(plan: FrugalPlan) -> int:
    """Return how many bytes of memory a pass takes at most, without the window that it is given.

    What lies in files counts while it is read or written.
    """
    values, most, live = plan.record.values, 0, 0
    kept: dict[int, int] = {}
    for step in plan.steps:
        made = [number for number in step.call.results if number is not None]
        for number in made:
            group = values[number].group
            is_new = group == number and number not in plan.lives.joined and group not in kept and group != 0
            if is_new and step.in_place_of is not None:
                kept[group] = kept.pop(values[step.in_place_of].group, 0)
            elif is_new:
                kept[group] = 0 if group in plan.in_file else values[number].bytes
        live = sum(kept.values())
        most = max(most, live + _besides(plan, step, made))
        for group in step.ending:
            kept.pop(group, None)
    return most


def _besides(plan: FrugalPlan, step: Step, made: list[int]) -> int:
    """Return what a step takes besides the values that live."""
    values, lives = plan.record.values, plan.lives
    if step.work is not None:
        number = made[0]
        rows = min(step.rows, values[number].shape[2])
        touched = [each for each in (number, *step.call.used) if values[each].group in plan.in_file]
        pages = sum(row_size(values[each].shape) for each in touched) * rows
        return int(step.work.row_bytes * rows + step.work.border_bytes + pages)
    if len(made) == 1 and made[0] in lives.joined:
        return 0
    read = sum(
        values[each].bytes for each in set(step.call.used) if each in lives.joined or values[each].group in plan.in_file
    )
    # A result on its way to a file is there twice.
    return read + sum(2 * values[each].bytes for each in made if values[each].group in plan.in_file)
