"""A Segmenter over a model package: its networks are run by the engine, its labels become segments."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.inference.engine import run_network
from AIImagingLogic.inference.network import EngineSettings, NetworkOutput
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.catalogue import load_model, model_card, model_ids
from AIImagingLogic.models.formats.open_package import open_package
from AIImagingLogic.models.largest_part import keep_largest_of_each, keep_largest_part
from AIImagingLogic.models.listing import listed_card
from AIImagingLogic.models.network_parameters import network_parameters
from AIImagingLogic.models.package import LoadedPackage
from AIImagingLogic.models.protocols import Segmenter
from AIImagingLogic.models.store.whereabouts import installed
from AIImagingLogic.records.errors import ModelError, WrongImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import ModelUse, Provenance, make_provenance
from AIImagingLogic.records.segmentation import Segmentation

_COLOURS = 3
# Voxels this many times as long as the network's: on such an MR the brainchop networks mixed up grey and white matter.
_COARSE = 2.5


class NetworkSegmenter:
    """Segments with the networks of a package.

    Parameters
    ----------
    package : opened by `open_package`
    settings : what the networks run on
    """

    def __init__(self, package: LoadedPackage, settings: EngineSettings | None = None) -> None:
        self.package = package
        self.card: ModelCard = package.card
        self._settings = settings or EngineSettings()

    def segment(self, image: sitk.Image, info: ImageInfo, progress: Progress) -> Segmentation:
        """Return the segmentation of `image`, for a model with one input.

        Raises
        ------
        ModelError, WrongImageError
            As `segment_images`.
        """
        return self.segment_images((image,), (info,), progress)

    def segment_images(
        self, images: Sequence[sitk.Image], infos: Sequence[ImageInfo], progress: Progress
    ) -> Segmentation:
        """Return the segmentation on exactly the grid of the first image.

        Parameters
        ----------
        images : in the order of the card's inputs
        infos : what is known of each
        progress : told how far the run is

        Returns
        -------
        Segmentation
            With the segments that have voxels, and a provenance that says package, format, recipe, device and backend.

        Raises
        ------
        ModelError
            Another number of images than the model takes.
        WrongImageError
            An image in colour for a model of grey values, or the reverse; voxels that are not numbers.
        """
        self._check(images)
        output = self._run(images, progress)
        labels, left_out_ml = output.labels, 0.0
        if self.package.largest_part_only:
            labels, left_out_ml = keep_largest_part(labels)
        if self.package.largest_part_of:
            labels, left_out_ml = keep_largest_of_each(labels, self.package.largest_part_of)
        counts = np.bincount(sitk.GetArrayViewFromImage(labels).reshape(-1))
        found = [item for item in self.package.segments if item.value < len(counts) and counts[item.value]]
        missing = [item.name for item in self.package.segments if item not in found]
        notes = [*(note for info in infos for note in info.notes), *self.package.notes, *output.notes]
        if coarse := _coarse_axis(images[0], self.package.recipe.spacing_mm):
            notes.append(coarse)
        if left_out_ml:
            notes.append(f"Parts apart from the largest were left out: {left_out_ml:.3g} ml.")
        if missing:
            notes.append(f"Not found in the image: {', '.join(missing)}.")
        return Segmentation(labels, tuple(found), self._provenance(infos, output, notes))

    def _run(self, images: Sequence[sitk.Image], progress: Progress) -> NetworkOutput:
        package, settings = self.package, self._settings
        if package.workflow is not None:
            return package.workflow.run(images, settings, progress)
        if not package.runtime:
            return run_network(images, package.networks, package.recipe, settings, progress)
        # The modules call that library: PyTorch only hands the windows over, and there is nothing to convert.
        settings = dataclasses.replace(settings, backend="torch", device="cpu")
        output = run_network(images, package.networks, package.recipe, settings, progress)
        return dataclasses.replace(output, backend=package.runtime)

    def _provenance(self, infos: Sequence[ImageInfo], output: NetworkOutput, notes: Sequence[str]) -> Provenance:
        package, recipe = self.package, self.package.recipe
        parameters = {
            **network_parameters(package.format, recipe, output.backend, output.windows),
            "networks": len(package.networks),
            "output": recipe.output,
            "largest_part_only": package.largest_part_only or list(package.largest_part_of),
        }
        use = ModelUse(self.card.id, self.card.version, package.sha256)
        return make_provenance("segment", [use], infos, parameters, notes=notes, device=output.device)

    def _check(self, images: Sequence[sitk.Image]) -> None:
        wanted = self.package.recipe.channels
        components = [image.GetNumberOfComponentsPerPixel() for image in images]
        name = self.card.name
        if len(images) == 1 and components[0] != 1:
            if wanted == 1:
                raise WrongImageError(
                    f"{name} needs one image of grey values; this one has {components[0]} colours a voxel.",
                    "Convert it to grey values, or choose a model for colour images.",
                )
            if components[0] == wanted:
                return
        if wanted == _COLOURS and len(self.card.inputs) == 1 and components == [1]:
            raise WrongImageError(
                f"{name} needs an image in colour; this one has grey values.", "Choose another image."
            )
        if len(images) != wanted or any(count != 1 for count in components):
            raise ModelError(
                f"{name} needs {wanted} images, and {len(images)} were given.",
                f"In this order: {', '.join(self.card.inputs)}.",
            )


def _coarse_axis(image: sitk.Image, wanted_mm: Sequence[float] | None) -> str:
    """Say that an image is much coarser than what the network was made for; empty when it is not."""
    if not wanted_mm or max(image.GetSpacing()) <= _COARSE * max(wanted_mm):
        return ""
    return (
        f"The image's voxels are {max(image.GetSpacing()):.3g} mm long, and the model was made for "
        f"{max(wanted_mm):.3g} mm: what lies between is guessed, and volumes may be far off."
    )


def open_segmenter(model: str) -> Segmenter:
    """Return the Segmenter `model`.

    Parameters
    ----------
    model : id of a built-in model, id of an installed model, of the catalogue or the user's own, or path of a package

    Raises
    ------
    ModelError
        There is no such model, it is not installed, it does not segment, or its package cannot be used.
    """
    if model in model_ids():
        return _built_in(model)
    path = Path(model)
    if path.exists():
        return NetworkSegmenter(_segmenting(open_package(path)))
    if "/" in model or "\\" in model:
        raise ModelError(f"There is no model package '{model}'.", "Check the path.")
    card = listed_card(model)
    _require_segmenting(card)
    folder = installed(card)
    if folder is None:
        raise ModelError(f"The model '{model}' is not on this computer.", f"Get it: aiimaging models get {model}.")
    return NetworkSegmenter(open_package(folder, card))


def _built_in(model: str) -> Segmenter:
    _require_segmenting(model_card(model))
    segmenter: Segmenter = load_model(model)
    return segmenter


def _segmenting(package: LoadedPackage) -> LoadedPackage:
    _require_segmenting(package.card)
    return package


def _require_segmenting(card: ModelCard) -> None:
    if card.task != "segment":
        raise ModelError(f"'{card.id}' does not segment: its task is to {card.task}.", "Choose another model.")
