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

# Unrelated images stay below this after the best linear map.
_LEAST_SIMILARITY = 0.12


class _Registrar:
    """What the three have in common."""

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
        _require_related(before, after, overlap)
        back = pair.reversed().linear(mapping.inverse(), self.kind == "rigid", progress.part(0.8, 1.0))
        distance = forth_and_back_mm(sent_points(level), mapping.transform(), back.transform())
        quality = RegistrationQuality(SIMILARITY_NAME, before, after, 0.0, distance)
        return Registration(mapping.transform(), self.kind, quality)

    def _linear(self, pair: Pair, rigid: bool, progress: Progress) -> LinearMap:
        start = pair.started(progress.part(0.0, 0.4)).map
        if not rigid:
            start = pair.linear(start, True, progress.part(0.4, 0.6))
        return pair.linear(start, rigid, progress.part(0.6, 1.0))


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
        _require_related(before, related, overlap)
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
        return Registration(transform, self.kind, quality)


def _at_spacing(levels: list[Level], like: Level) -> Level:
    """Return the level nearest in resolution to `like`, so that figures before and after compare."""
    return min(levels, key=lambda level: abs(level.grid.spacing_mm - like.grid.spacing_mm))


def _same_image(fixed: sitk.Image, moving: sitk.Image) -> bool:
    return same_grid(fixed, moving) and np.array_equal(
        sitk.GetArrayViewFromImage(fixed), sitk.GetArrayViewFromImage(moving)
    )


def _require_related(before: float, after: float, overlap: float) -> None:
    if overlap < LEAST_OVERLAP:
        raise RegistrationError(
            "The two images show no common part.", "Check that both show the same region of the same patient."
        )
    if after < _LEAST_SIMILARITY:
        raise RegistrationError(
            f"The two images could not be brought together: their similarity stays at {after:.2f}.",
            "Check that both show the same region of the same patient, with the same modality.",
        )
    if after < before:
        raise RegistrationError(
            f"Registration did not improve the match ({before:.2f} before, {after:.2f} after).",
            "Use the images as they lie, or give masks of the organ that matters.",
        )
