"""Classification with networks that see a blob: probabilities, heat maps in place, wrong input refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from classification_packages import changed, colour_package, colours, grey_package, phantom  # noqa: E402

from AIImagingLogic.images.geometry import same_grid  # noqa: E402
from AIImagingLogic.images.info import describe  # noqa: E402
from AIImagingLogic.models.classification_package import open_classification_package  # noqa: E402
from AIImagingLogic.records.classification import Classification  # noqa: E402
from AIImagingLogic.records.errors import ModelError, WrongImageError  # noqa: E402
from AIImagingLogic.tasks.classify import classify  # noqa: E402

OBLIQUE = sitk.Euler3DTransform((0, 0, 0), 0.3, -0.2, 0.4).GetMatrix()
FLIPPED = (-1, 0, 0, 0, 1, 0, 0, 0, -1)
PERMUTED = (0, 0, 1, -1, 0, 0, 0, 1, 0)
# Two feature cells of the test's networks: what a heat map can resolve.
CELLS = 2 * 2


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    torch.set_num_threads(2)
    folder = tmp_path_factory.mktemp("packages")
    return {
        "2d": grey_package(folder / "2d"),
        "3d": grey_package(folder / "3d", dimensions=3, size=20),
        "colour": colour_package(folder / "colour"),
    }


def _image(
    voxels: np.ndarray,
    direction: Sequence[float] = np.eye(3).ravel().tolist(),
    spacing: Sequence[float] = (0.8, 1.3, 2.0),
) -> sitk.Image:
    image = sitk.GetImageFromArray(voxels, isVector=voxels.ndim == 4)
    image.SetSpacing(spacing)
    image.SetOrigin((-40.0, 12.0, 70.0))
    image.SetDirection(direction)
    return image


def _run(image: sitk.Image, package: Path, explain: str = "", heat_map: bool = True) -> Classification:
    volume = sitk.JoinSeries(image) if image.GetDimension() == 2 else image
    return classify(image, describe(volume), str(package), explain, heat_map)


def _hottest(heat_map: sitk.Image) -> np.ndarray:
    """Return the index (i, j, k) of the middle of what is nearly as hot as the hottest."""
    values = sitk.GetArrayViewFromImage(heat_map)
    return np.argwhere(values >= 0.9 * values.max()).mean(axis=0)[::-1]


@pytest.mark.parametrize("direction", [np.eye(3).ravel().tolist(), FLIPPED, PERMUTED, OBLIQUE])
def test_heat_map_of_a_volume_is_hottest_at_the_blob_in_mm(
    packages: dict[str, Path], direction: Sequence[float]
) -> None:
    rng = np.random.default_rng(3)
    place = (5, 14, 6)  # k, j, i: another octant on every axis
    image = _image(phantom((20, 20, 20), place, rng), direction)
    # The network's axes are the patient's: flipped and permuted volumes are turned before they are fed.
    package = packages["3d"].parent / "3d-patient"
    package = package if package.exists() else changed(packages["3d"], package, recipe={"axes": "LPS"})
    result = _run(image, package)
    assert result.explained == "blob" and result.probability("blob") > 0.9
    assert sum(result.probabilities) == pytest.approx(1.0, abs=1e-6)
    assert result.heat_map is not None and same_grid(result.heat_map, image)
    values = sitk.GetArrayViewFromImage(result.heat_map)
    assert values.min() >= 0 and values.max() == pytest.approx(1.0)
    hottest = image.TransformContinuousIndexToPhysicalPoint(_hottest(result.heat_map).tolist())
    truth = image.TransformIndexToPhysicalPoint(place[::-1])
    assert np.linalg.norm(np.subtract(hottest, truth)) < CELLS * 1.3
    absent = _run(_image(phantom((20, 20, 20), None, rng), direction), package)
    assert absent.explained == "clear" and absent.probability("blob") < 0.1
    assert result.above_threshold == (False, True) and absent.above_threshold == (True, False)


@pytest.mark.parametrize("size", [(32, 32), (75, 48)])
def test_picture_of_another_size_is_stretched_and_its_heat_map_lies_on_the_blob(
    packages: dict[str, Path], size: tuple[int, int]
) -> None:
    rng = np.random.default_rng(5)
    small, place = (32, 32), (8, 23)
    voxels = phantom(small, place, rng)
    stretched = sitk.Resample(
        sitk.GetImageFromArray(voxels),
        size,
        sitk.Transform(),
        sitk.sitkLinear,
        [32 / size[0] / 2 - 0.5, 32 / size[1] / 2 - 0.5],
        [32 / size[0], 32 / size[1]],
        [1, 0, 0, 1],
    )
    # One picture as it is, 2D, and the same as the volume of one slice that a scene holds.
    for image in (stretched, sitk.JoinSeries(stretched)):
        package = packages["2d"].parent / "2d-rows"
        package = package if package.exists() else changed(packages["2d"], package, recipe={"axes": "ji"})
        result = _run(image, package)
        assert result.probability("blob") > 0.9 and result.heat_map is not None
        assert result.heat_map.GetSize() == image.GetSize() and result.heat_map.GetSpacing() == image.GetSpacing()
        hottest = result.heat_map.TransformContinuousIndexToPhysicalPoint(_hottest(result.heat_map).tolist())
        assert np.linalg.norm(np.subtract(hottest[:2], place[::-1])) < CELLS


def test_colours_are_told_apart_and_the_asked_class_is_explained(packages: dict[str, Path]) -> None:
    rng = np.random.default_rng(6)
    for red in (True, False):
        voxels = colours((32, 32), (24, 7), rng, red).astype(np.uint8)
        image = sitk.JoinSeries(sitk.GetImageFromArray(voxels.transpose(1, 2, 0), isVector=True))
        result = _run(image, packages["colour"])
        assert result.explained == ("red-blob" if red else "blue-blob")
        assert max(result.probabilities) > 0.9
        assert result.heat_map is not None and same_grid(result.heat_map, image)
        assert np.linalg.norm(_hottest(result.heat_map)[:2] - (7, 24)) < CELLS
        other = _run(image, packages["colour"], explain="Blue blob")
        assert other.explained == "blue-blob" and other.probabilities == result.probabilities


def test_stack_has_the_greatest_or_the_average_probability_and_heat_in_the_slice_with_the_blob(
    packages: dict[str, Path],
) -> None:
    rng = np.random.default_rng(8)
    slices = [phantom((32, 32), (22, 9) if number == 7 else None, rng) for number in range(10)]
    image = _image(np.stack(slices), OBLIQUE)
    folder = packages["2d"].parent
    greatest = _run(image, changed(packages["2d"], folder / "max", recipe={"slices": "max", "output": "sigmoid"}))
    average = _run(image, changed(packages["2d"], folder / "mean", recipe={"slices": "mean"}))
    one_by_one = [_run(sitk.GetImageFromArray(plane), packages["2d"]).probability("blob") for plane in slices]
    assert greatest.probability("blob") > 0.9
    assert average.probability("blob") == pytest.approx(np.mean(one_by_one), abs=1e-5)
    assert sum(average.probabilities) == pytest.approx(1.0, abs=1e-6)
    explained = _run(image, folder / "mean", explain="blob")
    assert explained.heat_map is not None
    i, j, k = _hottest(explained.heat_map)
    assert k == 7 and np.hypot(i - 9, j - 22) < CELLS
    assert average.provenance is not None
    assert "Blob: 7" in average.provenance.parameters["slice of greatest probability"]


def test_class_activation_is_that_of_the_paper_worked_out_by_hand(packages: dict[str, Path]) -> None:
    from AIImagingLogic.inference.heat_map import class_activation

    module = open_classification_package(packages["2d"]).networks[0].module
    batch = torch.from_numpy(phantom((32, 32), (10, 20), np.random.default_rng(2)))[None, None]
    found = class_activation(module, batch, 1, 2)
    features = module[:4](batch)
    # Behind an average over the map, the gradient is the class's weight over the number of places, everywhere.
    weights = module[6].weight[1] / features[0, 0].numel()
    expected = torch.relu((weights[:, None, None] * features[0]).sum(dim=0)).detach().numpy()
    assert found is not None and found.shape == (1, 16, 16)
    assert np.allclose(found[0], expected, rtol=1e-4, atol=1e-7) and expected.max() > 0
    assert module[1].inplace and not module[0]._forward_hooks


def test_two_folds_are_averaged(packages: dict[str, Path]) -> None:
    folder = changed(
        packages["2d"], packages["2d"].parent / "folds", weights=["weights.safetensors", "other.safetensors"]
    )
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "weights.safetensors")
    save_file({name: value * 0.5 for name, value in weights.items()}, folder / "other.safetensors")
    alone = changed(packages["2d"], packages["2d"].parent / "alone", weights="other.safetensors")
    (alone / "other.safetensors").write_bytes((folder / "other.safetensors").read_bytes())
    image = sitk.GetImageFromArray(phantom((32, 32), (10, 20), np.random.default_rng(2)))
    singles = [_run(image, package, heat_map=False).probabilities for package in (packages["2d"], alone)]
    both = _run(image, folder)
    assert both.probabilities == pytest.approx(np.mean(singles, axis=0), abs=1e-6)
    assert both.heat_map is not None


def test_result_says_how_it_came_to_be_and_survives_a_file(packages: dict[str, Path], tmp_path: Path) -> None:
    from AIImagingLogic.records.json_form import load_record, save_record

    image = _image(phantom((20, 20, 20), (5, 14, 6), np.random.default_rng(3)))
    result = _run(image, packages["3d"])
    provenance = result.provenance
    assert provenance is not None and provenance.task == "classify" and len(provenance.models[0].sha256) == 64
    assert result.calibration == "not calibrated" == provenance.parameters["calibration"]
    assert "Grad-CAM" in provenance.parameters["heat map"] and [stage.name for stage in provenance.stages]
    save_record(result, tmp_path / "result.json")
    again = load_record(Classification, tmp_path / "result.json")
    assert again.probabilities == result.probabilities and again.explained == "blob"
    assert _run(image, packages["3d"], heat_map=False).heat_map is None
    assert _run(image, packages["3d"]).probabilities == result.probabilities


def test_wrong_images_are_refused_by_what_is_wrong(packages: dict[str, Path]) -> None:
    grey = sitk.GetImageFromArray(np.zeros((32, 32), np.float32))
    colour = sitk.GetImageFromArray(np.zeros((32, 32, 3), np.uint8), isVector=True)
    stack = _image(np.zeros((6, 32, 32), np.float32))
    broken = _image(np.full((20, 20, 20), np.nan, np.float32))
    for image, package, says in (
        (colour, "2d", "needs an image of grey values; this one has 3"),
        (grey, "colour", r"needs an image in colour .* grey values"),
        (stack, "2d", "takes one slice, and the image has 6"),
        (grey, "3d", "needs a volume; this image is one slice"),
        (broken, "3d", "8000 of 8000 voxels are not-a-number"),
    ):
        with pytest.raises(WrongImageError, match=says):
            _run(image, packages[package])


def test_wrong_modality_is_refused_and_computed_radiographs_are_digital_ones(packages: dict[str, Path]) -> None:
    package = changed(packages["2d"], packages["2d"].parent / "dx", card={"modality": "DX"})
    image = sitk.JoinSeries(sitk.GetImageFromArray(phantom((32, 32), (10, 20), np.random.default_rng(2))))
    with pytest.raises(WrongImageError, match="needs DX images; this one is MR"):
        classify(image, describe(image, modality="MR"), str(package))
    assert classify(image, describe(image, modality="CR"), str(package)).probability("blob") > 0.9


def test_packages_that_do_not_fit_are_refused_by_what_is_wrong(packages: dict[str, Path], tmp_path: Path) -> None:
    image = sitk.GetImageFromArray(np.zeros((32, 32), np.float32))
    layers = json.loads((packages["2d"] / "network.json").read_text())["network"]["layers"]
    other = [["Conv2d", {**layers[0][1], "out_channels": 6}], layers[1], ["Conv2d", {**layers[2][1], "in_channels": 6}]]
    for number, (changes, says) in enumerate(
        (
            ({"classes": ["One", "Two", "Three"]}, "gives 2 values, and its package names 3 classes"),
            (
                {"network": {"layers": [*other, *layers[3:]]}},
                r"do not fit the network.*0\.weight 2x1x5x5 instead of 6x",
            ),
            ({"network": {"layers": [["Upsample", {}]]}}, "not supported: Upsample"),
            ({"network": {"layers": [["Linear", {"in_features": 10**9, "out_features": 10**9}]]}}, "absurdly large"),
            ({"network": {"layers": [["Linear", {"in_features": 65000, "out_features": 65000}]] * 3}}, "do not fit"),
            ({"network": {"layers": None, "name": "os.system"}}, "empty or too long"),
            ({"weights": "missing.safetensors"}, "lacks its file missing.safetensors"),
            ({"weights": "../2d/weights.safetensors"}, "outside itself"),
            ({"recipe": {"dimensions": 4}}, "dimensions = 4"),
            ({"recipe": {"zoom": 2}}, "'zoom', which is not known"),
            ({"recipe": {"intensity": [{"step": "Eval"}]}}, "step 'Eval' is not supported"),
            ({"recipe": {"output": "probabilities"}}, "no probabilities"),
            ({"classes": ["One", "one"]}, "have one name"),
            ({"threshold": 3}, "no probability"),
        )
    ):
        with pytest.raises(ModelError, match=says):
            _run(image, changed(packages["2d"], tmp_path / str(number), **changes))
    with pytest.raises(ModelError, match="no class 'Cat'"):
        _run(image, packages["2d"], explain="Cat")
    with pytest.raises(ModelError, match="no classification model 'nonesuch'"):
        _run(image, Path("nonesuch"))
    with pytest.raises(ModelError, match="'ct-lungs' does not classify"):
        _run(image, Path("ct-lungs"))


@pytest.mark.parametrize(
    ("name", "arguments", "shape", "places", "layer"),
    [
        (
            "DenseNet121",
            {"spatial_dims": 2, "in_channels": 1, "out_channels": 3},
            (64, 96),
            (2, 3),
            "class_layers.relu",
        ),
        ("resnet10", {"spatial_dims": 3, "n_input_channels": 1, "num_classes": 3}, (32, 32, 48), (2, 2, 3), "layer4"),
    ],
)
def test_networks_of_monai_are_explained_by_the_map_that_their_classes_are_told_from(
    name: str, arguments: dict[str, int], shape: tuple[int, ...], places: tuple[int, ...], layer: str
) -> None:
    pytest.importorskip("monai")
    from monai.visualize import GradCAM

    from AIImagingLogic.inference.heat_map import class_activation
    from AIImagingLogic.models.classification_network import build_network

    torch.manual_seed(1)
    module = build_network({"name": name, "arguments": arguments})
    batch = torch.rand(2, 1, *shape)
    with torch.no_grad():
        before = module(batch)
    found = class_activation(module, batch, 1, len(shape))
    assert found is not None and found.shape == (2, *places) and found.min() >= 0
    assert torch.equal(module(batch), before)
    # MONAI's own Grad-CAM of the layer named by hand, for every class.
    theirs = GradCAM(module, target_layers=layer)
    greatest = 0.0
    for index in range(3):
        expected = theirs.compute_map(batch[:1], class_idx=index)[0, 0].detach().numpy()
        ours = class_activation(module, batch[:1], index, len(shape))
        assert ours is not None and np.allclose(ours[0], expected, rtol=1e-3, atol=1e-4 * expected.max())
        greatest = max(greatest, float(expected.max()))
    assert greatest > 0


def test_too_little_memory_is_one_clear_error(packages: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from AIImagingLogic.inference import classification
    from AIImagingLogic.records.errors import OutOfMemory

    def starved(*_arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr(classification, "class_activation", starved)
    image = sitk.GetImageFromArray(phantom((32, 32), (10, 20), np.random.default_rng(2)))
    with pytest.raises(OutOfMemory, match="memory did not suffice"):
        _run(image, packages["2d"])


def test_stages_are_said_and_a_cancelled_run_ends(packages: dict[str, Path]) -> None:
    from AIImagingLogic.records.errors import Cancelled
    from AIImagingLogic.records.progress import Progress

    image = sitk.JoinSeries(sitk.GetImageFromArray(phantom((32, 32), (10, 20), np.random.default_rng(2))))
    said: list[str] = []
    progress = Progress(lambda fraction, message: said.append(message))
    classify(image, describe(image), str(packages["2d"]), progress=progress)
    assert all(said) and "Making the heat map" in said
    stopped = Progress(is_cancelled=lambda: True)
    with pytest.raises(Cancelled):
        classify(image, describe(image), str(packages["2d"]), progress=stopped)
