"""A trusted bundle run by MONAI's own workflow: its transforms, inferer and evaluator, its own code among them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from AIImagingLogic.inference.network import EngineSettings, NetworkOutput
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.models.bundle_config.trusted_code import own_code
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.formats.bundle_card import bundle_card
from AIImagingLogic.models.formats.bundle_feeding import canonical
from AIImagingLogic.models.formats.bundle_network import weights_file
from AIImagingLogic.models.formats.bundle_parts import BundleParts, components
from AIImagingLogic.models.formats.bundle_result import labels_on_grid
from AIImagingLogic.models.formats.label_segments import label_segments
from AIImagingLogic.models.formats.package_files import file_sha256, package_sha256
from AIImagingLogic.models.package import LoadedPackage
from AIImagingLogic.models.safety.trust import package_hash, trusted
from AIImagingLogic.models.safety.weights import fit, load_state_dict
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.resources import load_resource

_MASK = "label"
_COLOURS = 3
# Code of a package may fail in any way; these are what Python and PyTorch raise for wrong code and wrong input.
_ERRORS = (
    *(ImportError, AttributeError, TypeError, ValueError, RuntimeError, LookupError, OSError, NameError),
    *(ArithmeticError, AssertionError),
)


def open_workflow(parts: BundleParts, card: ModelCard | None, format_name: str, why: str) -> LoadedPackage:
    """Return a trusted bundle as a package that runs by MONAI's workflow.

    Parameters
    ----------
    parts : of the bundle
    card : of the catalogue; None: one of what the bundle says
    format_name : stands in the provenance
    why : what our engine cannot do

    Raises
    ------
    ModelError
        It needs pictures that a person has drawn, or its weights are missing.
    """
    keys = _image_keys(parts)
    weights = file_sha256(weights_file(parts))
    names = {number: f"Label {number}" for number in range(parts.channels("outputs"))} | parts.output_names
    colour = parts.dimensions(3) == 2 and parts.channels("inputs") >= _COLOURS
    channels = _COLOURS if colour else len(keys)
    card = card or bundle_card(parts, weights, keys, channels, list(names.values()))
    values = tuple(sorted(names))
    return LoadedPackage(
        card=card,
        networks=(),
        recipe=NetworkRecipe(channels, len(values), values, axes="", output="labels"),
        segments=label_segments([names[value] for value in values], values, None, card.labels),
        format=format_name,
        sha256=package_sha256(parts.folder),
        notes=(f"Run by MONAI's own workflow, which the user trusts: {why}",),
        workflow=BundleWorkflow(parts, keys, colour, values),
    )


class BundleWorkflow:
    """Runs a bundle as MONAI does.

    Parameters
    ----------
    parts : of a bundle that the user trusts
    keys : of its images
    colour : its image is in colour
    values : labels that it gives
    """

    def __init__(self, parts: BundleParts, keys: Sequence[str], colour: bool, values: Sequence[int]) -> None:
        self._parts, self._keys, self._colour, self._values = parts, tuple(keys), colour, tuple(values)

    def run(self, images: Sequence[sitk.Image], settings: EngineSettings, progress: Progress) -> NetworkOutput:
        """Return the labels on the grid of the first image.

        Raises
        ------
        ModelError
            The user no longer trusts the package, its code fails, or gives nothing that is a label.
        """
        found = package_hash(self._parts.folder)
        if not trusted(found):
            raise ModelError(f"The bundle '{self._parts.name}' is not trusted any more.", "Trust it again to run it.")
        progress.report(0.05, "Preparing the image")
        with tempfile.TemporaryDirectory() as folder, own_code(self._parts.folder):
            data = self._written(images, Path(folder))
            try:
                given, notes = self._evaluated(data)
                labels = labels_on_grid(given, images[0], self._values)
            except _ERRORS as error:
                said = " / ".join(" ".join(str(each).split())[:200] for each in _causes(error))
                raise ModelError(
                    f"The code of the bundle '{self._parts.name}' failed: {said}",
                    "Check that the packages it needs are installed.",
                ) from error
        progress.report(1.0, "Labels")
        return NetworkOutput(labels, tuple(notes), "cpu", "monai")

    def _written(self, images: Sequence[sitk.Image], folder: Path) -> dict[str, Any]:
        """Return what a row of the bundle's data list holds, the images in files."""
        data: dict[str, Any] = {}
        for number, key in enumerate(self._keys):
            file = folder / (f"{key}.png" if self._colour else f"{key}.nii.gz")
            image = images[min(number, len(images) - 1)]
            sitk.WriteImage(image[:, :, 0] if self._colour and image.GetDimension() == 3 else image, str(file))
            data[key] = str(file)
        if _MASK in _loaded_keys(self._parts):
            size = images[0].GetSize()
            empty = sitk.Image(size, sitk.sitkUInt8)
            empty.CopyInformation(images[0])
            sitk.WriteImage(empty, str(folder / "label.nii.gz"))
            data[_MASK] = str(folder / "label.nii.gz")
        return data

    def _evaluated(self, data: dict[str, Any]) -> tuple[Any, list[str]]:
        import torch
        from monai.bundle import ConfigParser
        from monai.data import DataLoader, Dataset

        parts, notes = self._parts, []
        parser = ConfigParser()
        parser.read_config(str(parts.config.path))
        parser["bundle_root"] = str(parts.folder)
        for identifier, content in components(parts.config):
            # The file is of our own writing: any reader gives the same, and ITK is not asked for.
            if "itkreader" in str(content.get("reader", "")).lower():
                parser[f"{identifier}::reader"] = None
        prompts = _prompts(parts)
        if prompts:
            notes.append(f"Asked with what the bundle's own example asks: {prompts}.")
        network = parser.get_parsed_content(parts.network).float()
        file = weights_file(parts)
        fit(network, load_state_dict(file), file.name)
        before = parser.get_parsed_content(parts.preprocessing)
        after = _without_writing(parser.get_parsed_content(parts.postprocessing)) if parts.postprocessing else None
        loader = DataLoader(Dataset([{**prompts, **data}], before), batch_size=1, num_workers=0)
        kind, arguments = _evaluator(parts, parser)
        evaluator = kind(
            device=torch.device("cpu"),
            val_data_loader=loader,
            network=network,
            inferer=parser.get_parsed_content(parts.inferer) if parts.inferer else None,
            postprocessing=after,
            amp=False,
            **arguments,
        )
        with _quiet(evaluator):
            evaluator.run()
        output = evaluator.state.output
        row = output[0] if isinstance(output, list) else output
        for key in load_resource("model_formats/bundles.json")["results"]:
            if isinstance(row.get(key), torch.Tensor) or hasattr(row.get(key), "shape"):
                return row[key], notes
        raise ModelError(f"The bundle '{parts.name}' gives no labels.", "It cannot be used here.")


