"""Refine: an image and what a person shows of one object in, its outline out, click by click or at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.checks import require_finite, require_sane_spacing
from AIImagingLogic.images.geometry import inside, paste, same_grid, world_to_index
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.catalogue import load_model, model_card, model_ids, model_use
from AIImagingLogic.models.protocols import RefinementSession
from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.errors import GeometryError, ModelError, WrongImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.prompts import Prompts
from AIImagingLogic.records.provenance import Provenance, make_provenance

REFINE_MODEL = "prompted-outline"
_CONTRADICTION = "A voxel was shown both in the object and beside it: the later one holds."


@dataclass(frozen=True)
class RefinedOutline:
    """An outline that was made or corrected at once.

    Attributes
    ----------
    mask : uint8 on exactly the grid of the image, 1 in the object
    provenance : with notes, such as of prompts that contradict each other
    """

    mask: sitk.Image
    provenance: Provenance


class CheckedRefinement:
    """A session that checks the prompts before the model sees them.

    Attributes
    ----------
    card : of the model
    notes : what was done with prompts that contradict each other, one sentence each
    """

    def __init__(self, session: RefinementSession, image: sitk.Image, card: ModelCard) -> None:
        self._session = session
        self._image = image
        self.card = card
        self.notes: tuple[str, ...] = ()

    def refine(self, prompts: Prompts, progress: Progress) -> sitk.Image:
        """Return what the prompts change: see `RefinementSession.refine`.

        Raises
        ------
        GeometryError
            A prompt lies outside the image, is no number, or is too short; there is none at all.
        """
        check_prompts(prompts, self._image)
        self.notes = (_CONTRADICTION,) if _contradictory(prompts, self._image) else ()
        return self._session.refine(prompts, progress)


def open_refinement(
    image: sitk.Image, info: ImageInfo, proposal: sitk.Image | None = None, model: str = REFINE_MODEL
) -> CheckedRefinement:
    """Begin to outline one object of `image`, or to correct its outline.

    Parameters
    ----------
    image : 3D, any modality and orientation
    info : what is known of it
    proposal : the outline so far on the grid of `image`: a mask (integer, 0 is background), or probabilities 0..1
        (float)
    model : id of a model of the catalogue whose task is ``refine``

    Returns
    -------
    CheckedRefinement
        Its `refine` takes all prompts so far and returns what changed.

    Raises
    ------
    ModelError
        There is no such model, or it does something else.
    GeometryError
        The image is not 3D, or the proposal lies on another grid.
    WrongImageError
        The image or the proposal has voxels that are not numbers, or colours.
    """
    card = model_card(model)
    if card.task != "refine":
        raise ModelError(f"'{model}' does not correct outlines.", f"Models that do: {', '.join(model_ids('refine'))}.")
    _check_image(image)
    if proposal is not None:
        _check_proposal(proposal, image)
    return CheckedRefinement(load_model(model).open(image, info, proposal), image, card)


def refined(
    image: sitk.Image,
    info: ImageInfo,
    prompts: Prompts,
    proposal: sitk.Image | None = None,
    model: str = REFINE_MODEL,
    progress: Progress | None = None,
) -> RefinedOutline:
    """Outline one object of `image`, or correct its outline, by all prompts at once.

    Parameters
    ----------
    image, info, proposal, model : as of `open_refinement`
    prompts : what was shown of the object

    Raises
    ------
    ModelError, GeometryError, WrongImageError
        As of `open_refinement` and `CheckedRefinement.refine`.
    """
    session = open_refinement(image, info, proposal, model)
    crop = session.refine(prompts, progress or Progress())
    mask = paste(crop, _as_mask(proposal, image))
    notes = (*info.notes, *session.notes)
    return RefinedOutline(mask, make_provenance("refine", [model_use(session.card)], [info], notes=notes))


def check_prompts(prompts: Prompts, image: sitk.Image) -> None:
    """Check that there are prompts, and that they can be meant for `image`.

    Raises
    ------
    GeometryError
        With what is wrong.
    """
    if prompts.empty:
        raise GeometryError("Nothing was shown of the object.", "Click in it, or draw a box around it.")
    for point in (*prompts.inside_mm, *prompts.outside_mm):
        _check_point(point, image, "click")
    for stroke in prompts.strokes:
        if not stroke.points_mm:
            raise GeometryError("A stroke has no points.", "Draw it again.")
        if not np.isfinite(stroke.radius_mm) or stroke.radius_mm < 0:
            raise GeometryError(f"A stroke's radius is {stroke.radius_mm} mm.", "Choose 0 or more.")
        for point in stroke.points_mm:
            _check_point(point, image, "point of a stroke")
    if prompts.lasso_mm:
        if len(prompts.lasso_mm) < 3:
            raise GeometryError("A lasso has less than three points.", "Draw it around the object.")
        for point in prompts.lasso_mm:
            _check_finite(point, "point of the lasso")
        if not inside(image, prompts.lasso_mm).any():
            raise GeometryError("The lasso lies outside the image.", "Draw it around the object.")
    if prompts.box is not None:
        _check_finite(prompts.box.center_mm, "middle of the box")
        _check_finite(prompts.box.size_mm, "size of the box")
        if min(prompts.box.size_mm) < 0 or sorted(prompts.box.size_mm)[1] <= 0:
            raise GeometryError("The box is empty.", "Draw it around the object.")
        _check_point(prompts.box.center_mm, image, "middle of the box")


def _check_image(image: sitk.Image) -> None:
    if image.GetDimension() != 3:
        raise GeometryError(f"The image has {image.GetDimension()} dimensions.", "Choose a 3D image.")
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise WrongImageError("The image is in colour.", "Choose an image with one value to a voxel.")
    require_finite(image)
    require_sane_spacing(image)


def _check_proposal(proposal: sitk.Image, image: sitk.Image) -> None:
    if proposal.GetDimension() != 3 or not same_grid(proposal, image):
        raise GeometryError("The outline lies on another grid than the image.", "Resample it to the image first.")
    values = sitk.GetArrayViewFromImage(proposal)
    if np.issubdtype(values.dtype, np.floating) and not (values.min() >= 0 and values.max() <= 1):
        raise WrongImageError(
            "The outline's probabilities are not all from 0 to 1.", "Give probabilities, or a mask of integers."
        )


def _check_point(point: Vector, image: sitk.Image, name: str) -> None:
    _check_finite(point, name)
    if not inside(image, [point]).all():
        place = ", ".join(f"{value:.1f}" for value in point)
        raise GeometryError(f"A {name} at ({place}) mm lies outside the image.", "Choose a place inside the image.")


def _check_finite(values: Vector, name: str) -> None:
    if not np.all(np.isfinite(values)):
        raise GeometryError(f"The {name} is not a number.", "Show it again.")


def _contradictory(prompts: Prompts, image: sitk.Image) -> bool:
    """Whether a voxel was clicked both as inside and as outside."""
    voxels = [
        {tuple(row) for row in np.floor(world_to_index(image, points) + 0.5).astype(int).tolist()} if points else set()
        for points in (prompts.inside_mm, prompts.outside_mm)
    ]
    return bool(voxels[0] & voxels[1])


def _as_mask(proposal: sitk.Image | None, image: sitk.Image) -> sitk.Image:
    """Return the proposal as uint8, 0 and 1; empty without one."""
    if proposal is None:
        mask = sitk.Image(image.GetSize(), sitk.sitkUInt8)
    else:
        values = sitk.GetArrayViewFromImage(proposal)
        inside_it = values >= 0.5 if np.issubdtype(values.dtype, np.floating) else values != 0
        mask = sitk.GetImageFromArray(inside_it.astype(np.uint8))
    mask.CopyInformation(image)
    return mask
