"""What a chest pair is made of: the scans, the person, the motion between, the nodules."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from AIImagingLogic.images.phantoms.breathing import BreathingField
from AIImagingLogic.images.phantoms.thorax import Physique

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class ScanRecipe:
    """How a visit is scanned.

    Attributes
    ----------
    in_plane_mm, slice_mm : spacing; slices are as thick as they stand apart
    noise_hu : standard deviation of the noise in the image
    blur_mm : sigma of the point spread function before the slice profile
    direction : 9 direction cosines, row-major, LPS
    width_mm, height_mm : field of view in plane and along the patient
    """

    in_plane_mm: float = 0.9
    slice_mm: float = 1.5
    noise_hu: float = 22.0
    blur_mm: float = 0.65
    direction: tuple[float, ...] = IDENTITY
    width_mm: float = 345.0
    height_mm: float = 258.0


@dataclass(frozen=True)
class NoduleRecipe:
    """One nodule to be placed.

    Attributes
    ----------
    attenuation : ``solid``, ``part-solid``, ``ground-glass``, ``calcified``
    contact : ``none``, ``pleura``, ``vessel``
    course : ``stable``, ``growing``, ``shrinking``, ``new``, ``gone``
    diameter_mm : at the first visit where it exists
    volume_factor, core_volume_factor : volume at follow-up over volume at baseline
    density_hu, core_hu : of the whole and of the solid core
    core_share : radius of the core over that of the whole
    lobulation : height of the bumps as a share of the radius
    """

    attenuation: str
    contact: str
    course: str
    diameter_mm: float
    volume_factor: float = 1.0
    core_volume_factor: float = 1.0
    density_hu: float = 30.0
    core_hu: float = 30.0
    core_share: float = 0.0
    lobulation: float = 0.08


@dataclass(frozen=True)
class PairRecipe:
    """Everything that `make_chest_pair` needs; the same recipe gives the same pair.

    Attributes
    ----------
    vessel_tips : ends of the arterial, and of the venous, tree of each lung
    lung_hu : density of the lungs halfway between front and back, at baseline
    interval_days : between the visits
    """

    seed: int
    baseline: ScanRecipe = field(default_factory=ScanRecipe)
    followup: ScanRecipe = field(default_factory=ScanRecipe)
    physique: Physique = field(default_factory=Physique)
    breathing: BreathingField = field(default_factory=BreathingField)
    nodules: tuple[NoduleRecipe, ...] = ()
    vessel_tips: int = 460
    lung_hu: float = -862.0
    interval_days: int = 182

    def coarser(self, in_plane_mm: float, slice_mm: float) -> PairRecipe:
        """Return the same pair, scanned on a coarser grid: for quick tests."""
        return replace(
            self,
            baseline=replace(self.baseline, in_plane_mm=in_plane_mm, slice_mm=slice_mm),
            followup=replace(self.followup, in_plane_mm=in_plane_mm, slice_mm=slice_mm),
        )
