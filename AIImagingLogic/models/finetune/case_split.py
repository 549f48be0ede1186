"""Which corrected cases teach, which say when to stop, and which show what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from AIImagingLogic.models.finetune.corrected_case import CorrectedCase
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.segmentation import Segment

# Two to learn from, one to stop by, one to report on.
FEWEST_CASES = 4
_HELD_OUT, _STOPPING = 3, 5


@dataclass(frozen=True)
class CaseSplit:
    """Cases by what they are used for; none is in two of them."""

    training: tuple[CorrectedCase, ...]
    stopping: tuple[CorrectedCase, ...]
    held_out: tuple[CorrectedCase, ...]


def split_cases(cases: Sequence[CorrectedCase], seed: int) -> CaseSplit:
    """Return a third of the cases as held out, a fifth for stopping, and the rest for training; at random.

    Raises
    ------
    ModelError
        There are too few.
    """
    if len(cases) < FEWEST_CASES:
        raise ModelError(
            f"There are {len(cases)} corrected cases; at least {FEWEST_CASES} are needed.",
            "Two to learn from, one to stop by and one to report on. Collect more.",
        )
    ordered = sorted(cases, key=lambda case: case.id)
    drawn = [ordered[place] for place in np.random.default_rng(seed).permutation(len(ordered))]
    held_out, stopping = len(drawn) // _HELD_OUT, max(1, len(drawn) // _STOPPING)
    return CaseSplit(
        tuple(drawn[held_out + stopping :]), tuple(drawn[held_out : held_out + stopping]), tuple(drawn[:held_out])
    )


def check_labels(cases: Sequence[CorrectedCase], segments: Sequence[Segment], inputs: int) -> None:
    """Refuse cases whose labels mean something else than the network's, or that have another number of images.

    Raises
    ------
    ModelError
        The case and what differs are named.
    """
    names = {segment.value: segment.name for segment in segments}
    for case in cases:
        if len(case.images) != inputs:
            raise ModelError(
                f"The case {case.id} has {len(case.images)} image(s); the model takes {inputs}.", "Remove the case."
            )
        if not case.segments:
            raise ModelError(f"The case {case.id} has no labels.", "Remove the case.")
        for label in case.segments:
            if names.get(label.value, "").casefold() != label.name.casefold():
                own = f"'{names[label.value]}'" if label.value in names else "none of the model's"
                raise ModelError(
                    f"In the case {case.id} the label {label.value} is '{label.name}'; for the model it is {own}.",
                    "Remove the case, or collect corrections of this model in a folder of their own.",
                )
