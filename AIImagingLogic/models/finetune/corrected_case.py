"""What the manifest says of a corrected case."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.provenance import ModelUse


@dataclass(frozen=True)
class CaseLabel(Record):
    """A label value of the corrected labels and its name."""

    value: int
    name: str


@dataclass(frozen=True)
class CaseFile(Record):
    """A file of a case: its place in the dataset's folder, with ``/``, and the SHA-256 of its content."""

    path: str
    sha256: str


@dataclass(frozen=True)
class CorrectedCase(Record):
    """One corrected case.

    Attributes
    ----------
    id : of the first image's content; the same image is one case
    images : inputs of the model, in its order
    labels : as corrected, on the grid of the first image
    proposal : what the model had proposed, on the same grid; None when it is not known
    segments : what the label values mean
    model : that proposed; None when it is not known
    modality : as in DICOM; empty when it is not known
    proposal_dice : mean Dice of the proposal with the corrected labels; None without a proposal
    """

    id: str
    images: tuple[CaseFile, ...]
    labels: CaseFile
    proposal: CaseFile | None
    segments: tuple[CaseLabel, ...]
    model: ModelUse | None = None
    modality: str = ""
    proposal_dice: float | None = None
