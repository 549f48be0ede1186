"""Outlines and corrects one object in any image by clicks, strokes, a box or a lasso, without learning."""

from __future__ import annotations

import SimpleITK as sitk

from AIImagingLogic.models.builtin.prompted_outline.session import OutlineSession
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.records.image_info import ImageInfo


class PromptedOutline:
    """Makes sessions; keeps nothing of an image itself."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card

    def open(self, image: sitk.Image, info: ImageInfo, proposal: sitk.Image | None) -> OutlineSession:
        """Return a session on `image`: see `Refiner.open`."""
        return OutlineSession(image, proposal)
