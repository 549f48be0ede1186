"""The registrar: affine alignment, dense search, instance optimisation, and the quality of what came out."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import SimpleITK as sitk

from AIImagingLogic.models.builtin.mind_registration.alignment import align, likeness
from AIImagingLogic.models.builtin.mind_registration.descent import descend
from AIImagingLogic.models.builtin.mind_registration.fields import (
    Shape,
    exponential,
    halvings,
    logarithm,
    resized,
    sampled_at,
    smallest_jacobian,
    smooth,
)
from AIImagingLogic.models.builtin.mind_registration.frames import (
    CELL,
    Frame,
    faded,
    field_transform,
    frame,
    working_grid,
)
from AIImagingLogic.models.builtin.mind_registration.preset import Preset, preset
from AIImagingLogic.models.builtin.mind_registration.search import dense_search, made_consistent
from AIImagingLogic.models.builtin.registration_features import body_mask
from AIImagingLogic.models.builtin.registration_grid import WorkGrid
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.records.errors import ModelError, RegistrationError
from AIImagingLogic.records.free_memory import give_back_free_memory
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.registration import Registration, RegistrationQuality

if TYPE_CHECKING:
    from torch import Tensor

SIMILARITY_NAME = "correlation of self-similarity (MIND-SSC)"
# The search is for blocks of three cells, at most this many steps to each side; the velocity has cells of four voxels.
_BLOCK, _MOST_REACH = 3, 5
_VELOCITY = 4
_MULTIPLE = 12
_MOST_VOXELS, _ALIGNMENT_VOXELS, _ALIGNMENT_COARSER = 1.6e6, 0.35e6, 2.0
_RATE_COARSE, _RATE_FINE = 1.5, 0.4
_BACK_ITERATIONS = 10
# Below this the tissue would shrink tenfold: the velocity is smoothed until it does not.
_SMALLEST_JACOBIAN = 0.1
_SMOOTHINGS = 40
_LEAST_LIKENESS = 0.1
_ADVICE = "Check that both show the same region of the same patient; give masks of the organ that matters."


@dataclass(frozen=True)
class _Work:
    """Both images on the working grid, the moving one through the affine map."""

    grid: WorkGrid
    fixed: Frame
    moving: Frame


class MindRegistrar:
    """Registers two images of any modalities by self-similarity; the result has no folds and an inverse.

    Parameters
    ----------
    card : of the model
    preset_name : which anatomy: a name of Resources/registration
    device : of torch; empty: the GPU where there is one, else the processor
    """

    across_modalities = True
    kind = "deformable"

    def __init__(self, card: ModelCard, preset_name: str = "general", device: str = "") -> None:
        if find_spec("torch") is None:
            raise ModelError(
                f"'{card.name}' needs PyTorch, which is not installed.",
                "In Slicer install it with the PyTorch extension, elsewhere with: pip install torch. "
                "The registration 'deformable' needs none.",
            )
        import torch

        self.card = card
        self.preset: Preset = preset(preset_name)
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")

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
        fixed, moving : 3D, scalar, any modalities, any grids
        fixed_mask, moving_mask : > 0 where to look; none: the largest bright object
        progress : asked for cancellation at each iteration

        Raises
        ------
        RegistrationError
            A mask is empty, or the images show nothing in common.
        """
        import torch

        masks = _usable(fixed, fixed_mask, "fixed"), _usable(moving, moving_mask, "moving")
        with torch.no_grad():
            grid = working_grid(fixed, masks[0], self.preset.spacing_mm, self.preset.margin_mm, _MOST_VOXELS, _MULTIPLE)
            coarse = working_grid(
                fixed,
                masks[0],
                _ALIGNMENT_COARSER * grid.spacing_mm,
                self.preset.margin_mm,
                _ALIGNMENT_VOXELS,
                _MULTIPLE,
            )
            mapping = align((fixed, masks[0]), (moving, masks[1]), coarse, self.device, progress.part(0.0, 0.2))
            as_they_lie = frame(moving, None, coarse, None, self.device)
            before = likeness(
                frame(fixed, masks[0], coarse, None, self.device), as_they_lie.features, as_they_lie.weight
            )
            del as_they_lie
            give_back_free_memory()
            work = _Work(
                grid,
                frame(fixed, masks[0], grid, None, self.device),
                frame(moving, masks[1], grid, mapping.transform(), self.device),
            )
            give_back_free_memory()
            progress.report(0.3, "Dense search")
            velocity, forth_and_back_mm = self._velocity(work, progress.part(0.3, 0.95))
            give_back_free_memory()
            field, wide, folded = _without_folds(velocity, grid)
            after = _likeness_after(work, field, wide)
            quality = RegistrationQuality(SIMILARITY_NAME, before, after, folded, forth_and_back_mm)
            del work, velocity
            give_back_free_memory()
            transform = sitk.CompositeTransform([mapping.transform(), field_transform(field, wide)])
            return Registration(transform, self.kind, quality)

    def _velocity(self, work: _Work, progress: Progress) -> tuple[Tensor, float]:
        """Return the velocity, and how far two independent runs forth and back part (mm)."""
        voxels = work.grid.shape
        forth = self._searched(work.fixed, work.moving, work.grid, progress.part(0.0, 0.15))
        back = self._searched(work.moving, work.fixed, work.grid, progress.part(0.15, 0.3))
        give_back_free_memory()
        forth, back = made_consistent(forth, back, voxels)
        shape = tuple(length // _VELOCITY for length in voxels)
        start = logarithm(resized(forth, shape), voxels)
        own, other = work.fixed.coarser(_VELOCITY // CELL), work.moving.coarser(_VELOCITY // CELL)
        coarse = self._descended(
            start, own, other, voxels, self.preset.coarse_iterations, _RATE_COARSE, progress.part(0.3, 0.5)
        )
        start = logarithm(resized(back, shape), voxels)
        returning = self._descended(start, other, own, voxels, _BACK_ITERATIONS, _RATE_COARSE, progress.part(0.5, 0.55))
        apart = _composed(_displacement(coarse, voxels), _displacement(returning, voxels), voxels).norm(dim=1)[0]
        forth_and_back = float((apart * own.weight).sum() / own.weight.sum()) * work.grid.spacing_mm
        fine = self._descended(
            coarse, work.fixed, work.moving, voxels, self.preset.fine_iterations, _RATE_FINE, progress.part(0.55, 1.0)
        )
        return fine, forth_and_back

    def _searched(self, own: Frame, other: Frame, grid: WorkGrid, progress: Progress) -> Tensor:
        """Return the field of the dense search, in voxels."""
        cells = self.preset.reach_mm / (CELL * grid.spacing_mm)
        stride = max(1, round(cells / _MOST_REACH))
        reach = max(2, min(_MOST_REACH, round(cells / stride)))
        return CELL * dense_search(own.features, other.features, own.weight, _BLOCK, reach, stride, progress)

    def _descended(
        self, start: Tensor, own: Frame, other: Frame, voxels: Shape, iterations: int, rate: float, progress: Progress
    ) -> Tensor:
        import torch

        with torch.enable_grad():
            return descend(
                start,
                own.features,
                other.features,
                own.weight,
                voxels,
                self.preset.stiffness,
                iterations,
                rate,
                progress,
            )


def _likeness_after(work: _Work, field: Tensor, wide: WorkGrid) -> float:
    inner = tuple((there - here) // 2 // CELL for there, here in zip(wide.shape, work.grid.shape, strict=True))
    lengths = work.fixed.weight.shape
    cut = tuple(slice(start, start + length) for start, length in zip(inner, lengths, strict=True))
    own = field[(slice(None), slice(None), *cut)]
    voxels = work.grid.shape
    # One channel after the other: all at once would be the peak of memory.
    moved = (sampled_at(channel[None, None], own, voxels)[0, 0] for channel in work.moving.features)
    known = sampled_at(work.moving.weight[None, None], own, voxels)[0, 0]
    after = likeness(work.fixed, moved, known)
    if after < _LEAST_LIKENESS:
        raise RegistrationError(
            f"The two images could not be brought together: their likeness stays at {after:.2f}.", _ADVICE
        )
    return after


def _displacement(velocity: Tensor, voxels: Shape) -> Tensor:
    return exponential(velocity, voxels, halvings(velocity, voxels) + 1)


def _composed(first: Tensor, second: Tensor, voxels: Shape) -> Tensor:
    """Return the displacement of `first`, then `second`."""
    return first + sampled_at(second, first, voxels)


def _without_folds(velocity: Tensor, grid: WorkGrid) -> tuple[Tensor, WorkGrid, float]:
    """Return the displacement that fades to nothing around `grid`, the wider grid it lies on, and its folds (%).

    The exponential of a velocity has no folds; sampled on a grid it can, and is smoothed until it has none.
    """
    velocity = resized(velocity, tuple(length // CELL for length in grid.shape))
    velocity, wide = faded(velocity, grid)
    for _ in range(_SMOOTHINGS):
        field = _displacement(velocity, wide.shape)
        jacobian = smallest_jacobian(field, wide.shape)
        if float(jacobian.min()) >= _SMALLEST_JACOBIAN:
            return field, wide, 100 * float((jacobian <= 0).float().mean())
        velocity = smooth(velocity)
    raise RegistrationError("The field between the two images folds however smooth it is made.", _ADVICE)


def _usable(image: sitk.Image, mask: sitk.Image | None, name: str) -> sitk.Image:
    mask = body_mask(image) if mask is None else sitk.Cast(mask > 0, sitk.sitkUInt8)
    if not sitk.GetArrayViewFromImage(mask).any():
        raise RegistrationError(f"The mask of the {name} image is empty.", "Check the image, or give another mask.")
    return mask