def _evaluator(parts: BundleParts, parser: Any) -> tuple[Any, dict[str, Any]]:
    """Return the class of the bundle's evaluator, and what it asks for beyond what every evaluator does."""
    from monai.engines import SupervisedEvaluator
    from monai.utils import optional_import

    for identifier, content in components(parts.config):
        target = str(content["_target_"])
        if not target.endswith("Evaluator"):
            continue
        arguments = (
            {"hyper_kwargs": parser.get_parsed_content(f"{identifier}::hyper_kwargs")}
            if ("hyper_kwargs" in content)
            else {}
        )
        if "." not in target or target.startswith("monai."):
            return SupervisedEvaluator, arguments
        module, name = target.rsplit(".", 1)
        return optional_import(module, name=name)[0], arguments
    return SupervisedEvaluator, {}


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came from: MONAI says only which transform failed."""
    yield error
    if error.__cause__ is not None:
        yield from _causes(error.__cause__)


@contextmanager
def _quiet(evaluator: Any) -> Iterator[None]:
    import logging

    logger = getattr(evaluator, "logger", logging.getLogger())
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _without_writing(chain: Any) -> Any:
    """Return a chain without the steps that write files; chains within it likewise."""
    from monai.transforms import Compose

    if not isinstance(chain, Compose):
        return chain
    kept = [_without_writing(step) for step in chain.transforms if not type(step).__name__.startswith("Save")]
    return Compose(kept)


def _loaded_keys(parts: BundleParts) -> list[str]:
    """Return the keys that the bundle's pre-processing loads, in order."""
    keys: list[str] = []
    for identifier, content in components(parts.config):
        if canonical(str(content["_target_"]).rsplit(".", 1)[-1]) in ("LoadImaged", "LoadTiffd") and "keys" in content:
            described = parts.config.describe(f"{identifier}::keys")
            keys += [described] if isinstance(described, str) else [str(key) for key in described]
    return list(dict.fromkeys(keys))


def _image_keys(parts: BundleParts) -> tuple[str, ...]:
    return tuple(key for key in _loaded_keys(parts) if key != _MASK) or ("image",)


def _prompts(parts: BundleParts) -> Mapping[str, Any]:
    """Return what the bundle's own example holds beside its image: a prompt."""
    if "input_dict" not in parts.config:
        return {}
    example = parts.config.describe("input_dict")
    keys = _image_keys(parts)
    return {key: value for key, value in example.items() if key not in keys} if isinstance(example, Mapping) else {}
