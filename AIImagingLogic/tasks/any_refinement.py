"""Refine with any model: one of the catalogue, or an interactive model that the user brought."""

from __future__ import annotations

import SimpleITK as sitk

from AIImagingLogic.images.checks import require_finite, require_sane_spacing
from AIImagingLogic.images.geometry import same_grid
from AIImagingLogic.models.catalogue import model_card, model_use
from AIImagingLogic.models.interactive.opening import load_interactive
from AIImagingLogic.models.interactive.presence import find_interactive
from AIImagingLogic.records.errors import GeometryError, WrongImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.provenance import ModelUse
from AIImagingLogic.tasks.refine import REFINE_MODEL, CheckedRefinement, open_refinement


def open_any_refinement(
    image: sitk.Image, info: ImageInfo, proposal: sitk.Image | None = None, model: str = REFINE_MODEL
) -> CheckedRefinement:
    """Begin to outline one object, or to correct its outline: as `open_refinement`.

    Parameters
    ----------
    image, info, proposal : as of `open_refinement`
    model : id of the catalogue, or of `interactive_models` (``nninteractive:…``, ``vista3d:…``, ``deepedit:…``)

    Raises
    ------
    ModelError
        There is no such model, or a package or the weights are missing; what to do is said.
    UntrustedModel
        The user's model needs code of its own that is not trusted.
    GeometryError, WrongImageError
        As of `open_refinement`.
    """
    if not is_users(model):
        return open_refinement(image, info, proposal, model)
    if image.GetDimension() != 3:
        raise GeometryError(f"The image has {image.GetDimension()} dimensions.", "Choose a 3D image.")
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise WrongImageError("The image is in colour.", "Choose an image with one value to a voxel.")
    require_finite(image)
    require_sane_spacing(image)
    if proposal is not None and not same_grid(proposal, image):
        raise GeometryError("The outline lies on another grid than the image.", "Resample it to the image first.")
    refiner = load_interactive(model)
    return CheckedRefinement(refiner.open(image, info, proposal), image, refiner.card)


def refiner_use(model: str) -> ModelUse:
    """Return how a provenance names a model that refines.

    Raises
    ------
    ModelError
        As `open_any_refinement`.
    """
    return find_interactive(model).use() if is_users(model) else model_use(model_card(model))


def is_users(model: str) -> bool:
    """Whether an id is of an interactive model that the user brought."""
    return ":" in model
