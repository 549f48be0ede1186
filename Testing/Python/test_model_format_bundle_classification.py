"""A MONAI bundle that tells images apart gives the probabilities that MONAI's own workflow gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from bundle_packages import AFTER, write_bundle

from AIImagingLogic.images.info import describe
from AIImagingLogic.models.formats.bundle_torchvision import fully_connected_model
from AIImagingLogic.models.formats.open_package import open_package
from AIImagingLogic.models.network_classifier import open_classifier
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

NETWORK: dict[str, Any] = {
    "_target_": "SEResNet50",
    "spatial_dims": 2,
    "in_channels": 3,
    "num_classes": 2,
}
BEFORE: list[dict[str, Any]] = [
    {"_target_": "LoadImaged", "keys": "image"},
    {"_target_": "EnsureChannelFirstd", "keys": "image", "channel_dim": -1},
    {"_target_": "Resized", "keys": "image", "spatial_size": [40, 32], "mode": "bilinear"},
    {"_target_": "NormalizeIntensityd", "keys": "image", "nonzero": True, "channel_wise": True},
]
SOFTMAX = [{"_target_": "Activationsd", "keys": "pred", "softmax": True}]
WHOLE = {"_target_": "SimpleInferer"}


def picture() -> sitk.Image:
    """Return one slice in colour; nothing in it is the same when mirrored or transposed."""
    rows, columns = np.mgrid[:56, :70]
    voxels = np.stack([rows * 2 + columns, 200 - columns * 2, (rows * columns) % 180], -1).astype(np.uint8)
    return sitk.JoinSeries(sitk.GetImageFromArray(voxels, isVector=True))


def bundle(folder: Path, before: list[Any] | None = None) -> Path:
    return write_bundle(folder, NETWORK, before or BEFORE, SOFTMAX, WHOLE, labels=("in body", "out body"))


@pytest.mark.parametrize("together", [False, True], ids=["each channel apart", "channels together"])
def test_probabilities_are_those_of_monais_own_workflow(tmp_path: Path, together: bool) -> None:
    from monai.bundle import ConfigParser
    from PIL import Image

    scaled = {"_target_": "ScaleIntensityd", "keys": "image", "minv": -1.0, "maxv": 1.0}
    folder = bundle(tmp_path / "bundle", [*BEFORE[:3], scaled] if together else None)
    image = picture()
    Image.fromarray(sitk.GetArrayFromImage(image)[0]).save(tmp_path / "picture.png")
    parser = ConfigParser()
    parser.read_config(str(folder / "configs" / "inference.json"))
    network = parser.get_parsed_content("net").eval()
    network.load_state_dict(torch.load(folder / "models" / "model.pt", weights_only=True))
    fed = parser.get_parsed_content("before")({"image": str(tmp_path / "picture.png")})["image"]
    with torch.inference_mode():
        wanted = network(torch.as_tensor(fed)[None]).softmax(1)[0].numpy()
    found = open_classifier(str(folder)).classify(image, describe(image), "", False, Progress())
    assert [item.name for item in found.classes] == ["in body", "out body"]
    assert found.probabilities == pytest.approx(wanted, abs=1e-4)


def test_a_bundle_is_opened_for_what_it_does(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not segment: its task is to classify"):
        open_package(bundle(tmp_path / "classifies"))
    with pytest.raises(ModelError, match="does not classify: its task is to"):
        open_classifier(str(write_bundle(tmp_path / "segments", after=AFTER)))


@pytest.mark.parametrize(
    ("name", "pool", "parameters", "width"),
    # Parameters that torchvision states for each network, its last layer of 1000 classes included.
    [
        ("resnet18", ("avg", {"kernel_size": 7, "stride": 1}), 11_689_512, 512),
        ("resnet34", ("avg", {"kernel_size": 7, "stride": 1}), 21_797_672, 512),
        ("inception_v3", None, 27_161_264, 2048),
    ],
)
def test_networks_of_torchvision_have_as_many_weights_as_it_states(
    name: str, pool: Any, parameters: int, width: int
) -> None:
    network = fully_connected_model(name, num_classes=3, pool=pool)
    count = sum(weight.numel() for weight in network.parameters())
    assert count == parameters - (width + 1) * 1000 + (width + 1) * 3
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 224, 224)).shape == (1, 3)


def test_another_network_of_torchvision_is_refused_by_its_name() -> None:
    with pytest.raises(ModelError, match="'vgg16' of torchvision is not built here"):
        fully_connected_model("vgg16")
