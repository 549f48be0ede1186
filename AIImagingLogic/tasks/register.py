"""Register: two images of one patient in, the transform between them out."""

from __future__ import annotations

import dataclasses

import SimpleITK as sitk

from AIImagingLogic.images.checks import require_finite, require_sane_spacing, require_volume
from AIImagingLogic.images.geometry import overlap_share
from AIImagingLogic.models.catalogue import load_model, model_card, model_ids, model_use
from AIImagingLogic.models.protocols import Registrar
from AIImagingLogic.records.errors import ModelError, RegistrationError, WrongImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import make_provenance
from AIImagingLogic.records.registration import Registration

_MINIMUM_SLICES = 4
_WITH_PRESETS = ("deformable-mind",)
SAME_IMAGE_NOTE = "Both images are the same: the registration is the identity."


def register_images(
    fixed: sitk.Image,
    fixed_info: ImageInfo,
    moving: sitk.Image,
    moving_info: ImageInfo,
    kind: str = "deformable",
    fixed_mask: sitk.Image | None = None,
    moving_mask: sitk.Image | None = None,
    progress: Progress | None = None,
    preset: str = "",
) -> Registration:
    """Bring two images into correspondence; of one modality, unless the model compares across modalities.

    Parameters
    ----------
    fixed, moving : 3D images, any grids; LPS mm
    fixed_info, moving_info : what is known of them
    kind : id of a registration model, such as ``rigid``, ``affine``, ``deformable`` or ``deformable-mind``
    fixed_mask, moving_mask : > 0 where to look, such as the lungs; none: the body
    progress : asked for cancellation at each iteration
    preset : anatomy that the model is set for, where it has presets; empty: its own choice

    Returns
    -------
    Registration
        Points of `fixed` to points of `moving`, with quality and provenance.

    Raises
    ------
    ModelError
        There is no registration of that kind, or not with that preset, or a package that it needs is not installed.
    WrongImageError
        The modalities differ, or an image has voxels that are no numbers.
    GeometryError
        An image is flat or its spacing makes no sense.
    RegistrationError
        The images do not overlap and cannot be brought to, or nothing improved.
    """
    progress = progress or Progress()
    known = model_ids("register")
    if kind not in known:
        raise ModelError(f"There is no registration '{kind}'.", f"Choose one of {', '.join(known)}.")
    if preset and kind not in _WITH_PRESETS:
        raise ModelError(
            f"The registration '{kind}' has no presets.", f"Leave the preset out, or choose {', '.join(_WITH_PRESETS)}."
        )
    card = model_card(kind)
    registrar: Registrar = load_model(kind, **({"preset_name": preset} if preset else {}))
    if not registrar.across_modalities:
        _check_modalities(fixed_info, moving_info)
    for image in (fixed, moving):
        require_volume(image, _MINIMUM_SLICES)
        require_sane_spacing(image)
        require_finite(image)
    if (fixed_mask is None or moving_mask is None) and overlap_share(fixed, moving) == 0:
        raise RegistrationError(
            "The two images do not overlap: they show different places.",
            "Choose images of the same part of the body, or move one near the other first.",
        )
    first_cost = len(progress.costs)
    with progress.stage(card.name, 0.0, 1.0) as part:
        result = registrar.register(fixed, moving, fixed_mask, moving_mask, part)
    notes = [*fixed_info.notes, *moving_info.notes]
    if fixed_info.content_hash == moving_info.content_hash:
        notes.append(SAME_IMAGE_NOTE)
    masks = "given" if fixed_mask is not None and moving_mask is not None else "body, where none was given"
    provenance = make_provenance(
        "register",
        [model_use(card)],
        [fixed_info, moving_info],
        {"registration": kind, "registration masks": masks, **({"registration preset": preset} if preset else {})},
        progress.costs[first_cost:],
        list(dict.fromkeys(notes)),
    )
    return dataclasses.replace(result, provenance=provenance)


def _check_modalities(fixed: ImageInfo, moving: ImageInfo) -> None:
    if fixed.modality and moving.modality and fixed.modality != moving.modality:
        raise WrongImageError(
            f"The fixed image is {fixed.modality} and the moving image {moving.modality}; "
            "this registration compares images of one modality only.",
            "Choose two images of the same modality, or the registration 'deformable-mind'.",
        )
