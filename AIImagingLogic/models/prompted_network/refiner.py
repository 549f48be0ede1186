"""Outlines and corrects one object by a small network that was trained on generated shapes."""

from __future__ import annotations

from pathlib import Path

import SimpleITK as sitk

from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.prompted_network.outliner import Outliner
from AIImagingLogic.models.prompted_network.session import NetworkSession
from AIImagingLogic.records.image_info import ImageInfo


class PromptedNetworkRefiner:
    """Makes sessions; keeps the network.

    Parameters
    ----------
    card : of these weights
    weights : as `Testing.Training.prompted_network` writes them
    """

    def __init__(self, card: ModelCard, weights: Path) -> None:
        self.card = card
        self._outliner = Outliner(weights)

    def open(self, image: sitk.Image, info: ImageInfo, proposal: sitk.Image | None) -> NetworkSession:
        """Return a session on `image`: see `Refiner.open`."""
        return NetworkSession(self._outliner, image, proposal)
