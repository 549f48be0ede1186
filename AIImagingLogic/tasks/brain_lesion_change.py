"""Brain-lesion change: two FLAIR visits of one brain in; new, enlarging and shrinking lesions out."""

from __future__ import annotations

import dataclasses

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.followup.lesion_change.brain_region import brain_region
from AIImagingLogic.followup.lesion_change.change_regions import change_regions
from AIImagingLogic.followup.lesion_change.half_way import half_way, matched_resolution
from AIImagingLogic.followup.lesion_change.intensity_normalisation import normalised
from AIImagingLogic.followup.lesion_change.result_on_later import (
    findings_on_later,
    from_half_way,
    labels_of,
    measured_kinds,
)
from AIImagingLogic.followup.lesion_change.subtraction import subtraction
from AIImagingLogic.images.checks import looks_like_hounsfield, require_finite, require_sane_spacing, require_volume
from AIImagingLogic.models.catalogue import model_card, model_use
from AIImagingLogic.records.errors import GeometryError, WrongImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.lesion_change import LesionChange
from AIImagingLogic.records.measured_segments import MeasuredSegments
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import make_provenance
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.tasks.register import register_images

_RULES = "rules/lesion_change.json"
# A contrast that differs by more than this is worth a word.
_SLOPE_TOLD = 0.25


def brain_lesion_change(
    earlier: sitk.Image,
    earlier_info: ImageInfo,
    later: sitk.Image,
    later_info: ImageInfo,
    progress: Progress | None = None,
) -> LesionChange:
    """Find what changed between two FLAIR visits of one patient's brain.

    Parameters
    ----------
    earlier, later : FLAIR, 3D, any grids; LPS mm
    earlier_info, later_info : what is known of them
    progress : asked for cancellation between the steps

    Returns
    -------
    LesionChange
        On exactly the grid of `later`, with provenance; its notes say what limits the answer.

    Raises
    ------
    WrongImageError
        An image is no MR, the visits are of different modalities or sequences, or there is no brain.
    GeometryError
        An image is flat or far too coarse, or too little of the brain is on both.
    RegistrationError
        The visits could not be brought together.

    References
    ----------
    Subtraction of registered visits as a reading aid: Moraal B. et al., Radiology 250 (2009), 506-514.
    """
    progress = progress or Progress()
    limits = load_resource(_RULES)["images"]
    notes = [
        *earlier_info.notes,
        *later_info.notes,
        *_checked(earlier, earlier_info, "earlier", limits),
        *_checked(later, later_info, "later", limits),
    ]
    first_cost = len(progress.costs)
    with progress.stage("Brain", 0.0, 0.15):
        brains = brain_region(earlier), brain_region(later)
    with progress.stage("Registration", 0.15, 0.6) as part:
        registration = register_images(
            later, later_info, earlier, earlier_info, "rigid", brains[1], brains[0], progress=part
        )
    with progress.stage("Half-way", 0.6, 0.7):
        between = half_way(later, brains[1], registration.transform)
        brain = _common_brain(
            sitk.GetArrayFromImage(between.earlier(brains[0], "nearest")) > 0,
            sitk.GetArrayFromImage(between.later(brains[1], "nearest")) > 0,
            limits["least_common_brain_share"],
        )
        spacing = np.array(between.grid.GetSpacing())[::-1]
        visits = normalised(
            sitk.GetArrayFromImage(between.earlier(matched_resolution(earlier, later))),
            sitk.GetArrayFromImage(between.later(matched_resolution(later, earlier))),
            brain,
            spacing,
        )
    with progress.stage("Subtraction", 0.7, 0.95):
        found = subtraction(visits, brain, spacing)
        regions = change_regions(found, brain, spacing)
    least_mm3 = load_resource(_RULES)["regions"]["least_volume_mm3"]
    identity = f"{earlier_info.content_hash} {later_info.content_hash}"
    findings = findings_on_later(regions, between, later, identity, least_mm3)
    labels, segments = labels_of(findings, later)
    significance = np.where(brain, found.difference / found.noise, np.float32(0))
    if abs(visits.slope - 1) > _SLOPE_TOLD:
        notes.append(
            f"Contrast between tissues differs by a factor of {visits.slope:.2f} between the visits; it was made equal."
        )
    notes += registration.provenance.notes if registration.provenance else ()
    provenance = make_provenance(
        "lesion-change",
        [model_use(model_card("rigid"))],
        [earlier_info, later_info],
        {"rules": "lesion_change, version 1", "intensity correlation": f"{visits.correlation:.3f}"},
        progress.costs[first_cost:],
        list(dict.fromkeys(notes)),
    )
    return LesionChange(
        Segmentation(labels, segments, provenance),
        findings,
        MeasuredSegments(measured_kinds(findings, segments), provenance),
        dataclasses.replace(registration, provenance=None),
        from_half_way(significance.astype(np.float32), between, later, labels=False),
    )


def _checked(image: sitk.Image, info: ImageInfo, name: str, limits: dict[str, float]) -> list[str]:
    """Refuse what cannot be compared; return notes on what can be, but badly."""
    require_volume(image, int(limits["least_slices"]))
    require_sane_spacing(image)
    require_finite(image)
    if info.modality not in ("", "MR"):
        raise WrongImageError(
            f"The {name} visit is {info.modality}; the comparison needs MR (FLAIR).", "Choose a FLAIR of either visit."
        )
    if not info.modality and looks_like_hounsfield(image):
        raise WrongImageError(f"The voxels of the {name} visit look like a CT.", "Choose a FLAIR of either visit.")
    fine, middle, coarse = sorted(image.GetSpacing())
    if coarse > limits["most_voxel_mm"]:
        raise GeometryError(
            f"The voxels of the {name} visit are {coarse:.1f} mm long; lesions cannot be told from noise.",
            f"Choose an image with voxels of at most {limits['most_voxel_mm']:.0f} mm.",
        )
    if coarse > limits["note_slice_mm"] or middle > limits["note_in_plane_mm"]:
        return [
            f"The {name} visit has voxels of {fine:.1f} x {middle:.1f} x {coarse:.1f} mm: small changes can be missed."
        ]
    return []


def _common_brain(earlier: np.ndarray, later: np.ndarray, least_share: float) -> np.ndarray:
    both = earlier & later
    share = float(both.sum() / max(1, min(int(earlier.sum()), int(later.sum()))))
    if share < least_share:
        raise GeometryError(
            f"Only {100 * share:.0f}% of the brain is on both visits.", "Choose images of the same part of the head."
        )
    return np.asarray(both)
