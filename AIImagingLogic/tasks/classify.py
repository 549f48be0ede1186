"""Classify: an image and a model in, probabilities and a heat map on the image's grid out."""

from __future__ import annotations

import dataclasses

import SimpleITK as sitk

from AIImagingLogic.images.checks import (
    looks_like_hounsfield,
    require_finite,
    require_hounsfield,
    require_sane_spacing,
)
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.network_classifier import open_classifier
from AIImagingLogic.models.protocols import Classifier
from AIImagingLogic.records.classification import Classification
from AIImagingLogic.records.errors import ModelError, WrongImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.resources import load_resource

_SAME_GRID = 1e-6


def classify(
    image: sitk.Image,
    info: ImageInfo,
    model: str,
    explain: str = "",
    heat_map: bool = True,
    progress: Progress | None = None,
) -> Classification:
    """Tell which classes an image shows.

    Parameters
    ----------
    image : 2D or 3D, grey or colour as the model needs it
    info : what is known of it
    model : id of an installed model, or path of a model package
    explain : key or name of the class that the heat map is about; empty: the most probable one
    heat_map : make a heat map
    progress : told how far the run is

    Returns
    -------
    Classification
        Its heat map lies on exactly the grid of `image`; with provenance.

    Raises
    ------
    ModelError
        The model is unknown, not installed, cannot be used, does not classify, or has no class `explain`.
    WrongImageError, GeometryError
        The image is not what the model needs.
    """
    progress = progress or Progress()
    first_cost = len(progress.costs)
    classifier: Classifier = open_classifier(model)
    check_input(image, info, classifier.card)
    with progress.stage(classifier.card.name, 0.0, 1.0) as part:
        result = classifier.classify(image, info, explain, heat_map, part)
    if result.heat_map is not None and not _same_grid(result.heat_map, image):
        raise ModelError(f"'{model}' left the grid of its input.", "Please report this as a bug.")
    if result.provenance is None:
        return result
    stages = tuple(progress.costs[first_cost:])
    return dataclasses.replace(result, provenance=dataclasses.replace(result.provenance, stages=stages))


def check_input(image: sitk.Image, info: ImageInfo, card: ModelCard) -> None:
    """Check that `image` is physically what the model of `card` expects.

    Raises
    ------
    WrongImageError, GeometryError
        It is not; the message says why.
    """
    require_sane_spacing(image)
    require_finite(image)
    grey = image.GetNumberOfComponentsPerPixel() == 1
    if card.modality == "CT" and grey:
        require_hounsfield(image, info, card.name)
    elif card.modality and info.modality and not _alike(info.modality, card.modality):
        raise WrongImageError(
            f"{card.name} needs {card.modality} images; this one is {info.modality}.", "Choose another image."
        )
    elif card.modality and grey and not info.modality and looks_like_hounsfield(image):
        raise WrongImageError(
            f"{card.name} needs {card.modality} images; the voxels of this one look like a CT.", "Choose another image."
        )


def _alike(modality: str, wanted: str) -> bool:
    """Whether images of two modalities are the same to a network, as computed and digital radiographs are."""
    groups = load_resource("model_formats/classification.json")["alike_modalities"]
    return modality == wanted or any(modality in group and wanted in group for group in groups)


def _same_grid(image: sitk.Image, other: sitk.Image) -> bool:
    """Whether two images, 2D or 3D, have one grid."""
    if image.GetSize() != other.GetSize():
        return False
    found = (*image.GetSpacing(), *image.GetOrigin(), *image.GetDirection())
    wanted = (*other.GetSpacing(), *other.GetOrigin(), *other.GetDirection())
    return all(abs(one - two) <= _SAME_GRID for one, two in zip(found, wanted, strict=True))
