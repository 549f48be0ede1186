"""Finished runs of the registration benchmark, kept in a file so that hours of work can be ended and taken up again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Run = dict[str, Any]


class FinishedRuns:
    """Runs by pair and method; with a file, what it holds is there at the start and every new run is added to it.

    Parameters
    ----------
    path : JSON; none: nothing is kept. It belongs to one state of the code: begin another after a change.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._runs: dict[str, dict[str, Run]] = {}
        if path is not None and path.exists():
            self._runs = json.loads(path.read_text(encoding="utf-8"))

    def of(self, kind: str, amplitude_mm: float, method: str) -> Run | None:
        """Return the run of a method on a pair, None where there is none yet."""
        return self._runs.get(_name(kind, amplitude_mm), {}).get(method)

    def add(self, kind: str, amplitude_mm: float, method: str, run: Run) -> None:
        """Add a run, and keep it at once."""
        self._runs.setdefault(_name(kind, amplitude_mm), {})[method] = run
        if self._path is not None:
            half = self._path.with_suffix(".part")
            half.write_text(json.dumps(self._runs, indent=1), encoding="utf-8")
            half.replace(self._path)

    def complete(
        self, kinds: Sequence[str], amplitudes_mm: Sequence[float], methods: Sequence[str]
    ) -> dict[str, dict[str, list[Run]]]:
        """Return the runs of each method by kind, of those pairs that all the methods have finished."""
        complete: dict[str, dict[str, list[Run]]] = {}
        for kind in kinds:
            for amplitude in amplitudes_mm:
                runs = self._runs.get(_name(kind, amplitude), {})
                if all(method in runs for method in methods):
                    of_kind = complete.setdefault(kind, {method: [] for method in methods})
                    for method in methods:
                        of_kind[method].append(runs[method])
        return complete


def _name(kind: str, amplitude_mm: float) -> str:
    return f"{kind}, {amplitude_mm:.0f} mm"
