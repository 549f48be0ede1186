"""A model package that was opened: its networks, how they are fed, and what their labels mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import SimpleITK as sitk

from AIImagingLogic.inference.network import EngineSettings, Network, NetworkOutput
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.segmentation import Segment


class Workflow(Protocol):
    """Runs a package that brings its own way to run."""

    def run(self, images: Sequence[sitk.Image], settings: EngineSettings, progress: Progress) -> NetworkOutput:
        """Return labels exactly on the grid of the first image."""
        ...


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
    workflow : runs in place of our engine; then there are no networks, and the recipe says only what goes in
    notes : what was assumed because the package does not say it, one sentence each
    runtime : the library that runs the networks inside their modules, on the CPU, such as ``openvino``; empty: the
        engine chooses what runs them
    trusted_as : hash under which the user trusted the package when it was opened; empty: it was not trusted
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
    workflow: Workflow | None = None
    runtime: str = ""
    trusted_as: str = ""
