"""Registrations: where a point of one image lies in another, and how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass

import SimpleITK as sitk

from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.provenance import Provenance


@dataclass(frozen=True)
class RegistrationQuality(Record):
    """Figures by which a registration is judged.

    Attributes
    ----------
    similarity_name : the measure, higher is better
    similarity_before, similarity_after : of the fixed image and the moving one resampled to it, inside the mask
    folding_percent : % of fixed voxels in the mask where the Jacobian determinant is <= 0
    inverse_consistency_mm : mean distance of a point sent forth and back, None when not estimated
    """

    similarity_name: str
    similarity_before: float
    similarity_after: float
    folding_percent: float
    inverse_consistency_mm: float | None


@dataclass(frozen=True)
class Registration(Record):
    """A physical transform that maps points of the fixed image to points of the moving one (LPS mm).

    `sitk.Resample(moving, fixed, transform)` shows the moving image on the fixed grid.
    """

    transform: sitk.Transform
    kind: str
    quality: RegistrationQuality
    provenance: Provenance | None = None
