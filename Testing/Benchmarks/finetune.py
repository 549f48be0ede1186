"""Learning from corrections: a network trained on one domain of phantoms is adapted on corrected cases of another."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from AIImagingLogic.images.info import describe
from AIImagingLogic.inference.network import EngineSettings
from AIImagingLogic.models.finetune.corrected_cases import CorrectedCases
from AIImagingLogic.models.finetune.label_loss import label_loss
from AIImagingLogic.models.finetune.training_volume import TrainingVolume, make_training_volume
from AIImagingLogic.models.finetune.training_windows import drawn_window, varied
from AIImagingLogic.models.formats.open_package import open_package
from AIImagingLogic.models.formats.package_files import package_sha256
from AIImagingLogic.models.formats.recipe_file import read_recipe
from AIImagingLogic.models.network_segmenter import NetworkSegmenter
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import ModelUse
from AIImagingLogic.tasks.finetune import finetune
from Testing.Benchmarks.reporting import Figures, run_as_command

CASES = 6
THREADS = 2
_SIZE = (44, 48, 40)
_SPACING = (1.5, 1.4, 2.0)
_LEARNT_ON, _STEPS = 6, 200
_RECIPE: dict[str, Any] = {
    "channels": 1,
    "output_channels": 3,
    "axes": "RAS",
    "spacing_mm": [1.5, 1.5, 2.0],
    "intensity": [[{"step": "ScaleRange", "low": 0, "high": 200, "clip": True}]],
    "window": [32, 32, 32],
}
_NETWORK: dict[str, Any] = {
    "name": "UNet",
    "arguments": {
        **{"spatial_dims": 3, "in_channels": 1, "out_channels": 3, "channels": [8, 16, 32], "strides": [2, 2]},
        **{"num_res_units": 1, "norm": "instance"},
    },
}


@dataclass(frozen=True)
class Domain:
    """How a scanner shows the phantom: grey values, blur (voxels), share of shading, noise."""

    values: Mapping[str, float]
    blur: float
    shading: float
    noise: float


LEARNT = Domain({"around": 30, "large": 90, "small": 140, "other": 60}, 0.6, 0.0, 6)
SHIFTED = Domain({"around": 55, "large": 120, "small": 165, "other": 100}, 1.0, 0.25, 12)


def make_case(domain: Domain, seed: int) -> tuple[sitk.Image, sitk.Image]:
    """Return an image and its labels: 1 a large ellipsoid, 2 a small one that lies in it; a third one is no label."""
    random = np.random.default_rng(seed)
    i, j, k = (axis * step for axis, step in zip(np.indices(_SIZE[::-1])[::-1], _SPACING))
    middle = np.array(_SIZE) * _SPACING / 2

    def ellipsoid(centre: np.ndarray, radii: np.ndarray) -> np.ndarray:
        distances = sum(((axis - c) / r) ** 2 for axis, c, r in zip((i, j, k), centre, radii))
        return np.asarray(distances < 1)

    centre = middle + random.uniform(-6, 6, 3)
    radii = random.uniform(13, 19, 3)
    large = ellipsoid(centre, radii)
    small = ellipsoid(centre + random.uniform(-0.4, 0.4, 3) * radii, random.uniform(5, 8, 3))
    other = ellipsoid(centre + radii * random.choice([-1.3, 1.3], 3), random.uniform(7, 11, 3)) & ~large
    values = np.select([small, large, other], [domain.values[name] for name in ("small", "large", "other")])
    values = np.where(values == 0, domain.values["around"], values).astype(float)
    values = ndimage.gaussian_filter(values, domain.blur)
    slope = random.normal(0, 1, 3)
    slope /= np.linalg.norm(slope)
    far = sum((axis - c) / c * part for axis, c, part in zip((i, j, k), middle, slope))
    values = values * (1 + domain.shading * far) + random.normal(0, domain.noise, values.shape)
    truth = np.select([small, large], [2, 1]).astype(np.uint8)
    images = [sitk.GetImageFromArray(item) for item in (values.astype(np.float32), truth)]
    for image in images:
        image.SetSpacing(_SPACING)
        image.SetOrigin((-30.0, 40.0, 12.0))
    return images[0], images[1]


def write_network(folder: Path, steps: int = _STEPS) -> Path:
    """Write a package whose network was trained on the domain that it knows; the same every time."""
    import torch
    from monai.networks.nets import UNet
    from safetensors.torch import save_file

    torch.set_num_threads(THREADS)
    torch.manual_seed(1)
    random = np.random.default_rng(1)
    recipe = read_recipe(_RECIPE, "network.json")
    cases: list[TrainingVolume] = []
    for seed in range(_LEARNT_ON):
        image, labels = make_case(LEARNT, 100 + seed)
        cases.append(make_training_volume([image], labels, recipe, Progress()))
    module = UNet(**_NETWORK["arguments"])
    optimizer = torch.optim.Adam(module.parameters(), 4e-3)
    for _ in range(steps):
        drawn = [drawn_window(cases[random.integers(len(cases))], (32, 32, 32), 0.0, random) for _ in range(2)]
        values, labels_of = (torch.from_numpy(np.stack(items)) for items in zip(*drawn))
        values, labels_of = varied(values, labels_of, random)
        loss = label_loss(module(values), labels_of, recipe)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    folder.mkdir(parents=True)
    save_file(
        {name: value.contiguous() for name, value in module.state_dict().items()}, str(folder / "net.safetensors")
    )
    labels_named = [{"value": 1, "name": "Large"}, {"value": 2, "name": "Small"}]
    description = {"name": "Phantom organs", "kind": "state-dict", "weights": "net.safetensors", "network": _NETWORK}
    (folder / "network.json").write_text(json.dumps({**description, "recipe": _RECIPE, "labels": labels_named}))
    return folder


def collect(network: Path, folder: Path) -> CorrectedCases:
    """Collect cases of the other domain: what the network proposes, and the truth as the correction."""
    package = open_package(network)
    segmenter = NetworkSegmenter(package, EngineSettings(backend="torch", device="cpu", threads=THREADS))
    cases = CorrectedCases(folder)
    cases.switch_on()
    for seed in range(CASES):
        image, labels = make_case(SHIFTED, seed)
        proposed = segmenter.segment(image, describe(image, modality="MR"), Progress())
        corrected = type(proposed)(labels, package.segments)
        model = ModelUse(package.card.id, package.card.version, package.sha256)
        cases.add([image], corrected, proposed.image, model, "MR")
    return cases


def run(tell: Callable[[str], None]) -> tuple[Figures, Mapping[str, Any]]:
    """Return the figures of held-out corrected cases before and after, and what became of the original."""
    with tempfile.TemporaryDirectory() as place:
        network = write_network(Path(place) / "network")
        cases = collect(network, Path(place) / "cases")
        tell(f"Dice of the proposals: {[round(case.proposal_dice or 0, 3) for case in cases.cases()]}")
        before, began = package_sha256(network), time.perf_counter()
        result = finetune(str(network), str(cases.folder), str(Path(place) / "new"), threads=THREADS)
        minutes = (time.perf_counter() - began) / 60
        tell(f"held out: {[(round(c.dice_before, 3), round(c.dice_after, 3)) for c in result.held_out]}")
        tell(f"stopping: {[round(score, 3) for score in result.stopping_scores]}, best {result.best_round}")
        untouched = package_sha256(network) == before
    figures: Figures = {
        "dice_before": result.dice_before,
        "dice_after": result.dice_after,
        "gain": result.dice_after - result.dice_before,
        "original_untouched": untouched,
        "minutes": minutes,
    }
    held_out = len(result.held_out)
    return figures, {
        "cases": CASES,
        "held_out": held_out,
        "threads": THREADS,
        "rounds": len(result.stopping_scores) - 1,
    }


if __name__ == "__main__":
    run_as_command("finetune", run)
