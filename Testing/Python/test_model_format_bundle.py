"""A MONAI bundle gives the labels that MONAI's own workflow gives, on the image's grid; what cannot be run is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from bundle_packages import AFTER, BEFORE, INFERER, INVERT, NETWORK, organ_phantom, write_bundle

from AIImagingLogic.images.geometry import same_grid
from AIImagingLogic.images.info import describe
from AIImagingLogic.inference.network import EngineSettings
from AIImagingLogic.models.formats.open_package import open_package
from AIImagingLogic.models.network_segmenter import NetworkSegmenter
from AIImagingLogic.models.safety.refusals import UntrustedModel
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.segmentation import Segmentation

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

SETTINGS = EngineSettings(backend="torch", device="cpu", threads=2)


def segmented(folder: Path, *images: sitk.Image) -> Segmentation:
    segmenter = NetworkSegmenter(open_package(folder), SETTINGS)
    return segmenter.segment_images(images, [describe(image) for image in images], Progress())


def monai_labels(folder: Path, image: sitk.Image, where: Path) -> np.ndarray:
    """Return what MONAI's own transforms, inferer and network give for an image, as (k, j, i)."""
    from monai.bundle import ConfigParser

    sitk.WriteImage(image, str(where / "image.nii"))
    parser = ConfigParser()
    parser.read_config(str(folder / "configs" / "inference.json"))
    network = parser.get_parsed_content("net").eval()
    network.load_state_dict(torch.load(folder / "models" / "model.pt", weights_only=True))
    data = parser.get_parsed_content("before")({"image": str(where / "image.nii")})
    with torch.inference_mode():
        data["pred"] = parser.get_parsed_content("windows")(data["image"][None], network)[0]
    for step in parser.get_parsed_content("after").transforms:
        if type(step).__name__ != "SaveImaged":
            data = step(data)
    return np.asarray(data["pred"][0]).transpose(2, 1, 0)


def worst_dice(found: sitk.Image, wanted: np.ndarray, values: tuple[int, ...]) -> float:
    labels = sitk.GetArrayViewFromImage(found)
    assert labels.shape == wanted.shape
    shares = [2 * np.sum((labels == value) & (wanted == value)) for value in values]
    return min(
        float(share) / (np.sum(labels == value) + np.sum(wanted == value)) for share, value in zip(shares, values)
    )


def test_labels_are_those_of_monais_own_workflow_on_an_oblique_flipped_anisotropic_image(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "bundle")
    image = organ_phantom()
    result = segmented(folder, image)
    wanted = monai_labels(folder, image, tmp_path)
    assert all(np.mean(wanted == value) > 0.01 for value in (0, 1, 2))
    assert same_grid(result.image, image)
    assert worst_dice(result.image, wanted, (0, 1, 2)) >= 0.995
    assert [segment.concept.key for segment in result.segments] == ["liver", "spleen"]


def test_intensities_before_the_resampling_and_a_crop_to_the_foreground_are_run_in_the_bundles_order(
    tmp_path: Path,
) -> None:
    percentiles = {"_target_": "ScaleIntensityRangePercentilesd", "keys": "image", "lower": 1, "upper": 95}
    percentiles |= {"b_min": -0.2, "b_max": 1.0, "clip": True}
    normalised = {"_target_": "NormalizeIntensityd", "keys": ["image"], "subtrahend": 0.1, "divisor": 0.6}
    cropped = {"_target_": "CropForegroundd", "keys": "image", "source_key": "image"}
    before = [*BEFORE[:3], percentiles, BEFORE[3], cropped, normalised]
    folder = write_bundle(tmp_path / "bundle", before=before)
    image = organ_phantom()
    recipe = open_package(folder).recipe
    assert recipe.intensity_first
    # What is above 0 before the normalisation is above -1/6 after it.
    assert recipe.foreground_above == pytest.approx(-1 / 6)
    wanted = monai_labels(folder, image, tmp_path)
    assert worst_dice(segmented(folder, image).image, wanted, (0, 1, 2)) >= 0.995


def test_a_function_of_the_bundle_that_paints_one_label_over_another_is_followed(tmp_path: Path) -> None:
    source = "$lambda x: torch.where(x[[2]] > 0, 4, torch.where(x[[0]] > 0, 1, torch.where(x[[1]] > 0, 2, 0)))"
    after = [
        {"_target_": "Activationsd", "keys": "pred", "sigmoid": True},
        INVERT,
        {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.5},
        {"_target_": "Lambdad", "keys": "pred", "func": source},
    ]
    folder = write_bundle(tmp_path / "bundle", after=after, labels=("core", "whole", "enhancing"))
    package = open_package(folder)
    assert package.recipe.values == (2, 1, 4)
    assert [(item.value, item.name) for item in package.segments] == [(2, "Whole"), (1, "Core"), (4, "Enhancing")]
    image = organ_phantom()
    wanted = monai_labels(folder, image, tmp_path)
    present = tuple(int(value) for value in np.unique(wanted))
    assert len(present) >= 3
    assert worst_dice(segmented(folder, image).image, wanted, present) >= 0.995


