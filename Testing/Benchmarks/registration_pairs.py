"""Pairs of real images with a known field between them: the fixed one is the moving one, deformed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.images.geometry import index_to_world, inside, transform_points
from AIImagingLogic.models.builtin.registration_features import body_mask

AMPLITUDES_MM = (5.0, 10.0, 15.0, 20.0, 25.0)
_LATTICE_MM = 8.0
# The field is blurred by this (standard deviation), and more until tissue shrinks to a third at most.
_LEAST_LENGTH_MM, _LONGER, _LEAST_JACOBIAN = 25.0, 1.2, 0.3
_TRIALS = 12
_POINTS = 1500


@dataclass(frozen=True)
class Kind:
    """One kind of pair.

    Attributes
    ----------
    name : as the figures call it
    moving, fixed : files under the real images; the same, or two modalities on one grid
    factors : voxels averaged along i, j, k, so that all methods run in minutes
    preset : of ours
    """

    name: str
    moving: str
    fixed: str
    factors: tuple[int, int, int]
    preset: str


_T1 = "brain_mr/stroke_T1.nii.gz"
_PET_CT = "pet_ct/STS_001_CT_image.nii.gz"
_CHEST, _ABDOMEN = "chest_ct/lidc0314_ct_whole_1p6mm.nii.gz", "abdomen_ct/example_ct.nii.gz"
_BRAIN = "brain_mr/brainchop_t1_crop.nii.gz"
KINDS = (
    Kind("chest CT", _CHEST, _CHEST, (2, 2, 2), "chest"),
    Kind("abdomen CT", _ABDOMEN, _ABDOMEN, (1, 1, 1), "abdomen"),
    Kind("brain T1", _BRAIN, _BRAIN, (2, 2, 2), "brain"),
    # CT to CT: what carries the PET of a scanner along is the transform of its CT.
    Kind("PET-CT", _PET_CT, _PET_CT, (2, 2, 1), "pet-ct"),
    Kind("T1 to T2", _T1, "brain_mr/stroke_T2.nii.gz", (1, 1, 1), "brain"),
    Kind("T1 to FLAIR", _T1, "brain_mr/stroke_FLAIR.nii.gz", (1, 1, 1), "brain"),
)


@dataclass(frozen=True)
class KnownPair:
    """Two images and where points of the fixed one truly lie in the moving one.

    Attributes
    ----------
    points : (N, 3) mm, LPS in the body of the fixed image
    targets : (N, 3) mm, LPS, the same tissue in the moving image
    body : uint8 on the grid of the fixed image
    """

    fixed: sitk.Image
    moving: sitk.Image
    points: NDArray[np.float64]
    targets: NDArray[np.float64]
    body: sitk.Image


def known_pair(data: Path, kind: Kind, number: int) -> KnownPair:
    """Return the pair of a kind with the deformation `number` (0..4) of `AMPLITUDES_MM`."""
    seed = 1000 * [other.name for other in KINDS].index(kind.name) + number
    random = np.random.default_rng(seed)
    source = _head_room_cut(sitk.ReadImage(str(data / kind.fixed), sitk.sitkFloat32))
    moving = source if kind.moving == kind.fixed else sitk.ReadImage(str(data / kind.moving), sitk.sitkFloat32)
    truth = smooth_field(source, AMPLITUDES_MM[number], random)
    lowest = float(sitk.GetArrayViewFromImage(source).min())
    fixed = sitk.BinShrink(sitk.Resample(source, source, truth, sitk.sitkLinear, lowest), kind.factors)
    moving = changed_intensities(sitk.BinShrink(moving, kind.factors), random)
    body = sitk.Resample(body_mask(fixed), fixed, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    places = np.argwhere(sitk.GetArrayViewFromImage(body) > 0)
    chosen = places[random.choice(len(places), min(3 * _POINTS, len(places)), replace=False)]
    points = index_to_world(fixed, chosen[:, ::-1])
    targets = transform_points(truth, points)
    seen = inside(moving, targets)
    return KnownPair(fixed, moving, points[seen][:_POINTS], targets[seen][:_POINTS], body)


def smooth_field(image: sitk.Image, amplitude_mm: float, random: np.random.Generator) -> sitk.Transform:
    """Return a smooth random field over `image` whose longest vector in the body is `amplitude_mm`, without folds."""
    seed = int(random.integers(2**31))
    for trial in range(_TRIALS):
        field = _lattice_field(image, amplitude_mm, _LEAST_LENGTH_MM * _LONGER**trial, np.random.default_rng(seed))
        # A copy: a view does not keep its image. The filter gives 0 for the outermost voxels.
        jacobian = sitk.GetArrayFromImage(sitk.DisplacementFieldJacobianDeterminant(field))[1:-1, 1:-1, 1:-1]
        if jacobian.min() >= _LEAST_JACOBIAN:
            return sitk.DisplacementFieldTransform(field)
    raise SystemExit(f"No smooth field of {amplitude_mm} mm was found.")


def _lattice_field(image: sitk.Image, amplitude_mm: float, length_mm: float, random: np.random.Generator) -> sitk.Image:
    """Return vectors every 4 mm, a little beyond `image`."""
    size = np.array(image.GetSize()) * np.array(image.GetSpacing())
    length = length_mm / _LATTICE_MM
    reach = int(np.ceil(3 * length))
    count = np.ceil(size / _LATTICE_MM).astype(int) + 5
    noise = random.normal(size=(3, *(count[::-1] + 2 * reach)))
    inner = (slice(reach, -reach),) * 3
    coarse = [ndimage.gaussian_filter(part, length, truncate=3.0)[inner] for part in noise]
    # Cubic between the points of the lattice, so that the truth has no kinks.
    vectors = np.stack(
        [ndimage.zoom(part, (2 * np.array(part.shape) - 1) / part.shape, order=3) for part in coarse], -1
    )
    field = sitk.GetImageFromArray(vectors, isVector=True)
    field.SetSpacing([_LATTICE_MM / 2] * 3)
    field.SetDirection(image.GetDirection())
    axes = np.array(image.GetDirection()).reshape(3, 3)
    field.SetOrigin((np.array(image.GetOrigin()) - axes @ np.full(3, 2 * _LATTICE_MM)).tolist())
    body = sitk.Resample(body_mask(image), field, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    longest = np.linalg.norm(vectors[sitk.GetArrayViewFromImage(body) > 0], axis=-1).max()
    scaled = sitk.GetImageFromArray(vectors * (amplitude_mm / longest), isVector=True)
    scaled.CopyInformation(field)
    return scaled


def changed_intensities(image: sitk.Image, random: np.random.Generator) -> sitk.Image:
    """Return the image with another gamma, a slow shading of 15% and noise of 2% of its range."""
    values = sitk.GetArrayFromImage(image)
    low, high = np.percentile(values, [0.5, 99.5])
    unit = np.clip((values - low) / (high - low), 0, 1.2) ** random.uniform(0.75, 1.3)
    shading = ndimage.zoom(random.normal(size=(3, 3, 3)), np.array(values.shape) / 3, order=1)[
        tuple(slice(length) for length in values.shape)
    ]
    unit *= 1 + 0.15 * shading / np.abs(shading).max()
    unit += random.normal(0, 0.02, unit.shape)
    changed = sitk.GetImageFromArray((unit * (high - low) + low).astype(np.float32))
    changed.CopyInformation(image)
    return changed


def _head_room_cut(image: sitk.Image) -> sitk.Image:
    """Return the image without the air around the body, but for a rim."""
    mask = body_mask(image)
    places = np.argwhere(sitk.GetArrayViewFromImage(mask) > 0)[:, ::-1]
    ends = np.stack([places.min(axis=0) - 1.0, places.max(axis=0) + 1.0])
    corners = np.stack(np.meshgrid(*ends.T, indexing="ij"), axis=-1).reshape(-1, 3)
    index = np.array([image.TransformPhysicalPointToIndex(point) for point in index_to_world(mask, corners).tolist()])
    low = np.clip(index.min(axis=0), 0, None)
    high = np.minimum(index.max(axis=0), np.array(image.GetSize()) - 1)
    return sitk.RegionOfInterest(image, (high - low + 1).tolist(), low.tolist())
