"""One bundle of the Model Zoo: a copy gets random weights that fit, and is run untrusted, and else trusted."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import resource
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.geometry import same_grid
from AIImagingLogic.images.info import describe
from AIImagingLogic.inference.network import EngineSettings
from AIImagingLogic.models.bundle_config.config import BundleConfig
from AIImagingLogic.models.formats.bundle_network import bare_network, stated_weights
from AIImagingLogic.models.formats.bundle_parts import BundleParts, find_parts
from AIImagingLogic.models.formats.bundle_task import bundle_task
from AIImagingLogic.models.network_classifier import open_classifier
from AIImagingLogic.models.network_detector import NetworkDetector
from AIImagingLogic.models.network_segmenter import NetworkSegmenter, open_segmenter
from AIImagingLogic.models.retinanet.bundle import open_retinanet_bundle
from AIImagingLogic.models.retinanet.described_detector import read_detector
from AIImagingLogic.models.retinanet.network import build_retinanet
from AIImagingLogic.models.safety.trust import distrust, package_hash, trust
from AIImagingLogic.records.errors import AIImagingError
from AIImagingLogic.records.progress import Progress

# Windows are no larger than this: what is asked is whether the bundle runs, not how fast.
LARGEST_WINDOW = 96
_GIGABYTES = 12
_SETTINGS = EngineSettings(backend="torch", device="cpu", threads=2)
_VOLUME, _FLAT = (40, 44, 36), (96, 80)


def main() -> None:
    """Print a JSON line that says what became of the bundle whose folder is the first argument."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    resource.setrlimit(resource.RLIMIT_DATA, (_GIGABYTES << 30,) * 2)
    published = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AIIMAGING_MODELS"] = str(Path(folder) / "user")
        package = Path(folder) / published.name
        shutil.copytree(published, package)
        answers: dict[str, Any] = {}
        try:
            with_random_weights(package)
            weights = ""
        except AIImagingError as error:
            weights = f"no weights could be made: {error.what}"
        for mode in ("untrusted", "trusted"):
            if answers.get("untrusted") == "ran":
                # Trust adds ways to run and takes none away: the same code would run once more.
                answers["trusted"] = "ran"
                break
            if mode == "trusted":
                trust(package_hash(package), published.name)
            began = time.perf_counter()
            answers[mode] = weights or _ran(package, answers)
            answers[f"{mode}_seconds"] = round(time.perf_counter() - began, 1)
        print(json.dumps(answers), flush=True)


def with_random_weights(package: Path) -> None:
    """Write the files that the bundle loads, with weights that fit its network."""
    import torch

    torch.manual_seed(1)
    parts = find_parts(package)
    _write_search_result(parts.config, package)
    if bundle_task(parts) == "detect":
        described = next(key for key in ("detector",) if key in parts.config)
        state = build_retinanet(read_detector(parts.config.describe(described)).architecture).state_dict()
    else:
        found = package_hash(package)
        trust(found, "to make weights")
        state = bare_network(parts, True, []).state_dict()
        distrust(found)
    file = stated_weights(parts) or package / "models" / "model.pt"
    file.parent.mkdir(exist_ok=True)
    torch.save(state, file)


def _write_search_result(config: BundleConfig, package: Path) -> None:
    """Write the result of an architecture search, where the bundle builds its network from one."""
    import torch

    if "arch_ckpt_path" not in config:
        return
    space: Any = config.raw("dints_space")
    blocks, depths = int(space["num_blocks"]), int(space["num_depths"])
    file = package / str(config.describe("arch_ckpt_path")).removeprefix(f"{package}/")
    file.parent.mkdir(exist_ok=True)
    # All paths that lead from a depth to the same or the next one are taken.
    paths = 3 * depths - 2
    content = {
        "arch_code_a": np.ones((blocks, paths), np.int64),
        "arch_code_c": np.ones((blocks, paths), np.int64),
        "node_a": np.ones((blocks + 1, depths), np.int64),
    }
    torch.save(content, file)


def _ran(package: Path, answers: dict[str, Any]) -> str:
    """Return ``ran``, or why it did not."""
    try:
        answers["image"] = _run(package, find_parts(package))
    except AIImagingError as error:
        return f"{type(error).__name__}: {error.what}"[:400]
    except (
        RuntimeError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        IndexError,
        MemoryError,
        ImportError,
    ) as error:
        return f"FAILED: {type(error).__name__}: {error}"[:400]
    return "ran"


def _run(package: Path, parts: BundleParts) -> str:
    task = bundle_task(parts)
    if task == "classify":
        classifier = open_classifier(str(package))
        recipe = classifier.package.recipe
        image = _image(recipe.dimensions, recipe.channels, size=(224, 224) if recipe.size is None else _FLAT)
        result = classifier.classify(image, describe(image), "", False, Progress())
        assert all(0 <= value <= 1 for value in result.probabilities)
        return f"{image.GetSize()} x {recipe.channels}"
    if task == "detect":
        detector = open_retinanet_bundle(package)
        feeding = dataclasses.replace(detector.recipe.feeding, window=(64, 64, 64))
        image = _image(3, 1)
        small = dataclasses.replace(detector, recipe=dataclasses.replace(detector.recipe, feeding=feeding))
        NetworkDetector(small, settings=_SETTINGS).find(image, None, Progress())
        return f"{image.GetSize()}, windows of 64 voxels instead of {detector.recipe.feeding.window}"
    segmenter = open_segmenter(str(package))
    if not isinstance(segmenter, NetworkSegmenter):
        raise TypeError(f"opened as {type(segmenter).__name__}")
    loaded = segmenter.package
    window = loaded.recipe.window or ()
    small_window = tuple(min(side, LARGEST_WINDOW) for side in window) if len(window) == 3 else window
    recipe_run = dataclasses.replace(loaded.recipe, window=small_window or None)
    dimensions = parts.dimensions(3)
    colour = dimensions == 2 and recipe_run.channels == 3
    images = [_image(2, 3)] if colour else [_image(3, 1) for _ in range(recipe_run.channels)]
    runner = NetworkSegmenter(dataclasses.replace(loaded, recipe=recipe_run), _SETTINGS)
    found = runner.segment_images(images, [describe(image) for image in images], Progress())
    how = "our engine" if loaded.workflow is None else "MONAI's workflow, its own windows"
    assert same_grid(found.image, images[0])
    return f"{images[0].GetSize()} x {recipe_run.channels}, windows of {small_window} instead of {window}, {how}"


def _image(dimensions: int, channels: int, size: tuple[int, ...] = ()) -> sitk.Image:
    """Return an image of noise over a bright ball: 8 bits in colour, Hounsfield units otherwise."""
    size = size[:dimensions] or (_VOLUME if dimensions == 3 else _FLAT)
    rng = np.random.default_rng(5)
    places = np.meshgrid(*[np.linspace(-1, 1, side) for side in size[::-1]], indexing="ij")
    ball = np.sum(np.square(places), axis=0) < 0.4
    if channels == 3:
        voxels: Any = (100 + 100 * ball[..., None] + rng.normal(0, 10, (*ball.shape, 3))).clip(0, 255).astype(np.uint8)
        flat = sitk.GetImageFromArray(voxels, isVector=True)
        return sitk.JoinSeries(flat) if dimensions == 2 else flat
    image = sitk.GetImageFromArray((-100 + 200 * ball + rng.normal(0, 20, ball.shape)).astype(np.float32))
    image.SetSpacing((1.2, 1.3, 1.6)[:dimensions])
    return sitk.JoinSeries(image) if dimensions == 2 else image


if __name__ == "__main__":
    main()
