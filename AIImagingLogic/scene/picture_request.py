"""What the rendering process is asked to draw. Plain records: it runs apart from the program that asks."""

from __future__ import annotations

from dataclasses import dataclass

import SimpleITK as sitk

from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.segmentation import Segmentation


@dataclass(frozen=True)
class LesionView(Record):
    """One visit's row of a lesion's picture.

    Attributes
    ----------
    heading : visit and date
    detail : measurements, or why nothing is outlined
    center_mm : (3,) mm, LPS, where the planes cross; None when the place is not known
    seen : False draws a cross where the lesion would lie
    image : the image around `center_mm`, None when the place is not known
    lesions : every lesion in `image`, on its grid
    """

    heading: str
    detail: str
    center_mm: Vector | None
    seen: bool
    image: sitk.Image | None
    lesions: Segmentation | None


@dataclass(frozen=True)
class LesionPicture(Record):
    """A lesion in three planes, a row a visit.

    `window` is (lower, upper) in the image's intensity unit; `field_of_view_mm` is the width of a plane.
    """

    file: str
    title: str
    subtitle: str
    colour: tuple[int, int, int]
    field_of_view_mm: float
    window: tuple[float, float]
    views: tuple[LesionView, ...]


@dataclass(frozen=True)
class OverviewView(Record):
    """One visit's 3D view: organs (coarse), each lesion on its own small grid, and where its number is written."""

    heading: str
    organs: Segmentation | None
    lesions: tuple[Segmentation, ...]
    positions_mm: tuple[Vector, ...]


@dataclass(frozen=True)
class OverviewPicture(Record):
    """The 3D views of all visits, side by side."""

    file: str
    title: str
    views: tuple[OverviewView, ...]


@dataclass(frozen=True)
class PictureRequest(Record):
    """Everything that one rendering process draws."""

    overview: OverviewPicture | None
    lesions: tuple[LesionPicture, ...]
