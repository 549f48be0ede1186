"""A detection package that was opened: its network, how it is run, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.inference.detection.recipe import DetectionRecipe
from AIImagingLogic.inference.network import Network
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.records.coding import CodedConcept


@dataclass(frozen=True)
class DetectorPackage:
    """A package with a detection network, ready to run.

    Attributes
    ----------
    card : of the catalogue where the package is known there, else made from what the package says
    network : as `run_detection` takes it
    recipe : how it is fed and read
    concepts : what each class is
    organs : id of the built-in model that outlines where it is to look; empty: everywhere
    outline : id of the built-in model that outlines what it finds; empty: none
    shown_score : findings reach it
    format : such as ``monai-bundle``
    sha256 : over all files of the package
    notes : what was assumed or set aside, one sentence each
    """

    card: ModelCard
    network: Network
    recipe: DetectionRecipe
    concepts: tuple[CodedConcept, ...]
    organs: str
    outline: str
    shown_score: float
    format: str
    sha256: str
    notes: tuple[str, ...] = ()
