"""What an adaptation gave, for a person to decide whether to use it."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.provenance import ModelUse, Provenance


@dataclass(frozen=True)
class HeldOutCase(Record):
    """Mean Dice of a corrected case that neither taught nor stopped the training."""

    id: str
    dice_before: float
    dice_after: float


@dataclass(frozen=True)
class FinetuneResult(Record):
    """A network adapted on corrected cases.

    Attributes
    ----------
    package : folder of the new package
    model : the new one
    parent : that was adapted; unchanged
    dataset_sha256 : of the corrected cases
    held_out : with the figures before and after
    trained_on, stopped_on : ids of the cases that taught, and of those that said when to stop
    stopping_scores : mean Dice of the latter before the first round and after each
    best_round : whose weights the new network has
    dice_before, dice_after : mean over `held_out`
    minutes : that all of it took
    provenance : with settings, versions and notes
    """

    package: str
    model: ModelUse
    parent: ModelUse
    dataset_sha256: str
    held_out: tuple[HeldOutCase, ...]
    trained_on: tuple[str, ...]
    stopped_on: tuple[str, ...]
    stopping_scores: tuple[float, ...]
    best_round: int
    dice_before: float
    dice_after: float
    minutes: float
    provenance: Provenance
