"""How long each value of a network is needed, which wait long, and which need not be made at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from AIImagingLogic.inference.frugal.call_record import Call, CallRecord

# Calls that a value waits for between two uses before it counts as one that waits: a skip connection, not a residual.
_LONG = 12


@dataclass(frozen=True)
class Lifetimes:
    """When values are made and needed.

    Attributes
    ----------
    calls : of the record, those alone that the output depends on
    joined : numbers of values that are other values one after the other along the channels, unchanged while they are
        needed: these are put together where they are read
    last : of each group, index of the last call that needs it; the number of calls for what the output needs
    waiting : groups that wait long between two uses
    """

    calls: tuple[Call, ...]
    joined: dict[int, tuple[int, ...]]
    last: dict[int, int]
    waiting: frozenset[int]


def lifetimes(record: CallRecord) -> Lifetimes:
    """Return how long the values of a record are needed."""
    calls = _needed(record)
    joined: dict[int, tuple[int, ...]] = {}
    uses: dict[int, list[int]] = {}
    while True:
        uses = _uses(record, calls, joined)
        more = _joinable(record, calls, uses)
        if more.keys() == joined.keys():
            break
        joined = more
    last = {group: indices[-1] for group, indices in uses.items()}
    waits = {
        group
        for group, indices in uses.items()
        if group != 0 and any(after - before > _LONG for before, after in zip(indices, indices[1:]))
    }
    return Lifetimes(calls, joined, last, frozenset(waits))


def _needed(record: CallRecord) -> tuple[Call, ...]:
    """Return the calls without those that make only what nobody reads, as further outputs of deep supervision."""
    wanted = {record.values[record.output].group}
    kept = []
    for call in reversed(record.calls):
        if wanted & (set(_groups(record, _made(call))) | call.changed):
            kept.append(call)
            wanted |= set(_groups(record, call.used))
    return tuple(reversed(kept))


def _made(call: Call) -> list[int]:
    return [number for number in call.results if number is not None]


def _groups(record: CallRecord, numbers: Iterable[int]) -> list[int]:
    return [record.values[number].group for number in numbers]


def _uses(record: CallRecord, calls: tuple[Call, ...], joined: dict[int, tuple[int, ...]]) -> dict[int, list[int]]:
    """Return the indices of the calls that make, read or change each group, in order."""
    uses: dict[int, set[int]] = {0: {0}}
    behind: dict[int, list[int]] = {}

    def note(group: int, index: int) -> None:
        uses.setdefault(group, set()).add(index)
        for part in behind.get(group, ()):
            note(part, index)

    for index, call in enumerate(calls):
        for number in _made(call):
            if number in joined:
                behind[record.values[number].group] = _groups(record, joined[number])
        for group in _groups(record, [*call.used, *_made(call)]):
            note(group, index)
    note(record.values[record.output].group, len(calls))
    return {group: sorted(indices) for group, indices in uses.items()}


def _joinable(record: CallRecord, calls: tuple[Call, ...], uses: dict[int, list[int]]) -> dict[int, tuple[int, ...]]:
    found = {}
    for index, call in enumerate(calls):
        parts = _parts(record, call)
        made = call.results[0] if len(call.results) == 1 else None
        if made is None or not parts or made == record.output:
            continue
        groups = {*_groups(record, [*parts, made])}
        last = uses[record.values[made].group][-1]
        if not any(each.changed & groups for each in calls[index : last + 1]):
            found[made] = tuple(parts)
    return found


def _parts(record: CallRecord, call: Call) -> list[int]:
    """Return the values that a call puts one after the other along the channels; a copy has one."""
    used = list(call.used)
    if not used or any(len(record.values[number].shape) < 3 for number in used):
        return []
    if call.name in ("cat", "concat"):
        axis = call.args[1] if len(call.args) > 1 else call.kwargs.get("dim", 0)
        made = record.values[call.results[0] or 0]
        return used if axis in (1, 1 - len(made.shape)) else []
    if call.name == "pad":
        sides = call.args[1] if len(call.args) > 1 else call.kwargs.get("pad", (1,))
        return used if not any(sides) else []
    return []
