"""Segment: an image and a model in, a segmentation on the image's grid out; measured too, when asked for."""

from __future__ import annotations

import dataclasses

import SimpleITK as sitk

from AIImagingLogic.images.checks import require_finite, require_hounsfield, require_sane_spacing, require_volume
from AIImagingLogic.images.geometry import same_grid
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.catalogue import load_model, model_card, model_use
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import make_provenance
from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.records.segmented_and_measured import SegmentedAndMeasured
from AIImagingLogic.tasks.measure import measure

MINIMUM_SLICES = 5

# Measuring is a small part of a run.
_SEGMENTED = 0.9


def segment(image: sitk.Image, info: ImageInfo, model_id: str, progress: Progress | None = None) -> Segmentation:
    """Segment `image` with the model `model_id`.

    Returns
    -------
    Segmentation
        On exactly the grid of `image`, with provenance.

    Raises
    ------
    ModelError
        The model is unknown or does not segment.
    WrongImageError, GeometryError
        The image is not what the model's card asks for.
    """
    progress = progress or Progress()
    card = model_card(model_id)
    if card.task != "segment":
        raise ModelError(f"'{model_id}' does not segment: its task is to {card.task}.", "Choose another model.")
    check_input(image, info, card)
    first_cost = len(progress.costs)
    with progress.stage(card.name, 0.0, 1.0) as part:
        result: Segmentation = load_model(model_id).segment(image, info, part)
    if not same_grid(result.image, image):
        raise ModelError(f"'{model_id}' left the grid of its input.", "Please report this as a bug.")
    provenance = make_provenance(
        "segment", [model_use(card)], [info], stages=progress.costs[first_cost:], notes=info.notes
    )
    return dataclasses.replace(result, provenance=provenance)


def segment_and_measure(
    image: sitk.Image, info: ImageInfo, model: str, progress: Progress | None = None
) -> SegmentedAndMeasured:
    """Segment `image` with the model `model` and measure every segment on it.

    Raises
    ------
    ModelError, WrongImageError, GeometryError
        As `segment`.
    """
    progress = progress or Progress()
    segmentation = segment(image, info, model, progress.part(0.0, _SEGMENTED))
    return SegmentedAndMeasured(segmentation, measure(image, info, segmentation, progress.part(_SEGMENTED, 1.0)))


def check_input(image: sitk.Image, info: ImageInfo, card: ModelCard) -> None:
    """Check that `image` is physically what the model of `card` expects.

    Raises
    ------
    WrongImageError, GeometryError
        It is not; the message says why.
    """
    require_volume(image, MINIMUM_SLICES)
    require_sane_spacing(image)
    require_finite(image)
    if card.modality == "CT":
        require_hounsfield(image, info, card.name)
