"""A bundle with code of its own runs once it is trusted, by our engine where that can, else by MONAI's workflow."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from bundle_packages import AFTER, organ_phantom, write_bundle

from AIImagingLogic.images.geometry import same_grid
from AIImagingLogic.images.info import describe
from AIImagingLogic.inference.network import EngineSettings
from AIImagingLogic.models.formats.bundle_result import labels_on_grid
from AIImagingLogic.models.formats.open_package import open_package
from AIImagingLogic.models.network_segmenter import NetworkSegmenter
from AIImagingLogic.models.safety.refusals import UntrustedModel
from AIImagingLogic.models.safety.trust import distrust, package_hash, trust
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.segmentation import Segmentation

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

SETTINGS = EngineSettings(backend="torch", device="cpu", threads=2)
OWN = """
from monai.networks.nets import UNet
from monai.transforms import MapTransform

class Net(UNet):
    pass

class Swapd(MapTransform):
    # The labels 1 and 2 change places.
    def __call__(self, data):
        return {**data, "pred": (3 - data["pred"]) * (data["pred"] > 0)}
"""
SWAP: dict[str, Any] = {"_target_": "scripts.own.Swapd", "keys": "pred"}


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIIMAGING_MODELS", str(tmp_path / "user"))


def bundle(folder: Path, **parts: Any) -> Path:
    write_bundle(folder, **parts)
    (folder / "scripts").mkdir()
    (folder / "scripts" / "__init__.py").write_text("")
    (folder / "scripts" / "own.py").write_text(OWN)
    return folder


def segmented(folder: Path, image: sitk.Image) -> Segmentation:
    return NetworkSegmenter(open_package(folder), SETTINGS).segment(image, describe(image), Progress())


def refusal(folder: Path) -> UntrustedModel:
    with pytest.raises(UntrustedModel) as refused:
        open_package(folder)
    return refused.value


def notes_of(found: Segmentation) -> str:
    assert found.provenance is not None
    return " ".join(found.provenance.notes)


def test_a_trusted_bundle_with_a_step_of_its_own_runs_by_monais_workflow(tmp_path: Path) -> None:
    pytest.importorskip("ignite")
    image = organ_phantom()
    plain = segmented(write_bundle(tmp_path / "plain"), image)
    folder = bundle(tmp_path / "bundle", after=[*AFTER[:-1], SWAP, AFTER[-1]])
    refused = refusal(folder)
    assert "scripts.own.Swapd" in refused.what
    trust(refused.package_hash, "test")
    found = segmented(folder, image)
    assert same_grid(found.image, image)
    swapped = sitk.GetArrayFromImage(sitk.ChangeLabel(plain.image, {1: 2, 2: 1}))
    assert np.mean(sitk.GetArrayViewFromImage(found.image) == swapped) >= 0.999
    assert "MONAI's own workflow" in notes_of(found)
    assert not (folder / "eval").exists()
    assert not [name for name in sys.modules if name.startswith("scripts")]
    package = open_package(folder)
    distrust(refused.package_hash)
    with pytest.raises(ModelError, match="not trusted any more"):
        NetworkSegmenter(package, SETTINGS).segment(image, describe(image), Progress())


def test_a_network_of_the_bundles_own_runs_in_our_engine_once_it_is_trusted(tmp_path: Path) -> None:
    image = organ_phantom()
    plain = segmented(write_bundle(tmp_path / "plain"), image)
    folder = bundle(tmp_path / "bundle")
    config = folder / "configs" / "inference.json"
    config.write_text(config.read_text().replace('"_target_": "UNet"', '"_target_": "scripts.own.Net"'))
    own = refusal(folder).package_hash
    trust(own, "test")
    assert open_package(folder).workflow is None
    found = segmented(folder, image)
    assert np.array_equal(sitk.GetArrayFromImage(found.image), sitk.GetArrayFromImage(plain.image))
    assert "code of the package's own" in notes_of(found)
    assert open_package(folder) is open_package(folder)
    distrust(own)
    # Though it is still open, it is not used.
    assert refusal(folder).package_hash == own


def test_a_bundle_that_needs_no_trust_stays_usable_when_trust_in_it_ends(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "plain")
    trust(package_hash(folder), "test")
    trusting = open_package(folder)
    distrust(package_hash(folder))
    plain = open_package(folder)
    assert trusting.trusted_as == package_hash(folder) and plain.trusted_as == ""
    assert open_package(folder) is plain


def test_code_that_fails_is_reported_with_its_cause(tmp_path: Path) -> None:
    pytest.importorskip("ignite")
    folder = bundle(tmp_path / "bundle", after=[*AFTER[:3], SWAP])
    (folder / "scripts" / "own.py").write_text(OWN.replace("(3 - data", "no_such_name(3 - data"))
    trust(refusal(folder).package_hash, "test")
    with pytest.raises(ModelError, match="no_such_name"):
        segmented(folder, organ_phantom())


def test_labels_on_turned_axes_come_back_to_the_image_voxel_by_voxel(tmp_path: Path) -> None:
    from monai.transforms import LoadImage, Orientation

    image = organ_phantom()
    labels = sitk.Cast(image > -60, sitk.sitkUInt8) + sitk.Cast(image > 60, sitk.sitkUInt8)
    sitk.WriteImage(labels, str(tmp_path / "labels.nii"))
    turned = Orientation("PIR")(LoadImage(ensure_channel_first=True)(str(tmp_path / "labels.nii")))
    assert turned.shape[1:] != image.GetSize()
    found = labels_on_grid(turned, image, (0, 1, 2))
    assert same_grid(found, image)
    assert np.array_equal(sitk.GetArrayFromImage(found), sitk.GetArrayFromImage(labels))


def test_labels_without_their_place_are_refused() -> None:
    image = organ_phantom()
    with pytest.raises(ModelError, match="without their place"):
        labels_on_grid(np.zeros((1, 5, 5, 5)), image, (0, 1))
    found = labels_on_grid(np.full((1, *image.GetSize()), 7.0), image, (0, 1))
    assert not sitk.GetArrayViewFromImage(found).any()
