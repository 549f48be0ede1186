"""What is known of a phantom's lesions: size, kind, place and course at each visit."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.json_form import Record


@dataclass(frozen=True)
class LesionAtVisit(Record):
    """A lesion at one visit, measured on its finely sampled shape (only what lies inside the lung).

    Attributes
    ----------
    center_mm : (3,) LPS mm, centre of mass
    volume_mm3 : sampling error below 1%
    long_axis_mm, short_axis_mm : on the axial plane of the image with the longest axis; the short one is perpendicular
    mean_diameter_mm : mean of the two, as Lung-RADS v2022 defines the size
    mean_diameter_best_plane_mm : the same on the one of axial, coronal and sagittal planes with the longest axis
    solid_volume_mm3, solid_mean_diameter_mm : the same of the solid part; 0 in a ground-glass nodule, the whole in a
        solid one
    """

    center_mm: Vector
    volume_mm3: float
    long_axis_mm: float
    short_axis_mm: float
    mean_diameter_mm: float
    mean_diameter_best_plane_mm: float
    solid_volume_mm3: float
    solid_mean_diameter_mm: float


@dataclass(frozen=True)
class LesionTruth(Record):
    """One lesion of a pair.

    Attributes
    ----------
    number : 1, 2, ...
    attenuation : ``solid``, ``part-solid``, ``ground-glass``, ``calcified``
    contact : ``none``, ``pleura``, ``vessel``
    side : ``right``, ``left``
    third : ``upper``, ``middle``, ``lower``, of the lung's height at baseline
    course : ``stable``, ``growing``, ``shrinking``, ``new``, ``gone``
    distractor : True for a nodule under 4 mm, which counts neither as a lesion nor as a false positive
    baseline, followup : None where the lesion does not exist
    """

    number: int
    attenuation: str
    contact: str
    side: str
    third: str
    course: str
    distractor: bool
    baseline: LesionAtVisit | None
    followup: LesionAtVisit | None
