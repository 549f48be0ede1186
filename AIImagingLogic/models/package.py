"""A model package that was opened: its networks, how they are fed, and what their labels mean."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.inference.network import Network
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.records.segmentation import Segment


@dataclass(frozen=True)
class LoadedPackage:
    """A package of any format, ready for the engine.

    Attributes
    ----------
    card : of the catalogue where the package is known there, else made from what the package says
    networks : several are folds, whose probabilities are averaged
    recipe : how they are fed and read
    segments : what each label value means; their values are those of `recipe.values` without the background
    format : such as ``tfjs-layers``
    sha256 : over all files of the package
    largest_part_only : parts that do not touch the largest one are left out, as the package's makers do
    largest_part_of : of each of these labels, parts that do not touch its largest one are left out
    notes : what was assumed because the package does not say it, one sentence each
    """

    card: ModelCard
    networks: tuple[Network, ...]
    recipe: NetworkRecipe
    segments: tuple[Segment, ...]
    format: str
    sha256: str
    largest_part_only: bool = False
    notes: tuple[str, ...] = ()
    largest_part_of: tuple[int, ...] = ()
