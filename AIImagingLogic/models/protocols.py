"""What a task asks of a model, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import SimpleITK as sitk

from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.records.classification import Classification
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.prompts import Prompts
from AIImagingLogic.records.registration import Registration
from AIImagingLogic.records.segmentation import Segmentation


class Segmenter(Protocol):
    """Outlines organs or lesions: a label image on exactly the grid of `image`."""

    card: ModelCard

    def segment(self, image: sitk.Image, info: ImageInfo, progress: Progress) -> Segmentation:
        """Return the segmentation of `image`."""
        ...


@runtime_checkable
class ChecksImage(Protocol):
    """An engine that knows of images which are not for it, and why, better than the checks that all engines share."""

    def check(self, image: sitk.Image, info: ImageInfo) -> None:
        """Refuse such an image. Quick; what the files state of modality and unit was checked before, the voxels not.

        Raises
        ------
        WrongImageError, GeometryError
            With the reason that is true of it.
        """
        ...


@dataclass(frozen=True)
class Candidate:
    """A detector's proposal, before it is outlined.

    Attributes
    ----------
    position_mm : (3,) mm, LPS
    diameter_mm : estimated
    score : 0..1
    """

    position_mm: tuple[float, float, float]
    diameter_mm: float
    score: float


class Detector(Protocol):
    """Finds lesions of one kind.

    `least_score` is the score under which candidates are not returned; a detector is made with its operating point.
    """

    card: ModelCard
    least_score: float

    def detect(
        self, image: sitk.Image, info: ImageInfo, organs: Segmentation, progress: Progress
    ) -> tuple[Candidate, ...]:
        """Return the candidates of `image`, best first. `organs` is what the card's `needs` names, on the same grid."""
        ...


class Outliner(Protocol):
    """Outlines the one lesion at a seed."""

    card: ModelCard

    def outline(
        self, image: sitk.Image, info: ImageInfo, organs: Segmentation, candidate: Candidate, progress: Progress
    ) -> sitk.Image:
        """Return a cropped uint8 mask on the grid of `image`: 0 outside, 1 lesion, 2 solid part of a part-solid lesion.

        An empty mask means that nothing could be outlined there.
        """
        ...


class Classifier(Protocol):
    """Tells classes apart: a probability for each, and where in the image a class is seen."""

    card: ModelCard

    def classify(
        self, image: sitk.Image, info: ImageInfo, explain: str, heat_map: bool, progress: Progress
    ) -> Classification:
        """Return the probabilities of `image`, 2D or 3D, and a heat map of the class `explain` (its key or name).

        Without `explain` the heat map is of the most probable class; without `heat_map` there is none.
        """
        ...


class Registrar(Protocol):
    """Brings two images into correspondence.

    `across_modalities` says whether it compares images of two modalities.
    """

    card: ModelCard
    across_modalities: bool

    def register(
        self,
        fixed: sitk.Image,
        moving: sitk.Image,
        fixed_mask: sitk.Image | None,
        moving_mask: sitk.Image | None,
        progress: Progress,
    ) -> Registration:
        """Return the transform of points of `fixed` to points of `moving`, and its quality.

        Raises
        ------
        RegistrationError
            The images do not overlap, or nothing improved.
        """
        ...


class RefinementSession(Protocol):
    """One object of one image, as it is corrected. What does not change from click to click is kept."""

    def refine(self, prompts: Prompts, progress: Progress) -> sitk.Image:
        """Return what changed: a cropped uint8 image on the grid of the image, 1 in the object and 0 beside it.

        Around it all stays as the proposal has it. All prompts are given each time, the new ones last.
        """
        ...


class Refiner(Protocol):
    """Corrects the outline of one object by what a person shows of it, or makes it from that alone."""

    card: ModelCard

    def open(self, image: sitk.Image, info: ImageInfo, proposal: sitk.Image | None) -> RefinementSession:
        """Return a session on `image`.

        `proposal` is on the same grid: a mask (integer, 0 is background), or probabilities 0..1 (float). Without it
        there is nothing yet.
        """
        ...
