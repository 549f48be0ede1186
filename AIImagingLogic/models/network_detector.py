"""A Detector over a package: its network is run over the image, its boxes become candidates."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import SimpleITK as sitk

from AIImagingLogic.inference.detection.run import DetectionOutput, run_detection
from AIImagingLogic.inference.network import EngineSettings
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.catalogue import model_card
from AIImagingLogic.models.network_parameters import network_parameters
from AIImagingLogic.models.protocols import Candidate
from AIImagingLogic.models.retinanet.bundle import is_retinanet_bundle, open_retinanet_bundle
from AIImagingLogic.models.retinanet.detector_package import DetectorPackage
from AIImagingLogic.models.store.whereabouts import installed
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import CodedConcept
from AIImagingLogic.records.errors import ModelError, WrongImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import ModelUse
from AIImagingLogic.records.segmentation import Segmentation


@dataclass(frozen=True)
class FoundBox:
    """What a detection network found at one place.

    Attributes
    ----------
    box : LPS mm, along the image's axes
    score : 0..1, the network's
    concept : what it is
    """

    box: OrientedBox
    score: float
    concept: CodedConcept

    @property
    def candidate(self) -> Candidate:
        """The same as a seed for an outline: the box's centre, and the edge of a cube of its volume."""
        first, second, third = self.box.size_mm
        return Candidate(self.box.center_mm, float(first * second * third) ** (1 / 3), self.score)


class NetworkDetector:
    """Detects with the network of a package.

    Parameters
    ----------
    package : opened by `open_retinanet_bundle`
    least_score : what scores less is not returned; None: the package's operating point
    settings : what the network runs on
    """

    def __init__(
        self, package: DetectorPackage, least_score: float | None = None, settings: EngineSettings | None = None
    ) -> None:
        self.package = package
        self.card: ModelCard = package.card
        self.least_score = package.shown_score if least_score is None else least_score
        self._settings = settings or EngineSettings()

    @property
    def use(self) -> ModelUse:
        """How a provenance names the model."""
        return ModelUse(self.card.id, self.card.version, self.package.sha256)

    def parameters(self, output: DetectionOutput) -> dict[str, object]:
        """Return what a provenance says of a run."""
        recipe = self.package.recipe
        return {
            **network_parameters(self.package.format, recipe.feeding, output.backend, output.windows),
            "least_score": self.least_score,
            "overlap_allowed": recipe.overlap_allowed,
        }

    def detect(
        self, image: sitk.Image, info: ImageInfo, organs: Segmentation, progress: Progress
    ) -> tuple[Candidate, ...]:
        """Return the candidates of `image`, best first; where `organs` has no voxel, nothing is sought."""
        found, _ = self.find(image, organs, progress)
        return tuple(item.candidate for item in found)

    def find(
        self, image: sitk.Image, organs: Segmentation | None, progress: Progress
    ) -> tuple[tuple[FoundBox, ...], DetectionOutput]:
        """Return the boxes of `image` at and above the least score, best first, and how the run went.

        Parameters
        ----------
        image : 3D, grey values, any orientation
        organs : where to look, on the grid of `image`; None: everywhere
        progress : told of every window

        Raises
        ------
        ModelError
            The network needs several images, or its output is not what its package says.
        WrongImageError
            The image is in colour, or has voxels that are not numbers.
        """
        if image.GetNumberOfComponentsPerPixel() != 1 or image.GetDimension() != 3:
            raise WrongImageError(f"{self.card.name} needs a volume of grey values.", "Choose another image.")
        package = self.package
        within = None if organs is None else organs.image
        output = run_detection([image], package.network, package.recipe, self._settings, progress, within)
        concepts = dict(zip(package.recipe.labels, package.concepts, strict=True))
        found = tuple(
            FoundBox(item.box, item.score, concepts[item.label])
            for item in output.boxes
            if item.score >= self.least_score
        )
        return found, output


def open_detector(model: str, least_score: float | None = None) -> NetworkDetector:
    """Return the detector of a package.

    Parameters
    ----------
    model : id of a model of the catalogue that is installed, or path of a package
    least_score : see `NetworkDetector`

    Raises
    ------
    ModelError
        There is no such model, it is not installed, it does not detect, or its package cannot be used.
    """
    path = Path(model).expanduser()
    if path.exists():
        return NetworkDetector(open_detector_package(path.resolve()), least_score)
    if "/" in model or "\\" in model:
        raise ModelError(f"There is no model package '{model}'.", "Check the path.")
    card = model_card(model)
    if card.task != "detect":
        raise ModelError(f"'{card.id}' does not detect: its task is to {card.task}.", "Choose another model.")
    folder = installed(card)
    if folder is None:
        raise ModelError(f"The model '{model}' is not on this computer.", f"Get it: aiimaging models get {model}.")
    return NetworkDetector(open_detector_package(folder, card), least_score)


def open_detector_package(path: Path, card: ModelCard | None = None) -> DetectorPackage:
    """Open the detection package at `path`.

    Raises
    ------
    ModelError
        It is no detection package that can be read, is damaged, or PyTorch is not installed.
    """
    if find_spec("torch") is None:
        raise ModelError(
            "Model packages need PyTorch, which is not installed.",
            "In Slicer install it with the PyTorch extension, elsewhere with: pip install torch.",
        )
    if is_retinanet_bundle(path):
        return open_retinanet_bundle(path, card)
    raise ModelError(
        f"'{path.name}' is no detection package that can be read.", "Those read are: MONAI bundles with a RetinaNet."
    )
