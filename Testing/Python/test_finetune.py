"""Learning from corrections: what is collected and when, what is refused, and what a network adapted on it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from bundle_packages import write_bundle

from AIImagingLogic.cli import main
from AIImagingLogic.images.info import describe
from AIImagingLogic.images.segmentation_file import write_segmentation
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.measure.label_overlap import mean_label_dice
from AIImagingLogic.models.card_file import read_card
from AIImagingLogic.models.finetune.case_split import FEWEST_CASES, split_cases
from AIImagingLogic.models.finetune.corrected_cases import MANIFEST, CorrectedCases
from AIImagingLogic.models.finetune.label_loss import label_loss
from AIImagingLogic.models.finetune.training_volume import TrainingVolume, make_training_volume
from AIImagingLogic.models.finetune.training_windows import drawn_window, varied
from AIImagingLogic.models.formats.label_segments import label_segments
from AIImagingLogic.models.formats.open_package import open_package
from AIImagingLogic.models.formats.package_files import package_sha256
from AIImagingLogic.models.safety.weights import load_state_dict
from AIImagingLogic.models.store.model_store import ModelStore
from AIImagingLogic.records.errors import Cancelled, GeometryError, ModelError, OutputError, UnreadableImageError
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.tasks.finetune import finetune
from AIImagingLogic.tasks.segment import segment

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

SIZE = (26, 22, 18)
OBLIQUE = np.array(sitk.Euler3DTransform((0, 0, 0), 0.2, -0.15, 0.25).GetMatrix()).reshape(3, 3) * [-1, 1, 1]
NAMES = ("background", "Block")


def case(seed: int, bright: float = 60.0, direction: Any = None) -> tuple[sitk.Image, Segmentation]:
    """Return a noisy image with one block, and the block as a segmentation."""
    random = np.random.default_rng(seed)
    mask = np.zeros(SIZE[::-1], np.uint8)
    k, j, i = (int(random.integers(2, 8)) for _ in range(3))
    mask[k : k + 8, j : j + 9, i : i + 12] = 1
    image = sitk.GetImageFromArray((bright * mask + random.normal(0, 4, mask.shape)).astype(np.float32))
    image.SetSpacing((1.0, 1.2, 1.6))
    image.SetDirection((1, 0, 0, 0, -1, 0, 0, 0, 1) if direction is None else direction)
    labels = sitk.GetImageFromArray(mask)
    labels.CopyInformation(image)
    return image, Segmentation(labels, label_segments(NAMES, (0, 1)))


def collected(folder: Path, count: int = 6) -> CorrectedCases:
    cases = CorrectedCases(folder)
    cases.switch_on()
    for seed in range(count):
        image, corrected = case(seed)
        cases.add([image], corrected, corrected.image * 0, modality="MR")
    return cases


def write_package(folder: Path, **recipe: Any) -> Path:
    """Write a small network with random weights that finds nothing."""
    from monai.networks.nets import UNet
    from safetensors.torch import save_file

    torch.manual_seed(2)
    arguments = {"spatial_dims": 3, "in_channels": 1, "out_channels": 2, "channels": [6, 12], "strides": [2]}
    module = UNet(**arguments, act="LEAKYRELU", norm="instance")
    with torch.no_grad():
        list(module.parameters())[-1][0] += 3
    folder.mkdir(parents=True)
    save_file(module.state_dict(), str(folder / "net.safetensors"))
    network = {"name": "UNet", "arguments": {**arguments, "act": "LEAKYRELU", "norm": "instance"}}
    steps = [[{"step": "ScaleRange", "low": 0, "high": 100, "clip": True}]]
    described = {"channels": 1, "output_channels": 2, "axes": "RAS", "intensity": steps, "window": [16, 16, 16]}
    labels = [{"value": 1, "name": "Block"}]
    data = {"name": "Blocks", "kind": "state-dict", "weights": ["net.safetensors"], "network": network}
    (folder / "network.json").write_text(json.dumps({**data, "recipe": {**described, **recipe}, "labels": labels}))
    return folder


def adapted(tmp_path: Path, package: Path, **more: Any) -> Any:
    dataset = collected(tmp_path / "cases")
    settings = {"rounds": 6, "learning_rate": 0.02, "minutes": None, "threads": 1, **more}
    return finetune(str(package), str(dataset.folder), str(tmp_path / "new"), **settings)


def test_nothing_is_collected_before_the_user_switched_it_on(tmp_path: Path) -> None:
    image, corrected = case(0)
    cases = CorrectedCases(tmp_path / "cases")
    with pytest.raises(ModelError, match="not collected"):
        cases.add([image], corrected)
    assert not cases.folder.exists()
    cases.switch_on()
    cases.add([image], corrected)
    cases.switch_off()
    with pytest.raises(ModelError, match="not collected"):
        cases.add([image], corrected)
    assert len(cases.cases()) == 1


def test_a_case_comes_back_as_it_was_and_carries_no_text_of_its_file(tmp_path: Path) -> None:
    image, corrected = case(3, direction=OBLIQUE.ravel())
    for picture in (image, corrected.image):
        picture.SetMetaData("0010|0010", "Doe^Jane")
    cases = CorrectedCases(tmp_path / "cases")
    cases.switch_on()
    added = cases.add([image], corrected, corrected.image * 0)
    images, labels = cases.read(cases.cases()[0])
    np.testing.assert_array_equal(sitk.GetArrayFromImage(images[0]), sitk.GetArrayFromImage(image))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(labels), sitk.GetArrayFromImage(corrected.image))
    assert images[0].GetDirection() == pytest.approx(image.GetDirection())
    assert added.proposal_dice == 0.0
    written = b"".join(path.read_bytes() for path in cases.folder.rglob("*") if path.is_file())
    assert b"Doe" not in written
    assert b"0010|0010" not in written


def test_the_same_image_is_one_case_and_a_removed_one_leaves_no_file(tmp_path: Path) -> None:
    cases = collected(tmp_path / "cases", 2)
    before = cases.sha256
    image, corrected = case(1)
    again = cases.add([image], Segmentation(corrected.image, corrected.segments[:1]))
    assert len(cases.cases()) == 2
    assert cases.sha256 == before
    cases.remove(again.id)
    assert cases.sha256 != before
    assert sorted(path.name for path in cases.folder.iterdir()) == sorted([MANIFEST, cases.cases()[0].id])
    with pytest.raises(ModelError, match="no case"):
        cases.remove(again.id)


def test_labels_on_another_grid_and_changed_files_are_refused(tmp_path: Path) -> None:
    cases = collected(tmp_path / "cases", 1)
    image, corrected = case(7)
    moved = sitk.Image(corrected.image)
    moved.SetOrigin((1, 0, 0))
    with pytest.raises(GeometryError):
        cases.add([image], Segmentation(moved, corrected.segments))
    with pytest.raises(GeometryError):
        cases.add([image], corrected, moved)
    (cases.folder / cases.cases()[0].labels.path).write_bytes(b"other")
    with pytest.raises(UnreadableImageError, match="not the file"):
        cases.read(cases.cases()[0])


def test_a_manifest_that_leads_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    cases = collected(tmp_path / "cases", 1)
    data = json.loads((cases.folder / MANIFEST).read_text())
    data["cases"][0]["id"] = "../../elsewhere"
    (cases.folder / MANIFEST).write_text(json.dumps(data))
    with pytest.raises(ModelError, match="damaged"):
        cases.cases()


def test_no_case_teaches_and_is_reported_on(tmp_path: Path) -> None:
    cases = collected(tmp_path / "cases", 7).cases()
    for count, sizes in ((4, (2, 1, 1)), (6, (3, 1, 2)), (7, (4, 1, 2))):
        split = split_cases(cases[:count], 1)
        parts = (split.training, split.stopping, split.held_out)
        assert tuple(map(len, parts)) == sizes
        assert len({item.id for part in parts for item in part}) == count
    assert split_cases(cases, 1) == split_cases(cases[::-1], 1)
    assert split_cases(cases, 1) != split_cases(cases, 2)


def test_mean_dice_counts_a_label_that_is_only_in_one_of_the_two() -> None:
    first, second = (np.zeros((4, 4, 4), np.uint8) for _ in range(2))
    first[0], second[0], second[3] = 1, 1, 2
    images = [sitk.GetImageFromArray(item) for item in (first, second)]
    assert mean_label_dice(*images) == pytest.approx(0.5)
    assert mean_label_dice(images[0] * 0, images[1] * 0) == 1.0


def test_with_sigmoid_a_label_asks_nothing_of_the_channels_that_it_covers() -> None:
    recipe = NetworkRecipe(channels=1, output_channels=3, values=(1, 2, 4), output="sigmoid")
    labels = torch.tensor([0, 1, 2, 4]).view(1, 4, 1, 1)
    sure = torch.tensor([[-9.0, 9, 0, 0], [-9, -9, 9, 0], [-9, -9, -9, 9]]).view(1, 3, 4, 1, 1)
    assert float(label_loss(sure, labels, recipe)) < 0.01
    for channel, voxel, matters in (
        (0, 2, False),
        (0, 3, False),
        (1, 3, False),
        (0, 0, True),
        (1, 1, True),
        (2, 2, True),
    ):
        turned = sure.clone()
        turned[0, channel, voxel] = 9.0 if matters else -9.0
        assert (float(label_loss(turned, labels, recipe)) > 0.5) == matters, (channel, voxel)


def test_softmax_learns_from_every_voxel_of_the_labels_that_are_there() -> None:
    recipe = NetworkRecipe(channels=1, output_channels=3, values=(0, 5, 7))
    labels = torch.tensor([0, 5]).view(1, 2, 1, 1)
    sure = torch.tensor([[9.0, -9], [-9, 9], [-9, -9]]).view(1, 3, 2, 1, 1)
    assert float(label_loss(sure, labels, recipe)) < 0.01
    assert float(label_loss(sure[:, [0, 2, 1]], labels, recipe)) > 5


def test_labels_move_with_their_image_and_small_cases_are_padded() -> None:
    random = np.random.default_rng(4)
    labels = np.zeros((20, 24, 12), np.int64)
    labels[4:15, 6:20, 2:9] = 3
    volume = TrainingVolume(labels[None].astype(np.float32), labels)
    values, drawn = drawn_window(volume, (16, 16, 16), -1.0, random)
    assert values.shape == (1, 16, 16, 16)
    assert np.all(values[0, :, :, 12:] == -1)
    np.testing.assert_array_equal(values[0, :, :, :12], drawn[:, :, :12])
    moved, moved_labels = varied(torch.from_numpy(values[None] * 10), torch.from_numpy(drawn[None]), random)
    both = np.corrcoef(moved.numpy().ravel(), moved_labels.numpy().ravel())[0, 1]
    assert both > 0.85
    assert set(np.unique(moved_labels.numpy())) <= {0, 3}
    assert not np.array_equal(moved_labels.numpy()[0], drawn)


@pytest.mark.parametrize("direction", [np.eye(3), OBLIQUE], ids=["as LPS", "oblique, flipped"])
def test_labels_and_values_lie_alike_on_the_grid_of_the_network(direction: np.ndarray) -> None:
    _, corrected = case(5, direction=direction.ravel())
    shown = sitk.Cast(corrected.image, sitk.sitkFloat32)
    recipe = NetworkRecipe(channels=1, output_channels=2, values=(0, 1), spacing_mm=(0.8, 1.5, 1.1))
    volume = make_training_volume([shown], corrected.image, recipe, Progress())
    assert np.mean((volume.values[0] > 0.5) == (volume.labels == 1)) > 0.99
    millilitres = np.count_nonzero(volume.labels) * 0.8 * 1.5 * 1.1
    # Half a voxel of the network's grid at each face: .4 of 12 mm, .75 of 10.8 and .55 of 12.8.
    assert millilitres == pytest.approx(8 * 9 * 12 * 1.0 * 1.2 * 1.6, rel=0.15)


def test_an_adapted_network_is_a_new_package_with_its_figures_and_the_original_stays(tmp_path: Path) -> None:
    package = write_package(tmp_path / "blocks")
    original = package_sha256(package)
    result = adapted(tmp_path, package)
    assert package_sha256(package) == original
    # What is open of the original is the original, too.
    opened = open_package(package).networks[0].module.state_dict()
    kept = load_state_dict(package / "net.safetensors")
    assert all(torch.equal(opened[name], kept[name]) for name in kept)
    assert result.dice_after > result.dice_before + 0.5
    # The figures are those of the written package, as anyone runs it.
    cases = CorrectedCases(tmp_path / "cases")
    by_id = {item.id: item for item in cases.cases()}
    for held_out in result.held_out:
        (image,), labels = cases.read(by_id[held_out.id])
        given = segment(image, describe(image), result.package)
        assert mean_label_dice(given.image, labels) == pytest.approx(held_out.dice_after)
    new = tmp_path / "new"
    assert sorted(path.name for path in new.iterdir()) == [
        *("card.json", "finetune.json", "net.safetensors", "network.json")
    ]
    card = read_card(new / "card.json")
    assert "blocks 0.0.0" in card.training_data
    assert original in card.training_data
    assert cases.sha256 in card.training_data
    assert f"{result.dice_after:.3f} after" in card.tested_on
    assert result.model.sha256 == package_sha256(new)


def test_the_new_package_can_be_imported_into_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIIMAGING_MODELS", str(tmp_path / "store"))
    result = adapted(tmp_path, write_package(tmp_path / "blocks"), rounds=2)
    card = read_card(Path(result.package) / "card.json")
    ModelStore().import_path(Path(result.package), card, Progress())
    image, _ = case(0)
    provenance = segment(image, describe(image), card.id).provenance
    assert provenance is not None
    assert provenance.models[0].model_id == "blocks-adapted-" + result.dataset_sha256[:8]


def test_the_same_seed_gives_the_same_network(tmp_path: Path) -> None:
    package = write_package(tmp_path / "blocks")
    weights = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        adapted(folder, package, rounds=1)
        weights.append((folder / "new" / "net.safetensors").read_bytes())
    assert weights[0] == weights[1]


def test_a_bundle_keeps_its_own_recipe(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle", labels=("background", "block", "other"))
    before = package_sha256(bundle)
    cases = CorrectedCases(tmp_path / "cases")
    cases.switch_on()
    for seed in range(FEWEST_CASES):
        image, corrected = case(seed)
        cases.add([image], Segmentation(corrected.image, label_segments(("background", "block"), (0, 1))))
    result = finetune(str(bundle), str(cases.folder), str(tmp_path / "new"), rounds=4, learning_rate=0.02, threads=1)
    assert package_sha256(bundle) == before
    assert result.dice_after > result.dice_before
    assert (tmp_path / "new" / "configs" / "inference.json").read_bytes() == (
        bundle / "configs" / "inference.json"
    ).read_bytes()
    assert [path.name for path in (tmp_path / "new" / "models").iterdir()] == ["model.safetensors"]


def test_too_few_cases_other_labels_and_a_folder_that_is_there_are_refused(tmp_path: Path) -> None:
    package, new = write_package(tmp_path / "blocks"), tmp_path / "new"
    few = collected(tmp_path / "few", FEWEST_CASES - 1)
    with pytest.raises(ModelError, match="at least 4"):
        finetune(str(package), str(few.folder), str(new))
    image, corrected = case(50)
    few.add([image], Segmentation(corrected.image, label_segments(("background", "Liver"), (0, 1))))
    with pytest.raises(ModelError, match="'Liver'; for the model it is 'Block'"):
        finetune(str(package), str(few.folder), str(new))
    cases = collected(tmp_path / "cases")
    with pytest.raises(OutputError, match="is there already"):
        finetune(str(package), str(cases.folder), str(package))
    with pytest.raises(OutputError, match="lies in the package"):
        finetune(str(package), str(cases.folder), str(package / "new"))
    with pytest.raises(ModelError, match="takes 2"):
        finetune(str(write_package(tmp_path / "two", channels=2)), str(cases.folder), str(new))
    assert not new.exists()


def test_a_network_that_gets_no_better_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no better"):
        adapted(tmp_path, write_package(tmp_path / "blocks"), rounds=1, learning_rate=1e-9)
    assert not (tmp_path / "new").exists()


def test_cancelling_leaves_nothing_behind(tmp_path: Path) -> None:
    package, dataset = write_package(tmp_path / "blocks"), collected(tmp_path / "cases")
    asked: list[str] = []

    def report(fraction: float, message: str) -> None:
        asked.append(message)

    progress = Progress(report, lambda: asked.count("Learning from corrections") > 3)
    with pytest.raises(Cancelled):
        finetune(str(package), str(dataset.folder), str(tmp_path / "new"), progress=progress)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["blocks", "cases"]


def test_the_command_line_collects_adapts_and_answers_with_the_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("rich")
    package, folder = write_package(tmp_path / "blocks"), tmp_path / "cases"
    assert main(["models", "corrections", "on", str(folder)]) == 0
    for seed in range(FEWEST_CASES):
        image, corrected = case(seed)
        sitk.WriteImage(image, str(tmp_path / "image.nrrd"))
        write_segmentation(corrected, tmp_path / "corrected.seg.nrrd")
        line = ["models", "corrections", "add", str(folder), str(tmp_path / "image.nrrd")]
        assert main([*line, "--corrected", str(tmp_path / "corrected.seg.nrrd")]) == 0
    capsys.readouterr()
    line = ["models", "finetune", str(package), str(folder), "-o", str(tmp_path / "new"), "--rounds", "2", "--json"]
    assert main([*line, "--learning-rate", "0.02"]) == 0
    answer = json.loads(capsys.readouterr().out)["result"]
    assert answer["dice_after"] > answer["dice_before"]
    assert (tmp_path / "new" / "card.json").is_file()
