"""Segment: images and a model in, a segmentation on the first image's grid out; measured too, when asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import SimpleITK as sitk

from AIImagingLogic.images.checks import (
    looks_like_hounsfield,
    refuse_stated_otherwise,
    require_finite,
    require_hounsfield,
    require_sane_spacing,
    require_volume,
)
from AIImagingLogic.images.geometry import same_grid
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.catalogue import model_use
from AIImagingLogic.models.network_segmenter import NetworkSegmenter, open_segmenter
from AIImagingLogic.models.protocols import ChecksImage, Segmenter
from AIImagingLogic.models.run_state import BUILT_IN
from AIImagingLogic.records.errors import GeometryError, ModelError, WrongImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import make_provenance
from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.records.segmented_and_measured import SegmentedAndMeasured
from AIImagingLogic.tasks.measure import measure

MINIMUM_SLICES = 5

# Measuring is a small part of a run.
_SEGMENTED = 0.9


def segment(
    image: sitk.Image,
    info: ImageInfo,
    model_id: str,
    progress: Progress | None = None,
    more: Sequence[sitk.Image] = (),
    more_infos: Sequence[ImageInfo] = (),
) -> Segmentation:
    """Segment `image` with a model.

    Parameters
    ----------
    image : first input of the model, on which the result lies
    info : what is known of it
    model_id : id of a built-in or installed model, or path of a model package
    progress : told how far the run is
    more : further inputs, in the order of the card's; one on another grid is resampled to that of `image`, with a note
    more_infos : what is known of each of `more`

    Returns
    -------
    Segmentation
        On exactly the grid of `image`, with provenance.

    Raises
    ------
    ModelError
        The model is unknown, not installed, cannot be used, does not segment, or takes another number of images.
    WrongImageError, GeometryError
        An image is not what the model's card asks for (of several, the message says which), or is given twice.
    """
    progress = progress or Progress()
    first_cost = len(progress.costs)
    images, infos = (image, *more), (info, *more_infos)
    segmenter = open_segmenter(model_id)
    card = segmenter.card
    _check_inputs(images, infos, segmenter)
    with progress.stage(card.name, 0.0, 1.0) as part:
        result = _segmented(segmenter, images, infos, part)
    if not same_grid(result.image, image):
        raise ModelError(f"'{model_id}' left the grid of its input.", "Please report this as a bug.")
    stages = tuple(progress.costs[first_cost:])
    if result.provenance is None:
        notes = [note for each in infos for note in each.notes]
        provenance = make_provenance("segment", [model_use(card)], infos, stages=stages, notes=notes)
    else:
        provenance = dataclasses.replace(result.provenance, stages=stages)
    return dataclasses.replace(result, provenance=provenance)


def segment_and_measure(
    image: sitk.Image,
    info: ImageInfo,
    model: str,
    progress: Progress | None = None,
    more: Sequence[sitk.Image] = (),
    more_infos: Sequence[ImageInfo] = (),
) -> SegmentedAndMeasured:
    """Segment `image` with the model `model` and measure every segment on it.

    Parameters
    ----------
    image, info, model, progress, more, more_infos : as of `segment`; intensities are measured on `image` alone

    Raises
    ------
    ModelError, WrongImageError, GeometryError
        As `segment`.
    """
    progress = progress or Progress()
    segmentation = segment(image, info, model, progress.part(0.0, _SEGMENTED), more, more_infos)
    return SegmentedAndMeasured(segmentation, measure(image, info, segmentation, progress.part(_SEGMENTED, 1.0)))


def _segmented(
    segmenter: Segmenter, images: Sequence[sitk.Image], infos: Sequence[ImageInfo], progress: Progress
) -> Segmentation:
    if isinstance(segmenter, NetworkSegmenter):
        return segmenter.segment_images(images, infos, progress)
    return segmenter.segment(images[0], infos[0], progress)


def _check_inputs(images: Sequence[sitk.Image], infos: Sequence[ImageInfo], segmenter: Segmenter) -> None:
    """Check each image as `check_input` does, and that none of several is given twice."""
    card = segmenter.card
    if len(images) == 1:
        check_input(images[0], infos[0], card, segmenter if isinstance(segmenter, ChecksImage) else None)
        return
    if card.runs == BUILT_IN:
        raise ModelError(
            f"{card.name} needs 1 image, and {len(images)} were given.", f"It takes: {', '.join(card.inputs)}."
        )
    names = [
        card.inputs[number] if number < len(card.inputs) else f"Image {number + 1}" for number in range(len(images))
    ]
    seen: dict[str, str] = {}
    for name, image, info in zip(names, images, infos, strict=True):
        try:
            check_input(image, info, card)
        except (WrongImageError, GeometryError) as error:
            raise type(error)(f"{name}: {error.what}", error.advice) from error
        if info.content_hash in seen:
            raise WrongImageError(
                f"{seen[info.content_hash]} and {name} are the same image.", "Choose another image for one of them."
            )
        seen[info.content_hash] = name


def check_input(image: sitk.Image, info: ImageInfo, card: ModelCard, engine: ChecksImage | None = None) -> None:
    """Check that `image` is physically what the model of `card` expects.

    Parameters
    ----------
    engine : asked before the voxels of a CT are judged, when it knows images better

    Raises
    ------
    WrongImageError, GeometryError
        It is not; the message says why.
    """
    require_volume(image, MINIMUM_SLICES)
    require_sane_spacing(image)
    require_finite(image)
    if card.modality == "CT":
        refuse_stated_otherwise(info, card.name)
        if engine is not None:
            engine.check(image, info)
        require_hounsfield(image, info, card.name)
    elif card.modality and info.modality not in ("", card.modality):
        raise WrongImageError(
            f"{card.name} needs {card.modality} images; this one is {info.modality}.", "Choose another series."
        )
    elif card.modality and not info.modality and looks_like_hounsfield(image):
        raise WrongImageError(
            f"{card.name} needs {card.modality} images; the voxels of this one look like a CT.", "Choose another image."
        )
