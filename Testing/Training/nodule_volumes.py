"""Lungs to train the nodule network on: generated ones and real ones, on the network's grid, with what lies in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from AIImagingLogic.evaluation.detection import Target
from AIImagingLogic.images.phantoms.chest_pair import harder_tuning_recipe, make_chest_pair
from AIImagingLogic.images.phantoms.recipe import PairRecipe, ScanRecipe
from AIImagingLogic.models.builtin.nodule_network.lung_grid import GRID_MM, lungs_on_grid
from Testing.Benchmarks.pair_scoring import targets_at
from Testing.Training.nodule_score_cases import find_lungs

REAL_CTS = ("aorta_ct_cropped.nii.gz", "3DCT_lung.mha")
"""In chest_ct. LIDC-IDRI-0314 is not among them: it stays for testing."""
_FIRST_SEED = 1000
"""The score's fit has taken pairs 0-11, the benchmark takes those from 50000 on."""
_STREAM = 2207
_DEPTHS_MM = (-20, 60)
_SLICES_MM = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0)


@dataclass(frozen=True)
class Volume:
    """One pair of lungs.

    Attributes
    ----------
    real : True for the CT of a person
    hu : (k, j, i) int16, on the network's grid
    depth : (k, j, i) int8, mm from the lungs' border, positive inside
    nodules : (N, 5): k, j, i of the centre and the diameter, in voxels; 1 where it counts neither way
    """

    real: bool
    hu: NDArray[np.int16]
    depth: NDArray[np.int8]
    nodules: NDArray[np.float64]

    def save(self, path: Path) -> None:
        """Write it."""
        np.savez(path, real=self.real, hu=self.hu, depth=self.depth, nodules=self.nodules)

    @classmethod
    def load(cls, path: Path) -> Volume:
        """Read what `save` wrote."""
        with np.load(path) as content:
            return cls(bool(content["real"]), content["hu"], content["depth"], content["nodules"])


def varied_recipe(number: int) -> PairRecipe:
    """Return generated pair `number` of those to train on: bodies, trees, kernels, noise and slices of every kind."""
    random = np.random.default_rng([_STREAM, number])
    recipe = harder_tuning_recipe(_FIRST_SEED + number)
    physique = replace(
        recipe.physique,
        width=float(random.uniform(0.85, 1.0)),
        depth=float(random.uniform(0.88, 1.04)),
        fat=float(random.uniform(0.5, 1.8)),
    )
    return replace(
        recipe,
        baseline=_scan(random),
        followup=_scan(random),
        physique=physique,
        vessel_tips=int(random.integers(300, 650)),
        lung_hu=float(random.uniform(-905.0, -800.0)),
    )


def generated_volumes(number: int, grid_mm: tuple[float, float] | None = None) -> list[Volume]:
    """Return both visits of generated pair `number`.

    Parameters
    ----------
    grid_mm : another spacing, in plane and between slices, than the recipe's; for tests
    """
    recipe = varied_recipe(number)
    pair = make_chest_pair(recipe if grid_mm is None else recipe.coarser(*grid_mm))
    return [
        volume_of(image, targets_at(pair.lesions, visit), real=False)
        for visit, image in enumerate((pair.baseline, pair.followup))
    ]


def real_volume(folder: Path, name: str) -> Volume:
    """Return a CT of `folder` as it is; what nodules it may hold is not known, and taken for none."""
    return volume_of(sitk.ReadImage(str(folder / name), sitk.sitkFloat32), (), real=True)


def volume_of(image: sitk.Image, targets: Sequence[Target], real: bool) -> Volume:
    """Return the lungs of a CT in HU, as the program finds them, and its nodules.

    Raises
    ------
    WrongImageError
        It shows no lungs.
    """
    grid = lungs_on_grid(image, find_lungs(image))
    assert grid is not None
    depth = distance_transform_edt(grid.inside) - distance_transform_edt(~grid.inside)
    places = grid.indices(np.array([target.position_mm for target in targets]).reshape(-1, 3))
    rest = [(target.diameter_mm / GRID_MM, float(target.excluded)) for target in targets]
    return Volume(
        real,
        np.clip(np.rint(grid.hu), -1024, 3071).astype(np.int16),
        np.clip(np.rint(depth * GRID_MM), *_DEPTHS_MM).astype(np.int8),
        np.concatenate([places, np.array(rest).reshape(-1, 2)], axis=1),
    )


def _scan(random: np.random.Generator) -> ScanRecipe:
    return ScanRecipe(
        in_plane_mm=float(random.uniform(0.8, 0.95)),
        slice_mm=float(random.choice(_SLICES_MM)),
        noise_hu=float(random.uniform(8.0, 45.0)),
        blur_mm=float(random.uniform(0.45, 0.95)),
    )
