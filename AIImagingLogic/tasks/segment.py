"""Segment: an image and a model in, a segmentation on the image's grid out; measured too, when asked for."""

from __future__ import annotations

import dataclasses

import SimpleITK as sitk

from AIImagingLogic.images.checks import (
    looks_like_hounsfield,
    require_finite,
    require_hounsfield,
    require_sane_spacing,
    require_volume,
)
from AIImagingLogic.images.geometry import same_grid
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.catalogue import model_use
from AIImagingLogic.models.network_segmenter import open_segmenter
from AIImagingLogic.records.errors import ModelError, WrongImageError
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
    """Segment `image` with a model.

    Parameters
    ----------
    image : on which the result lies
    info : what is known of it
    model_id : id of a built-in or installed model, or path of a model package
    progress : told how far the run is

    Returns
    -------
    Segmentation
        On exactly the grid of `image`, with provenance.

    Raises
    ------
    ModelError
        The model is unknown, not installed, cannot be used, or does not segment.
    WrongImageError, GeometryError
        The image is not what the model's card asks for.
    """
    progress = progress or Progress()
    first_cost = len(progress.costs)
    segmenter = open_segmenter(model_id)
    card = segmenter.card
    check_input(image, info, card)
    with progress.stage(card.name, 0.0, 1.0) as part:
        result = segmenter.segment(image, info, part)
    if not same_grid(result.image, image):
        raise ModelError(f"'{model_id}' left the grid of its input.", "Please report this as a bug.")
    stages = tuple(progress.costs[first_cost:])
    if result.provenance is None:
        provenance = make_provenance("segment", [model_use(card)], [info], stages=stages, notes=info.notes)
    else:
        provenance = dataclasses.replace(result.provenance, stages=stages)
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
    elif card.modality and info.modality not in ("", card.modality):
        raise WrongImageError(
            f"{card.name} needs {card.modality} images; this one is {info.modality}.", "Choose another series."
        )
    elif card.modality and not info.modality and looks_like_hounsfield(image):
        raise WrongImageError(
            f"{card.name} needs {card.modality} images; the voxels of this one look like a CT.", "Choose another image."
        )
