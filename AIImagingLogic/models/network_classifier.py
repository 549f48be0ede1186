"""A Classifier over a model package: its networks' outputs become probabilities of coded classes and a heat map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.inference.classification import ClassifierOutput, run_classifier
from AIImagingLogic.inference.network import EngineSettings
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.classification_package import ClassificationPackage, open_classification_package
from AIImagingLogic.models.formats.bundle_classification import open_classification_bundle
from AIImagingLogic.models.formats.bundle_parts import is_bundle
from AIImagingLogic.models.installed_classifiers import find_classifier
from AIImagingLogic.records.classification import Classification
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import ModelUse, Provenance, make_provenance

_HEAT_MAP = "Grad-CAM of the last convolutional feature map"


class NetworkClassifier:
    """Tells apart with the networks of a package.

    Parameters
    ----------
    package : opened by `open_classification_package`
    settings : what the networks run on
    """

    def __init__(self, package: ClassificationPackage, settings: EngineSettings | None = None) -> None:
        self.package = package
        self.card: ModelCard = package.card
        self._settings = settings or EngineSettings()

    def classify(
        self, image: sitk.Image, info: ImageInfo, explain: str, heat_map: bool, progress: Progress
    ) -> Classification:
        """Return the probabilities of an image and, with `heat_map`, where a class is seen in it.

        Parameters
        ----------
        image : 2D or 3D, grey or colour as the package says
        info : what is known of it
        explain : key or name of the class that the heat map is about; empty: the most probable
        heat_map : make one, on exactly the grid of `image`
        progress : told how far the run is

        Raises
        ------
        ModelError
            The package has no class `explain`, or its network does not do what the package says.
        WrongImageError
            The image has not the colours, dimensions or slices that the network takes, or voxels that are not numbers.
        """
        package = self.package
        index = self._index(explain) if explain else None
        output = run_classifier(
            image, package.networks, package.recipe, self._settings, progress, index, heat_map=heat_map
        )
        return Classification(
            classes=package.classes,
            probabilities=output.probabilities,
            threshold=package.threshold,
            calibration=package.calibration,
            heat_map=output.heat_map,
            provenance=self._provenance(info, output),
            explained="" if output.explained is None else package.classes[output.explained].key,
        )

    def _index(self, explain: str) -> int:
        wanted = explain.strip().lower()
        for index, concept in enumerate(self.package.classes):
            if wanted in (concept.key.lower(), concept.name.lower()):
                return index
        names = ", ".join(concept.name for concept in self.package.classes)
        raise ModelError(f"'{self.card.name}' has no class '{explain}'.", f"Its classes: {names}.")

    def _provenance(self, info: ImageInfo, output: ClassifierOutput) -> Provenance:
        package, recipe = self.package, self.package.recipe
        parameters = {
            "format": package.format,
            "networks": len(package.networks),
            "dimensions": recipe.dimensions,
            "axes": recipe.axes or "as stored",
            "spacing_mm": recipe.spacing_mm or "as stored",
            "size": f"{recipe.size}, {recipe.fit}" if recipe.size else "as stored",
            "intensity": "; ".join(", ".join(str(step) for step in steps) for steps in recipe.intensity),
            "output": recipe.output,
            "threshold": package.threshold,
            "calibration": package.calibration,
        }
        if len(output.by_slice) > 1:
            parameters["slices"] = f"{recipe.slices} of {len(output.by_slice)}"
            # The slice is counted along the image's own axis, from 0.
            parameters["slice of greatest probability"] = "; ".join(
                f"{concept.name}: {int(np.argmax(values))}"
                for concept, values in zip(package.classes, output.by_slice.T, strict=True)
            )
        if output.explained is not None:
            parameters["heat map"] = f"{_HEAT_MAP}, for {package.classes[output.explained].name}"
        use = ModelUse(self.card.id, self.card.version, package.sha256)
        notes = (*info.notes, *package.notes, *output.notes)
        return make_provenance("classify", [use], [info], parameters, notes=notes, device=output.device)


def open_classifier(model: str) -> NetworkClassifier:
    """Return the Classifier `model`.

    Parameters
    ----------
    model : id of a model that is installed, or path of a package

    Raises
    ------
    ModelError
        There is no such model, it is not installed, it does not classify, or its package cannot be used.
    """
    path = Path(model).expanduser()
    if path.exists():
        package = _opened(path.resolve())
    elif "/" in model or "\\" in model:
        raise ModelError(f"There is no model package '{model}'.", "Check the path.")
    else:
        stored = find_classifier(model)
        package = _opened(stored.folder, stored.card)
    if package.card.task != "classify":
        raise ModelError(
            f"'{package.card.id}' does not classify: its task is to {package.card.task}.", "Choose another."
        )
    return NetworkClassifier(package)


def _opened(path: Path, card: ModelCard | None = None) -> ClassificationPackage:
    return open_classification_bundle(path, card) if is_bundle(path) else open_classification_package(path, card)
