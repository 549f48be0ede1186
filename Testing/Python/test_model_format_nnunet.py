"""Trained models of nnU-Net v2 give the labels that nnU-Net's steps give, written out here with SciPy and torch."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.images.info import describe
from AIImagingLogic.inference.network import EngineSettings
from AIImagingLogic.models.formats.open_package import open_package
from AIImagingLogic.models.network_segmenter import NetworkSegmenter
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress

torch = pytest.importorskip("torch")
transform = pytest.importorskip("skimage.transform")
unet = pytest.importorskip("dynamic_network_architectures.architectures.unet")

# Voxels between two classes may change sides by rounding.
ALMOST_ALL = 0.999
FINGERPRINT = {"percentile_00_5": -150.0, "percentile_99_5": 180.0, "mean": 20.0, "std": 75.0}


def architecture(dimensions: int) -> dict[str, Any]:
    """Return a small network as plans since nnU-Net 2.5 describe it."""
    return {
        "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
        "arch_kwargs": {
            "n_stages": 2,
            "features_per_stage": [4, 6],
            "conv_op": f"torch.nn.modules.conv.Conv{dimensions}d",
            "kernel_sizes": [[3] * dimensions, [3] * dimensions],
            "strides": [[1] * dimensions, [2] * dimensions],
            "n_conv_per_stage": [1, 1],
            "n_conv_per_stage_decoder": [1],
            "conv_bias": True,
            "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{dimensions}d",
            "norm_op_kwargs": {"eps": 1e-5, "affine": True},
            "dropout_op": None,
            "dropout_op_kwargs": None,
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
        },
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    }


def old_fields() -> dict[str, Any]:
    """Return the same network as older plans describe it."""
    return {
        "UNet_class_name": "PlainConvUNet",
        "UNet_base_num_features": 4,
        "unet_max_num_features": 6,
        "n_conv_per_stage_encoder": [1, 1],
        "n_conv_per_stage_decoder": [1],
        "num_pool_per_axis": [1, 1, 1],
        "pool_op_kernel_sizes": [[1, 1, 1], [2, 2, 2]],
        "conv_kernel_sizes": [[3, 3, 3], [3, 3, 3]],
    }


def network(dimensions: int, channels: int, outputs: int, seed: int) -> Any:
    """Return the network of `architecture` whose outputs are near to each other: every class wins somewhere."""
    torch.manual_seed(seed)
    given = dict(architecture(dimensions)["arch_kwargs"])
    kinds = {"Conv": "conv_op", "InstanceNorm": "norm_op"}
    given |= {name: getattr(torch.nn, f"{kind}{dimensions}d") for kind, name in kinds.items()}
    given["nonlin"] = torch.nn.LeakyReLU
    net = unet.PlainConvUNet(input_channels=channels, num_classes=outputs, deep_supervision=True, **given).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.4)
        net.decoder.deep_supervision = False
        seen = net(torch.randn(1, channels, *[16] * dimensions))
        net.decoder.seg_layers[-1].bias -= seen.mean([0, *range(2, seen.ndim)])
    return net


def write(folder: Path, nets: list[Any], configuration: dict[str, Any], mirrored: Any = None, **more: Any) -> Path:
    """Write the folder of a trained model as nnU-Net does; `more` replaces fields of plans.json and dataset.json."""
    name = more.pop("configuration_name", "3d_fullres")
    plans = {
        "dataset_name": "Dataset900_Phantom",
        "plans_name": "nnUNetPlans",
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {"0": FINGERPRINT},
        "configurations": {name: {"preprocessor_name": "DefaultPreprocessor", **configuration}},
    }
    labels = {"background": 0, "liver": 1, "tumor": 2}
    dataset = {"channel_names": {"0": "CT"}, "labels": labels, "file_ending": ".nii.gz"}
    for target in (plans, dataset):
        target.update({key: value for key, value in more.items() if key in target or key == "regions_class_order"})
    folder.mkdir(parents=True)
    (folder / "plans.json").write_text(json.dumps(plans))
    (folder / "dataset.json").write_text(json.dumps(dataset))
    for fold, net in enumerate(nets):
        (folder / f"fold_{fold}").mkdir()
        checkpoint = {
            "network_weights": net.state_dict(),
            "optimizer_state": {"state": {}, "param_groups": [{"lr": 0.01}]},
            "logging": {"mean_fg_dice": [np.float64(0.5)], "epoch_end_timestamps": [1.0]},
            "_best_ema": np.float64(0.4),
            "init_args": {"plans": plans, "configuration": name, "fold": fold, "dataset_json": dataset},
            "trainer_name": "nnUNetTrainer",
            "inference_allowed_mirroring_axes": mirrored,
        }
        torch.save(checkpoint, folder / f"fold_{fold}" / "checkpoint_final.pth")
    return folder


def picture(shape: tuple[int, int, int], spacing: tuple[float, float, float], seed: int) -> sitk.Image:
    """Return smooth noise (k, j, i) inside a frame of zeros that differs from side to side, oblique and flipped."""
    noise = np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)
    smooth = sitk.GetArrayFromImage(sitk.SmoothingRecursiveGaussian(sitk.GetImageFromArray(noise), 1.2))
    voxels = np.zeros(shape, np.float32)
    inner = tuple(slice(1 + axis, -2) for axis in range(3))
    voxels[inner] = (smooth / smooth.std() * 90 + 20)[inner]
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(spacing)
    image.SetOrigin((11, -40, 70))
    turn = sitk.Euler3DTransform((0, 0, 0), 0.2, -0.3, 0.4)
    matrix = np.array(turn.GetMatrix()).reshape(3, 3) @ np.array([[0, -1, 0], [1, 0, 0], [0, 0, -1]])
    image.SetDirection(matrix.ravel())
    return image


def resized(data: np.ndarray, shape: list[int], order: int, current: list[float], other: list[float]) -> np.ndarray:
    """Resample (k, j, i) as nnU-Net does by default: a coarse axis apart, by the nearest slice."""
    uneven = next((steps for steps in (current, other) if max(steps) / min(steps) > 3), None)
    if list(data.shape) == list(shape) or uneven is None:
        return transform.resize(data.astype(float), shape, order, mode="edge", anti_aliasing=False)
    axis = int(np.argmax(uneven))
    flat = [size for number, size in enumerate(shape) if number != axis]
    slices = [
        transform.resize(each, flat, order, mode="edge", anti_aliasing=False)
        for each in np.moveaxis(data.astype(float), axis, 0)
    ]
    chosen = ((np.arange(shape[axis]) + 0.5) * len(slices) / shape[axis]).astype(int)
    return np.moveaxis(np.stack(slices)[chosen], 0, axis)


def starts(size: int, window: int) -> list[int]:
    count = int(np.ceil((size - window) / (window / 2))) + 1
    return [int(np.round((size - window) / max(count - 1, 1) * number)) for number in range(count)]


def blended(fed: np.ndarray, nets: list[Any], window: list[int], mirrored: tuple[int, ...]) -> np.ndarray:
    """Return logits of (channels, *shape): windows weighted by a Gaussian, folds and mirrored inputs averaged."""
    from scipy import ndimage

    missing = [max(side - size, 0) for side, size in zip(window, fed.shape[1:])]
    around = [(each // 2, each - each // 2) for each in missing]
    padded = np.pad(fed, [(0, 0), *around])
    point = np.zeros(window)
    point[tuple(side // 2 for side in window)] = 1
    weights = ndimage.gaussian_filter(point, [side / 8 for side in window], mode="constant")
    sums, counts = 0.0, np.zeros(padded.shape[1:])
    flips = [each for count in range(len(mirrored) + 1) for each in itertools.combinations(mirrored, count)]
    for corner in itertools.product(*[starts(size, side) for size, side in zip(padded.shape[1:], window)]):
        where = tuple(slice(start, start + side) for start, side in zip(corner, window))
        given = torch.from_numpy(padded[(slice(None), *where)].astype(np.float32))[None]
        outputs = [
            net(given.flip([2 + axis for axis in flip])).flip([2 + axis for axis in flip])[0].numpy()
            for net in nets
            for flip in flips
        ]
        mean = np.mean(outputs, axis=0)
        sums = np.zeros((len(mean), *counts.shape)) if isinstance(sums, float) else sums
        sums[(slice(None), *where)] += mean * weights
        counts[where] += weights
    inner = tuple(slice(before, before + size) for (before, _), size in zip(around, fed.shape[1:]))
    return (sums / counts)[(slice(None), *inner)]


def reference(
    images: list[sitk.Image], nets: list[Any], plan: dict[str, Any], mirrored: tuple[int, ...], order: list[int]
) -> np.ndarray:
    """Return logits (channels, k, j, i) on the box of content, put back into the whole image as NaN outside."""
    from scipy import ndimage

    data = np.stack([sitk.GetArrayFromImage(image).transpose(order) for image in images]).astype(np.float32)
    steps = [images[0].GetSpacing()[::-1][axis] for axis in order]
    content = (data != 0).any(0)
    box = tuple(
        slice(line[0], line[-1] + 1)
        for line in (np.flatnonzero(content.any(tuple({0, 1, 2} - {axis}))) for axis in range(3))
    )
    data = data[(slice(None), *box)].copy()
    mask = ndimage.binary_fill_holes(content)[box]
    for channel in data:
        if plan["normalization_schemes"][0] == "CTNormalization":
            low, high, mean, deviation = FINGERPRINT.values()
            channel[...] = (np.clip(channel, low, high) - mean) / deviation
        else:
            inside = channel[mask]
            channel[mask] = (inside - inside.mean()) / inside.std()
    new = plan["spacing"] if len(plan["spacing"]) == 3 else [steps[0], *plan["spacing"]]
    shape = [round(a / b * size) for a, b, size in zip(steps, new, data.shape[1:])]
    fed = np.stack([resized(channel, shape, 3, steps, new) for channel in data])
    with torch.no_grad():
        if len(plan["patch_size"]) == 3:
            logits = blended(fed, nets, plan["patch_size"], mirrored)
        else:
            each = [blended(fed[:, number], nets, plan["patch_size"], mirrored) for number in range(shape[0])]
            logits = np.stack(each, axis=1)
    back = np.stack([resized(channel, list(mask.shape), 1, new, steps) for channel in logits])
    whole = np.full((len(back), *content.shape), np.nan)
    whole[(slice(None), *box)] = back
    return whole.transpose(0, *[1 + int(axis) for axis in np.argsort(order)])


def labels_of(folder: Path, images: list[sitk.Image]) -> np.ndarray:
    package = open_package(folder)
    segmenter = NetworkSegmenter(package, EngineSettings(backend="torch", device="cpu", threads=2))
    result = segmenter.segment_images(images, [describe(image) for image in images], Progress())
    for what in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
        assert getattr(result.image, what)() == getattr(images[0], what)()
    return sitk.GetArrayFromImage(result.image)


def assert_alike(found: np.ndarray, expected: np.ndarray, classes: int, share: float = ALMOST_ALL) -> None:
    # Every class is there, else an agreement means little.
    assert len(np.unique(expected)) == classes
    assert np.mean(found == expected) >= share


@pytest.mark.parametrize("spacing", [(0.9, 1.1, 1.4), (0.8, 0.9, 4.0)], ids=["even", "coarse slices"])
@pytest.mark.parametrize("old", [False, True], ids=["new plans", "old plans"])
def test_a_volume_gets_the_labels_of_two_folds_with_mirroring(
    tmp_path: Path, spacing: tuple[float, float, float], old: bool
) -> None:
    nets = [network(3, 1, 3, seed) for seed in (1, 2)]
    order = [2, 0, 1]
    plan: dict[str, Any] = {
        "patch_size": [16, 12, 12],
        "spacing": [1.1, 1.2, 1.0] if spacing[2] < 2 else [1.1, 3.1, 1.0],
        "normalization_schemes": ["CTNormalization"],
        "use_mask_for_norm": [False],
    }
    network_fields = old_fields() if old else {"architecture": architecture(3)}
    back = [int(axis) for axis in np.argsort(order)]
    folder = write(
        tmp_path / "model", nets, plan | network_fields, (0, 2), transpose_forward=order, transpose_backward=back
    )
    images = [picture((13, 19, 22), spacing, 5)]
    logits = reference(images, nets, plan, (0, 2), order)
    expected = np.where(np.isnan(logits[0]), 0, logits.argmax(0))
    assert_alike(labels_of(folder, images), expected, 3)


def test_slices_with_two_channels_get_regions_painted_in_order(tmp_path: Path) -> None:
    nets = [network(2, 2, 2, 3)]
    plan: dict[str, Any] = {
        "patch_size": [16, 12],
        "spacing": [1.0, 1.2],
        "normalization_schemes": ["ZScoreNormalization"] * 2,
        "use_mask_for_norm": [True, True],
    }
    folder = write(
        tmp_path / "nnUNetTrainer__nnUNetPlans__2d",
        nets,
        plan | {"architecture": architecture(2)},
        configuration_name="2d",
        channel_names={"0": "T1", "1": "FLAIR"},
        labels={"background": 0, "whole": [1, 2], "core": [2]},
        regions_class_order=[1, 2],
    )
    images = [picture((7, 21, 18), (0.9, 1.1, 5.0), seed) for seed in (6, 7)]
    logits = reference(images, nets, plan, (), [0, 1, 2])
    expected = np.where(logits[1] > 0, 2, np.where(logits[0] > 0, 1, 0))
    assert_alike(labels_of(folder, images), expected, 3)
    package = open_package(folder)
    assert [segment.name for segment in package.segments] == ["Whole", "Core"]
    assert any("one over the other" in note for note in package.notes)


def test_a_residual_encoder_is_built_although_the_plan_names_its_old_module(tmp_path: Path) -> None:
    described = architecture(3)
    described["network_class_name"] = "dynamic_network_architectures.architectures.residual_unet.ResidualEncoderUNet"
    arguments = described["arch_kwargs"]
    arguments["n_blocks_per_stage"] = arguments.pop("n_conv_per_stage")
    classes = {name: getattr(torch.nn, arguments[name].rsplit(".", 1)[-1]) for name in ("conv_op", "norm_op", "nonlin")}
    net = unet.ResidualEncoderUNet(
        input_channels=1, num_classes=3, deep_supervision=False, **arguments | classes
    ).eval()
    package = open_package(write(tmp_path / "model", [net], {**PLAN, "architecture": described}))
    seen = torch.randn(1, 1, 16, 12, 12)
    with torch.no_grad():
        assert torch.equal(package.networks[0].module(seen), net(seen))


PLAN = {
    "patch_size": [16, 12, 12],
    "spacing": [1.0, 1.0, 1.0],
    "normalization_schemes": ["CTNormalization"],
    "use_mask_for_norm": [False],
    "architecture": architecture(3),
}


def renamed(described: dict[str, Any], **names: str) -> dict[str, Any]:
    return {**described, "arch_kwargs": {**described["arch_kwargs"], **names}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"normalization_schemes": ["OwnNormalization"]}, "OwnNormalization"),
        ({"normalization_schemes": ["CTNormalization"] * 2}, "2 normalisations for 1 input"),
        ({"previous_stage": "3d_lowres"}, "cascades are not run"),
        ({"inherits_from": "missing"}, "missing"),
        ({"preprocessor_name": "Own"}, "Own"),
        ({"resampling_fn_data": "own_fn"}, "own_fn"),
        ({"patch_size": [16, 12]}, "make no sense"),
        ({"architecture": {**architecture(3), "network_class_name": "os.system"}}, "os.system"),
        ({"architecture": renamed(architecture(3), nonlin="builtins.exec")}, "builtins.exec"),
        ({"architecture": renamed(architecture(3), n_stages=10**9)}, "n_stages"),
        ({"architecture": renamed(architecture(3), features_per_stage=[4, 8])}, "of another shape"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused_with_its_reason(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    folder = write(tmp_path / "model", [network(3, 1, 3, 1)], {**PLAN, **change})
    with pytest.raises(ModelError, match=said):
        open_package(folder)


@pytest.mark.parametrize("name", ["plans.json", "dataset.json", "fold_1/checkpoint_final.pth"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "model", [network(3, 1, 3, 1)] * 2, PLAN)
    (folder / name).unlink()
    with pytest.raises(ModelError, match=name):
        open_package(folder)


def test_a_package_is_found_inside_the_folder_around_it_and_wrong_inputs_are_counted(tmp_path: Path) -> None:
    write(
        tmp_path / "around" / "Dataset900_Phantom" / "nnUNetTrainer__nnUNetPlans__3d_fullres",
        [network(3, 1, 3, 1)],
        PLAN,
    )
    package = open_package(tmp_path / "around")
    assert package.card.modality == "CT"
    assert package.recipe.mirrored_axes == ()
    image = picture((9, 9, 9), (1, 1, 1), 1)
    with pytest.raises(ModelError, match="needs 1 images, and 2"):
        NetworkSegmenter(package).segment_images([image, image], [describe(image)] * 2, Progress())


def test_models_of_totalsegmentator_are_fed_as_it_does(tmp_path: Path) -> None:
    name = "Dataset297_TotalSegmentator_total_3mm_1559subj"
    folder = write(tmp_path / "model", [network(3, 1, 3, 1)], PLAN, (0, 1, 2), dataset_name=name)
    package = open_package(folder)
    assert (package.recipe.axes, package.recipe.mirrored_axes) == ("SAR", ())
    assert any("TotalSegmentator" in note for note in package.notes)


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "model", [network(3, 1, 3, 1)], PLAN)

    class Attack:
        def __reduce__(self) -> Any:
            return print, ("run",)

    torch.save({"network_weights": {}, "x": Attack()}, folder / "fold_0" / "checkpoint_final.pth")
    with pytest.raises(ModelError, match="print"):
        open_package(folder)
