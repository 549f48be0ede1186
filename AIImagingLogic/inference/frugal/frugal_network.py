"""Runs a network as planned: by rows where that is known, whole where it is not; values end with their last use."""

from __future__ import annotations

from functools import partial
from typing import Any

from AIImagingLogic.inference.frugal.activation_store import ActivationStore
from AIImagingLogic.inference.frugal.call_record import Reference
from AIImagingLogic.inference.frugal.frugal_plan import FrugalPlan, Step
from AIImagingLogic.inference.frugal.slab_work import padded_rows


class FrugalNetwork:
    """A network that is called as its module is, with windows of the planned shape.

    Parameters
    ----------
    plan : of the network
    store : gives room for values

    Notes
    -----
    What a call gives may be overwritten by the next call.
    """

    def __init__(self, plan: FrugalPlan, store: ActivationStore) -> None:
        self._plan, self._store = plan, store
        self._values: dict[int, Any] = {}
        self._rooms: dict[int, Any] = {}
        self._members: dict[int, list[int]] = {}
        for number, value in enumerate(plan.record.values):
            self._members.setdefault(value.group, []).append(number)

    def __call__(self, window: Any) -> Any:
        """Return what the module returns first.

        Parameters
        ----------
        window : torch float32 of the planned shape; is left as it is
        """
        for group in list(self._rooms):
            self._end(group)
        self._values = {0: window.contiguous()}
        if any(0 in step.call.changed for step in self._plan.steps):
            self._values[0] = window.clone()
        try:
            for step in self._plan.steps:
                self._do(step)
                for group in step.ending:
                    self._end(group)
            return self._values[self._plan.record.output]
        finally:
            self._values = {}

    def _do(self, step: Step) -> None:
        if len(step.call.results) == 1 and step.call.results[0] in self._plan.lives.joined:
            return
        if step.work is None:
            self._do_whole(step)
        else:
            self._do_by_rows(step)

    def _do_by_rows(self, step: Step) -> None:
        made = step.call.results[0]
        assert step.work is not None and made is not None
        value = self._plan.record.values[made]
        step.work.prepare(self._read, step.rows)
        if step.call.changed:
            room = self._values[made]
        elif step.in_place_of is not None:
            room = self._rooms.pop(self._plan.record.values[step.in_place_of].group)
            self._keep(made, room)
        else:
            room = self._store.new(value.shape, value.group in self._plan.in_file)
            self._keep(made, room)
        for start in range(0, value.shape[2], step.rows):
            stop = min(start + step.rows, value.shape[2])
            rows = step.work.compute(self._read, start, stop)
            place = room.narrow(2, start, stop - start)
            if rows.data_ptr() != place.data_ptr():
                place.copy_(rows)
            del rows, place
            self._store.release()

    def _do_whole(self, step: Step) -> None:
        from torch.utils._pytree import tree_leaves, tree_map

        def value_of(leaf: Any) -> Any:
            return self._whole(leaf.number) if isinstance(leaf, Reference) else leaf

        args, kwargs = tree_map(value_of, (step.call.args, step.call.kwargs))
        given = {_memory(leaf) for leaf in tree_leaves((args, kwargs)) if hasattr(leaf, "untyped_storage")}
        results = tree_leaves(step.call.function(*args, **kwargs))
        for number, result in zip(step.call.results, results):
            if number is None or number in self._values:
                continue
            value = self._plan.record.values[number]
            if value.group != number:
                self._values[number] = result
            elif value.group in self._plan.in_file:
                self._keep(number, self._store.new(value.shape, True).copy_(result))
            else:
                # Seen as new when recorded: what shares memory here is given its own, which may be overwritten.
                self._keep(number, self._store.adopted(result.clone() if _memory(result) in given else result))
        self._store.release()

    def _keep(self, number: int, room: Any) -> None:
        self._values[number] = room
        self._rooms[self._plan.record.values[number].group] = room

    def _end(self, group: int) -> None:
        for number in self._members[group]:
            self._values.pop(number, None)
        room = self._rooms.pop(group, None)
        if room is not None:
            self._store.take_back(room)

    def _whole(self, number: int) -> Any:
        import torch

        parts = self._plan.lives.joined.get(number)
        if parts is None:
            return self._values[number]
        values = [self._whole(part) for part in parts]
        return torch.cat(values, 1) if len(values) > 1 else values[0].clone()

    def _read(self, number: int, first: int, last: int, fill: float) -> Any:
        """Return rows of a value; those beyond it are `fill`."""
        return padded_rows(partial(self._rows, number), self._plan.record.values[number].shape, first, last, fill)

    def _rows(self, number: int, low: int, high: int) -> Any:
        import torch

        parts = self._plan.lives.joined.get(number)
        if parts is None:
            return self._values[number].narrow(2, low, high - low)
        rows = [self._rows(part, low, high) for part in parts]
        return torch.cat(rows, 1) if len(rows) > 1 else rows[0]


def _memory(tensor: Any) -> int:
    return int(tensor.untyped_storage().data_ptr())
