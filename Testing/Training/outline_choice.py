"""Fits how the engine of outlines by clicks chooses among outlines: `python -m Testing.Training.outline_choice FOLDER`.

Choices are played in two rounds: in the first the user meets outlines that the truth and chance chose, in the second
those that the fit to the first round chooses; the fit to the second is written. FOLDER keeps what was
played, so that a run that was stopped goes on; all is played on one core. With `--judge` fits are judged on cases that
they did not see, each of four parts in turn, and nothing is written.
"""

from __future__ import annotations

import argparse
import json
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from rich.console import Console

from AIImagingLogic.models.builtin.prompted_outline.offer_score import RESOURCE, OfferScore
from Testing.Benchmarks.reporting import shared_data
from Testing.Training.outline_choice_cases import all_cases
from Testing.Training.outline_choice_fit import fitted
from Testing.Training.outline_choice_play import Choice, choices_of

MADE, IMPLANTS = 700, 500
_PARTS = 4
_ABOUT = (
    "Weights of the score by which prompted-outline chooses among outlines: what Dice its features let expect. "
    "Written by python -m Testing.Training.outline_choice; see offer_score.py and the model card."
)


def main() -> None:
    """Play, fit, and write or judge."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--made", type=int, default=MADE)
    options.add_argument("--implants", type=int, default=IMPLANTS)
    options.add_argument("--judge", action="store_true")
    chosen = options.parse_args()
    first = played(chosen.folder / "1", 0, chosen.made, chosen.implants, None)
    score = OfferScore.from_content(fitted(first))
    choices = played(chosen.folder / "2", 1, chosen.made, chosen.implants, score)
    if chosen.judge:
        judge(choices)
        return
    content = {"about": _ABOUT, **fitted(choices)}
    target = Path(__file__).parents[2] / "Resources" / RESOURCE
    target.write_text(json.dumps(content) + "\n")
    Console().print(f"{len(choices)} choices: {target}")


def played(folder: Path, number: int, made: int, implants: int, score: OfferScore | None) -> list[Choice]:
    """Return the choices of a round of all cases; those that the folder keeps are not played again."""
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    folder.mkdir(parents=True, exist_ok=True)
    choices: list[Choice] = []
    data = shared_data()
    assert data is not None, "The real images are needed."
    for case in all_cases(data, made, implants, number):
        kept = folder / f"{case.name} {case.seed}.pickle"
        if not kept.exists():
            kept.write_bytes(pickle.dumps(choices_of(case, score)))
        choices += pickle.loads(kept.read_bytes())  # noqa: S301 - written by this program
    return choices


def judge(choices: Sequence[Choice]) -> None:
    """Print the mean Dice of what is chosen by fits that did not see the case, beside the best there was."""
    names = sorted({choice.name for choice in choices})
    part = dict(
        zip(np.random.default_rng(0).permutation(names).tolist(), [n % _PARTS for n in range(len(names))], strict=True)
    )
    scores = [
        OfferScore.from_content(fitted([choice for choice in choices if part[choice.name] != number]))
        for number in range(_PARTS)
    ]
    groups: dict[tuple[str, str, str], list[tuple[float, float, float]]] = {}
    for choice in choices:
        expected = scores[part[choice.name]].expected_dice(choice.features)
        key = (choice.kind, "box" if choice.boxed else "click", "first" if choice.number == 0 else "later")
        row = (float(choice.dice[int(expected.argmax())]), float(choice.dice.max()), float(choice.dice[0]))
        groups.setdefault(key, []).append(row)
    console = Console(width=120)
    for key, rows in sorted(groups.items()):
        chosen, best, first = np.mean(rows, axis=0)
        console.print(f"{' '.join(key):24s} {len(rows):5d} chosen {chosen:.3f} best {best:.3f} kept {first:.3f}")


if __name__ == "__main__":
    main()