def test_the_largest_part_of_each_named_label_is_kept(tmp_path: Path) -> None:
    largest = {"_target_": "KeepLargestConnectedComponentd", "keys": "pred", "applied_labels": [1, 2]}
    folder = write_bundle(tmp_path / "bundle", after=[*AFTER[:3], largest])
    image = organ_phantom()
    result = segmented(folder, image)
    assert worst_dice(result.image, monai_labels(folder, image, tmp_path), (0, 1, 2)) >= 0.995
    for value in (1, 2):
        assert sitk.GetArrayFromImage(sitk.ConnectedComponent(result.image == value, True)).max() == 1


def test_an_image_that_is_stretched_to_a_size_gets_labels_on_its_own_grid(tmp_path: Path) -> None:
    before = [
        *BEFORE[:2],
        {"_target_": "Resized", "keys": "image", "spatial_size": [24, 40, 16], "mode": "trilinear"},
        {"_target_": "ScaleIntensityd", "keys": "image"},
    ]
    folder = write_bundle(tmp_path / "bundle", before=before, inferer={"_target_": "SimpleInferer"})
    image = organ_phantom()
    result = segmented(folder, image)
    assert same_grid(result.image, image)
    assert worst_dice(result.image, monai_labels(folder, image, tmp_path), (0, 1, 2)) >= 0.995


def test_channels_scaled_together_are_scaled_together(tmp_path: Path) -> None:
    network = {**NETWORK, "in_channels": 2, "spatial_dims": 2}
    before = [{"_target_": "LoadImaged", "keys": "image"}, {"_target_": "ScaleIntensityd", "keys": "image"}]
    folder = write_bundle(tmp_path / "bundle", network, before, inferer={"_target_": "SimpleInferer"})
    package = open_package(folder)
    low = torch.rand(1, 2, 16, 16)
    low[:, 1] *= 50
    bare = package.networks[0].module.network
    with torch.inference_mode():
        assert torch.allclose(
            package.networks[0].module(low), bare((low - low.min()) / (low.max() - low.min())), atol=1e-5
        )


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"before": [*BEFORE, {"_target_": "RandFlipd", "keys": "image"}]}, ("before::6", "RandFlipd")),
        ({"before": [*BEFORE, {"_target_": "scripts.own.Step"}]}, ("before::transforms::6", "scripts.own.Step")),
        ({"before": [*BEFORE[:3], {**BEFORE[3], "max_pixdim": 3}]}, ("before::3", "Spacingd within limits")),
        ({"after": [*AFTER, {"_target_": "FillHolesd", "keys": "pred"}]}, ("after::4", "FillHolesd")),
        ({"inferer": {**INFERER, "_target_": "SaliencyInferer"}}, ("windows", "SaliencyInferer")),
        ({"network": {"_target_": "scripts.net.Net", "in_channels": 1, "out_channels": 3}}, ("scripts.net.Net",)),
        (
            {"before": [{"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"}, BEFORE[4], BEFORE[3]]},
            (),
        ),
    ],
)
def test_what_has_no_counterpart_is_refused_by_its_name_and_place(
    tmp_path: Path, changes: dict[str, Any], named: tuple[str, ...]
) -> None:
    folder = write_bundle(tmp_path / "bundle", weights="network" not in changes, **changes)
    if "network" in changes:
        torch.save({"a": torch.zeros(1)}, folder / "models" / "model.pt")
    if not named:
        assert open_package(folder).recipe.intensity_first
        return
    with pytest.raises(UntrustedModel) as refused:
        open_package(folder)
    assert all(word in refused.value.what for word in named)
    assert len(refused.value.package_hash) == 64


def test_a_bundle_in_a_folder_of_its_own_as_archives_have_it_is_opened(tmp_path: Path) -> None:
    write_bundle(tmp_path / "download" / "spleen_ct_segmentation")
    package = open_package(tmp_path / "download")
    assert package.card.name == "Test organs"
    assert package.recipe.spacing_mm == (1.5, 1.5, 2.0)


def test_a_torchscript_file_in_place_of_weights_is_run(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "bundle")
    image = organ_phantom()
    wanted = segmented(folder, image)
    module = open_package(folder).networks[0].module
    torch.jit.trace(module, torch.zeros(1, 1, 24, 24, 16)).save(folder / "models" / "model.ts")
    (folder / "models" / "model.pt").unlink()
    found = segmented(folder, image)
    assert worst_dice(found.image, sitk.GetArrayFromImage(wanted.image), (0, 1, 2)) >= 0.9999


def test_what_is_missing_or_does_not_fit_is_named(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "bundle")
    other = {**NETWORK, "channels": [4, 8, 16]}
    weights = folder / "models" / "model.pt"
    good = weights.read_bytes()
    weights.unlink()
    with pytest.raises(ModelError, match=r"lacks its weights 'models/model\.") as error:
        open_package(folder)
    weights.write_bytes(good)
    config = json.loads((folder / "configs" / "inference.json").read_text())
    (folder / "configs" / "inference.json").write_text(json.dumps({**config, "body": other}))
    with pytest.raises(ModelError, match=r"do not fit.*model\.1\.submodule") as error:
        open_package(folder)
    assert "of another shape" in error.value.what
    (folder / "configs" / "inference.json").unlink()
    with pytest.raises(ModelError, match="no configuration of inference"):
        open_package(folder)
