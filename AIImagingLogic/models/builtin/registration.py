"""Built-in registration of two images of one kind: rigid, affine and deformable."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.geometry import same_grid
from AIImagingLogic.models.builtin.registration_inverse import invert
from AIImagingLogic.models.builtin.registration_linear import LinearMap, shift
from AIImagingLogic.models.builtin.registration_pair import Pair
from AIImagingLogic.models.builtin.registration_pyramid import Level
from AIImagingLogic.models.builtin.registration_quality import (
    LEAST_OVERLAP,
    SIMILARITY_NAME,
    deformed_similarity,
    folding_percent,
    forth_and_back_mm,
    linear_similarity,
    sent_points,
)
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.records.errors import RegistrationError
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.registration import Registration, RegistrationQuality

__all__ = ["AffineRegistrar", "DeformableRegistrar", "RigidRegistrar", "invert"]

# Measured (correlation of local structure): unrelated images reach at most 0.30 after the best linear map and 0.45
# after a field; two persons' chests 0.50 and 0.64; two scans of one patient at least 0.75 and 0.90.
_LEAST_LINEAR, _LEAST_DEFORMED = 0.35, 0.5
# Measured: forth and back part by 2.8 to 13 mm between unrelated images, by at most 1.3 mm in one patient.
_MOST_INCONSISTENT_MM = 5.0
# A field may lose this much where the images fitted to begin with: it smooths noise that happened to agree.
_LOSS = 0.02
# No two scans of a patient differ in size by more.
_MOST_SWELLING = 3.0

_ADVICE = "Check that both show the same region of the same patient, with the same modality."


class _Registrar:
    """What the three have in common."""

    across_modalities = False
    kind = ""

    def __init__(self, card: ModelCard) -> None:
        self.card = card

    def register(
        self,
        fixed: sitk.Image,
        moving: sitk.Image,
        fixed_mask: sitk.Image | None,
        moving_mask: sitk.Image | None,
        progress: Progress,
    ) -> Registration:
        """Return the transform of points of `fixed` to points of `moving` (LPS mm), and its quality.

        Parameters
        ----------
        fixed, moving : 3D, scalar, one modality; any grids
        fixed_mask, moving_mask : > 0 where to look, such as the lungs; none: the largest bright object
        progress : asked for cancellation at each iteration

        Raises
        ------
        RegistrationError
            A mask is empty, the images do not overlap and cannot be brought to, or nothing improved.
        """
        if _same_image(fixed, moving):
            quality = RegistrationQuality(SIMILARITY_NAME, 1.0, 1.0, 0.0, 0.0)
            return Registration(sitk.AffineTransform(3), self.kind, quality)
        return self._registered(Pair.of(fixed, moving, fixed_mask, moving_mask), progress)

    def _registered(self, pair: Pair, progress: Progress) -> Registration:
        mapping = self._linear(pair, self.kind == "rigid", progress.part(0.0, 0.8))
        level = pair.linear_levels[0]
        before, _ = linear_similarity(level, shift(np.zeros(3)))
        after, overlap = linear_similarity(level, mapping)
        _require_related(mapping, after, overlap)
        back = pair.reversed().linear(mapping.inverse(), self.kind == "rigid", progress.part(0.8, 1.0))
        distance = forth_and_back_mm(sent_points(level), mapping.transform(), back.transform())
        quality = RegistrationQuality(SIMILARITY_NAME, before, after, 0.0, distance)
        return Registration(mapping.transform(), self.kind, quality)

    def _linear(self, pair: Pair, rigid: bool, progress: Progress) -> LinearMap:
        start = pair.started(progress.part(0.0, 0.4)).map
        if not rigid:
            start = pair.linear(start, True, progress.part(0.4, 0.6))
        found = pair.linear(start, rigid, progress.part(0.6, 1.0))
        # What lies well already is not made worse: a scanner's own coordinates can be the best there is.
        level, as_they_lie = pair.linear_levels[0], shift(np.zeros(3))
        better = linear_similarity(level, as_they_lie)[0] > linear_similarity(level, found)[0]
        return as_they_lie if better else found


class RigidRegistrar(_Registrar):
    """Turns and shifts the fixed image's points onto the moving image."""

    kind = "rigid"


class AffineRegistrar(_Registrar):
    """Turns, shifts, stretches and shears."""

    kind = "affine"


class DeformableRegistrar(_Registrar):
    """An affine map, then a smooth field without folds."""

    kind = "deformable"

    def _registered(self, pair: Pair, progress: Progress) -> Registration:
        mapping = self._linear(pair, False, progress.part(0.0, 0.2))
        before, _ = linear_similarity(pair.linear_levels[0], shift(np.zeros(3)))
        related, overlap = linear_similarity(pair.linear_levels[0], mapping)
        _require_related(mapping, related, overlap)
        levels = pair.field_levels(mapping)
        lattice, coefficients = pair.field(levels, progress.part(0.2, 0.8))
        transform = sitk.CompositeTransform([mapping.transform(), lattice.transform(coefficients)])
        back_mapping, reverse = mapping.inverse(), pair.reversed()
        back_lattice, back = pair.field(reverse.field_levels(back_mapping, True), progress.part(0.8, 1.0))
        returning = sitk.CompositeTransform([back_mapping.transform(), back_lattice.transform(back)])
        quality = RegistrationQuality(
            SIMILARITY_NAME,
            before,
            deformed_similarity(_at_spacing(levels, pair.linear_levels[0]), lattice, coefficients),
            folding_percent(lattice, coefficients, levels[0].weight),
            forth_and_back_mm(sent_points(levels[-1]), transform, returning),
        )
        _require_agreement(quality)
        return Registration(transform, self.kind, quality)


def _at_spacing(levels: list[Level], like: Level) -> Level:
    """Return the level nearest in resolution to `like`, so that figures before and after compare."""
    return min(levels, key=lambda level: abs(level.grid.spacing_mm - like.grid.spacing_mm))


def _same_image(fixed: sitk.Image, moving: sitk.Image) -> bool:
    return same_grid(fixed, moving) and np.array_equal(
        sitk.GetArrayViewFromImage(fixed), sitk.GetArrayViewFromImage(moving)
    )


def _require_related(mapping: LinearMap, after: float, overlap: float) -> None:
    swelling = float(np.linalg.det(mapping.matrix))
    if overlap < LEAST_OVERLAP or not 1 / _MOST_SWELLING < swelling < _MOST_SWELLING:
        raise RegistrationError("The two images show no common part.", _ADVICE)
    if after < _LEAST_LINEAR:
        raise RegistrationError(
            f"The two images could not be brought together: their similarity stays at {after:.2f}.", _ADVICE
        )


def _require_agreement(quality: RegistrationQuality) -> None:
    back_mm = quality.inverse_consistency_mm
    if quality.similarity_after < _LEAST_DEFORMED or (back_mm is not None and back_mm > _MOST_INCONSISTENT_MM):
        shown = "unknown" if back_mm is None else f"{back_mm:.1f} mm"
        raise RegistrationError(
            f"The two images could not be brought together: their similarity stays at {quality.similarity_after:.2f}, "
            f"forth and back differ by {shown}.",
            _ADVICE,
        )
    if quality.similarity_after < quality.similarity_before - _LOSS:
        raise RegistrationError(
            f"Registration did not improve the match ({quality.similarity_before:.2f} before, "
            f"{quality.similarity_after:.2f} after).",
            "Use a rigid registration, or give masks of the organ that matters.",
        )
