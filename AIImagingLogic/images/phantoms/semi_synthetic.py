"""A follow-up made from one real CT: known motion, a nodule grown, one gone, one new, other noise and slices."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray

from AIImagingLogic.images.phantoms.breathing import BreathingField
from AIImagingLogic.images.phantoms.fine_nodule import FineNodule, sample_nodule
from AIImagingLogic.images.phantoms.local_growth import LocalGrowth
from AIImagingLogic.images.phantoms.nodule_shape import NoduleShape, random_shape
from AIImagingLogic.images.phantoms.real_lungs import free_places, points_of_cells, rough_lungs
from AIImagingLogic.images.phantoms.scan import Scan
from AIImagingLogic.images.phantoms.scanner_noise import scanner_noise
from AIImagingLogic.images.phantoms.second_look import grid_of, other_grid, resampled, without_noise
from AIImagingLogic.images.phantoms.truth import LesionAtVisit
from AIImagingLogic.records.boxes import Vector

_BLUR_MM = 0.65
_NODULE_HU = 30.0
_ROOM_BETWEEN_MM = 45.0
_FADE_MM = 28.0
_TARGETS = 2000
_PHANTOM_APEX_MM = 95.0


@dataclass(frozen=True)
class KnownMotion:
    """The map between the visits: growth of the nodule, then breath, both exactly invertible.

    Attributes
    ----------
    frame_mm : (3,) LPS mm, where `breath` has its own zero
    """

    breath: BreathingField
    growth: LocalGrowth
    frame_mm: NDArray[np.float64]

    def to_followup(self, points: ArrayLike) -> NDArray[np.float64]:
        """Return where baseline points (..., 3) LPS mm lie at follow-up."""
        return self.breath.to_followup(self.growth.forward(points) - self.frame_mm) + self.frame_mm

    def to_baseline(self, points: ArrayLike) -> NDArray[np.float64]:
        """Return where follow-up points (..., 3) LPS mm lay at baseline."""
        return self.growth.backward(self.breath.to_baseline(np.asarray(points, float) - self.frame_mm) + self.frame_mm)

    def volume_ratio(self, center_mm: Vector, radius_mm: float) -> float:
        """Return by how much the map enlarges a ball: the mean determinant of its Jacobian in it."""
        offsets = np.stack(np.meshgrid(*3 * [np.linspace(-1, 1, 9)], indexing="ij"), axis=-1).reshape(-1, 3)
        points = np.asarray(center_mm) + radius_mm * offsets[np.linalg.norm(offsets, axis=1) <= 1]
        step = 1e-3
        columns = [
            (self.to_followup(points + step * unit) - self.to_followup(points - step * unit)) / (2 * step)
            for unit in np.eye(3)
        ]
        return float(np.linalg.det(np.stack(columns, axis=-1)).mean())


@dataclass(frozen=True)
class SemiSyntheticPair:
    """Two visits and their truth.

    Attributes
    ----------
    baseline, followup : int16, HU
    growth_factor : volume of the real nodule at follow-up over that at baseline, by the map itself
    nodule_baseline_mm, nodule_followup_mm : (3,) LPS mm, the real nodule
    gone : implanted at baseline only
    new : implanted at follow-up only
    target_points_mm : (n, 3) LPS mm at baseline, in the lungs at both visits, away from the changed nodules
    """

    baseline: sitk.Image
    followup: sitk.Image
    growth_factor: float
    nodule_baseline_mm: Vector
    nodule_followup_mm: Vector
    gone: LesionAtVisit
    new: LesionAtVisit
    target_points_mm: NDArray[np.float64]
    motion: KnownMotion

    def to_followup(self, points: ArrayLike) -> NDArray[np.float64]:
        """Return where baseline points (..., 3) LPS mm lie at follow-up, exactly."""
        return self.motion.to_followup(points)

    def to_baseline(self, points: ArrayLike) -> NDArray[np.float64]:
        """Return where follow-up points (..., 3) LPS mm lay at baseline, exactly."""
        return self.motion.to_baseline(points)

    def target_errors_mm(self, found: ArrayLike) -> NDArray[np.float64]:
        """Return how far (n,) mm a registration misses: `found` (n, 3) is where it maps `target_points_mm`."""
        errors: NDArray[np.float64] = np.linalg.norm(
            np.asarray(found, float) - self.to_followup(self.target_points_mm), axis=1
        )
        return errors


def make_semi_synthetic_pair(
    image: sitk.Image,
    nodule_center_mm: Vector,
    nodule_diameter_mm: float,
    seed: int,
    noise_hu: float = 22.0,
) -> SemiSyntheticPair:
    """Make a follow-up pair from one real chest CT.

    Parameters
    ----------
    image
        CT in Hounsfield units, voxels about a millimetre, axes near those of the patient.
    nodule_center_mm, nodule_diameter_mm
        The real nodule that is to grow, LPS mm.
    noise_hu
        Standard deviation of the noise added to each visit, independently.

    Raises
    ------
    WrongImageError
        The image shows no lung.

    Notes
    -----
    The image's own noise is smoothed away first, or it would move with the tissue and give the motion away. The
    baseline is not resampled; the follow-up is resampled once, by a cubic B-spline, over the slice's thickness.
    """
    random = np.random.default_rng([90210, seed])
    quiet = without_noise(image)
    lungs = rough_lungs(quiet)
    radius = nodule_diameter_mm / 2
    scale = float(random.uniform(1.35, 2.2)) ** (1 / 3)
    growth = LocalGrowth(nodule_center_mm, scale, 1.35 * radius, 1.35 * radius + _FADE_MM)
    motion = _motion(quiet, lungs, growth, random)
    gone, new = _implants(quiet, lungs, nodule_center_mm, random)
    keep_clear = np.array([nodule_center_mm, gone.center_mm, new.center_mm])
    first, second = grid_of(image), other_grid(image, random)
    targets = _targets(quiet, lungs, keep_clear, random)
    seen = second.holds(motion.to_followup(targets))

    before = sitk.GetArrayFromImage(quiet).astype(np.float32)
    after = resampled(before, lungs, first, second, motion.to_baseline)
    gone_fine = _implanted(before, first, gone)
    new_fine = _implanted(after, second, replace(new, center_mm=motion.to_followup(new.center_mm)))
    before += scanner_noise(before.shape, first.spacing_mm, noise_hu, random)
    after += scanner_noise(after.shape, second.spacing_mm, noise_hu, random)
    there = motion.to_followup(nodule_center_mm)
    return SemiSyntheticPair(
        baseline=first.image(_rounded(before)),
        followup=second.image(_rounded(after)),
        growth_factor=motion.volume_ratio(nodule_center_mm, radius),
        nodule_baseline_mm=nodule_center_mm,
        nodule_followup_mm=(float(there[0]), float(there[1]), float(there[2])),
        gone=gone_fine.size(first.axes, first.origin_mm, "all"),
        new=new_fine.size(second.axes, second.origin_mm, "all"),
        target_points_mm=targets[seen],
        motion=motion,
    )


def _motion(
    image: sitk.Image, lungs: NDArray[np.bool_], growth: LocalGrowth, random: np.random.Generator
) -> KnownMotion:
    """Return a breath of 15 to 25 mm centred on the lungs, after `growth`."""
    corners = points_of_cells(image, np.argwhere(lungs))
    low, high = corners.min(0), corners.max(0)
    frame = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, high[2] - _PHANTOM_APEX_MM])
    sign = float(random.choice([-1.0, 1.0]))
    turn, shift = random.uniform(-2, 2, 3).tolist(), random.uniform(-6, 6, 3).tolist()
    breath = BreathingField(
        diaphragm_mm=sign * float(random.uniform(15, 25)),
        lateral_mm=sign * float(random.uniform(2, 4)),
        bend_mm=float(random.uniform(1.0, 2.5)),
        phases=(float(random.uniform(0, 6.28)), float(random.uniform(0, 6.28))),
        rotation_deg=(turn[0], turn[1], turn[2]),
        shift_mm=(shift[0], shift[1], shift[2]),
    )
    return KnownMotion(breath, growth, frame)


def _implants(
    image: sitk.Image, lungs: NDArray[np.bool_], nodule_center_mm: Vector, random: np.random.Generator
) -> tuple[NoduleShape, NoduleShape]:
    """Return a nodule for the baseline and one for the follow-up, both at their place at baseline."""
    taken = [np.asarray(nodule_center_mm, float)]
    shapes = []
    for _ in range(2):
        diameter = float(random.uniform(7.0, 12.0))
        places = free_places(image, lungs, 0.7 * diameter, random, 4000)
        distances = np.min([np.linalg.norm(places - other, axis=1) for other in taken], axis=0)
        chosen = places[np.argmax(distances >= min(_ROOM_BETWEEN_MM, distances.max()))]
        taken.append(chosen)
        shapes.append(random_shape(chosen, diameter, float(random.uniform(0.05, 0.15)), random))
    return shapes[0], shapes[1]


def _implanted(voxels: NDArray[np.float32], scan: Scan, shape: NoduleShape) -> FineNodule:
    """Put a solid nodule into `voxels` as the scanner would show it."""
    fine = sample_nodule(shape, _everywhere, scan.axes, scan.origin_mm, margin_mm=4 * _BLUR_MM)
    soft = fine.blurred(fine.whole, _BLUR_MM)
    i, j, k = fine.voxels_within(scan.plane_coordinates(0), scan.plane_coordinates(1), scan.plane_coordinates(2))
    heights = scan.sub_slice_heights(k.start, k.stop)
    share = fine.share(soft, scan.plane_coordinates(0)[i], scan.plane_coordinates(1)[j], heights)
    share = share.reshape(k.stop - k.start, scan.sub_slices, *share.shape[1:]).mean(1)
    voxels[k, j, i] += share * (np.float32(_NODULE_HU) - voxels[k, j, i])
    return fine


def _everywhere(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Implanted nodules lie free in the lung: no border cuts them."""
    return np.full(points.shape[:-1], -np.inf)


def _targets(
    image: sitk.Image, lungs: NDArray[np.bool_], keep_clear: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.float64]:
    """Return points (n, 3) LPS mm spread over the lungs, where neither growth nor an implant changed the tissue."""
    cells = np.argwhere(lungs)
    points = points_of_cells(image, cells[random.integers(0, len(cells), _TARGETS)])
    distances = np.linalg.norm(points[:, None] - keep_clear, axis=-1)
    reach = np.array([_FADE_MM + 12.0, 12.0, 12.0])
    chosen: NDArray[np.float64] = points[(distances > reach).all(1)]
    return chosen


def _rounded(voxels: NDArray[np.float32]) -> NDArray[np.int16]:
    rounded: NDArray[np.int16] = np.clip(np.rint(voxels), -1024, 3071).astype(np.int16)
    return rounded
