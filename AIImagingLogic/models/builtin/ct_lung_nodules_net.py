"""Lung nodules of a CT: marks of a small 3D network joined with the learning-free candidates and their score."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import SimpleITK as sitk

from AIImagingLogic.models.builtin.candidate_search import LungCandidates, candidates_of_lungs
from AIImagingLogic.models.builtin.nodule_network.opinions import (
    Fusion,
    Runner,
    opinions,
)
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.protocols import Candidate
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.resources import load_resource, resource_path
from AIImagingLogic.records.segmentation import Segmentation

if TYPE_CHECKING:
    from AIImagingLogic.models.builtin.nodule_network.runner import NoduleRunner

WEIGHTS = "models/weights/ct-lung-nodules-net.safetensors"
FUSION = "models/scores/ct-lung-nodules-net.json"


class CTLungNodulesNet:
    """Finds solid, part-solid and ground-glass nodules of 4 to 30 mm; needs PyTorch.

    Parameters
    ----------
    card : the model's card
    least_score : candidates below it are not returned; None for the operating point of the card's figures
    joined : with the learning-free candidates and their score; False for the network alone
    runner : what runs the network; None: PyTorch, with the weights that travel with the program

    Raises
    ------
    ModelError
        PyTorch is missing, or the weights are damaged.
    """

    def __init__(
        self, card: ModelCard, least_score: float | None = None, joined: bool = True, runner: Runner | None = None
    ) -> None:
        self.card = card
        self.fusion, operating_score = shipped_fusion()
        self.least_score = operating_score if least_score is None else least_score
        self._joined = joined
        self._runner = runner or shipped_runner()

    def detect(
        self, image: sitk.Image, info: ImageInfo, organs: Segmentation, progress: Progress
    ) -> tuple[Candidate, ...]:
        """Return the nodule candidates of `image`, best first.

        Parameters
        ----------
        image : chest CT in HU, any orientation
        info : what is known of it
        organs : lungs on the grid of `image`, juxtapleural nodules inside
        progress : told of each step
        """
        candidates = candidates_of_lungs(image, organs, progress) if self._joined else LungCandidates.none()
        said = opinions(image, organs, self._runner, candidates, progress)
        if self._joined:
            return said.joined(self.fusion, self.least_score)
        return said.by_network_alone(self.least_score)


def shipped_fusion() -> tuple[Fusion, float]:
    """Return how both opinions are joined, and the least joint score that is shown as a finding."""
    content = load_resource(FUSION)
    weights = {name: float(content[name]) for name in Fusion.__dataclass_fields__}
    return Fusion(**weights), float(content["operating_score"])


def shipped_runner() -> NoduleRunner:
    """Return what runs the network with the weights that travel with the program.

    Raises
    ------
    ModelError
        PyTorch is missing, or the weights are damaged.
    """
    from AIImagingLogic.models.builtin.nodule_network.runner import NoduleRunner

    if find_spec("torch") is None:
        raise ModelError(
            "This detector needs PyTorch, which is not installed.",
            "Install the package 'torch', or choose the model ct-lung-nodules, which needs nothing more.",
        )
    return NoduleRunner(resource_path(WEIGHTS))
