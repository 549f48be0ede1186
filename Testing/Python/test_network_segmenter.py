"""A model package as a Segmenter: segments where the network says, on the image's grid, with a full provenance."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from layers_packages import conv, random_weights, write_package

from AIImagingLogic.images.geometry import same_grid
from AIImagingLogic.images.info import describe
from AIImagingLogic.inference.network import EngineSettings
from AIImagingLogic.models.formats import open_package as open_package_module
from AIImagingLogic.models.formats.open_package import open_package
from AIImagingLogic.models.network_segmenter import NetworkSegmenter, open_segmenter
from AIImagingLogic.records.errors import AIImagingError, GeometryError, ModelError, WrongImageError
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.tasks.segment import segment, segment_and_measure

torch = pytest.importorskip("torch")

ORIENTATIONS = {
    "as LPS": np.eye(3),
    "first axis flipped": np.diag([-1.0, 1.0, 1.0]),
    "axes swapped": np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]),
    "oblique": np.array(sitk.Euler3DTransform((0, 0, 0), 0.2, -0.15, 0.25).GetMatrix()).reshape(3, 3),
}
TO_LEFT, TO_INFERIOR, TO_ANTERIOR = np.array([1.0, 0, 0]), np.array([0, 0, -1.0]), np.array([0, -1.0, 0])


def head(direction: np.ndarray, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> sitk.Image:
    """Return an image with one bright off-centre block; 8-bit values, so that they are taken as they are."""
    size = [round(extent / step) for extent, step in zip((30, 36, 42), spacing)]
    voxels = np.zeros(size[::-1], np.int16)
    k, j, i = (
        slice(round(start / step), round(end / step))
        for (start, end), step in zip(((6, 16), (18, 26), (8, 22)), spacing[::-1])
    )
    voxels[k, j, i] = 255
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(spacing)
    image.SetOrigin((-20, 35, -90))
    image.SetDirection(direction.ravel())
    return image


def looking_package(folder: Path, axis: int, step: int, size: int | None = None) -> Path:
    """Write a network that labels a voxel when the one `step` voxels further along its own `axis` is bright."""
    layers = [conv("out", 2, dilation=step)]
    kernel = np.zeros((3, 3, 3, 1, 2), np.float32)
    place = [1, 1, 1]
    place[axis] = 2
    kernel[(*place, 0, 1)] = 10
    weights = {"out/kernel": kernel, "out/bias": np.array([0, -5], np.float32)}
    return write_package(folder, layers, weights, size=size, labels=["background", "Brain"])


def centre_mm(mask: np.ndarray, image: sitk.Image) -> np.ndarray:
    """Return the centre of a mask, LPS mm."""
    index = np.argwhere(mask).mean(0)[::-1]
    return np.array(image.TransformContinuousIndexToPhysicalPoint([float(value) for value in index]))


@pytest.mark.parametrize("name", ORIENTATIONS)
@pytest.mark.parametrize(("axis", "towards"), [(0, TO_LEFT), (1, TO_INFERIOR), (2, TO_ANTERIOR)])
def test_the_network_sees_left_inferior_anterior_whatever_the_orientation(
    tmp_path: Path, name: str, axis: int, towards: np.ndarray
) -> None:
    image = head(ORIENTATIONS[name])
    result = segment(image, describe(image), str(looking_package(tmp_path / "net", axis, 4)))
    assert same_grid(result.image, image)
    bright = sitk.GetArrayFromImage(image) > 0
    moved = centre_mm(bright, image) - centre_mm(sitk.GetArrayFromImage(result.image) == 1, image)
    # Along the image's own axis that is nearest to the direction; 4 voxels of 1 mm.
    direction = ORIENTATIONS[name]
    nearest = direction[:, np.argmax(np.abs(direction.T @ towards))]
    np.testing.assert_allclose(moved, 4 * nearest * np.sign(nearest @ towards), atol=1e-6)


def test_an_anisotropic_image_is_seen_in_millimetres_and_answered_on_its_own_grid(tmp_path: Path) -> None:
    image = head(ORIENTATIONS["first axis flipped"], (0.75, 1.0, 2.0))
    result = segment_and_measure(image, describe(image), str(looking_package(tmp_path / "net", 1, 6)))
    assert same_grid(result.segmentation.image, image)
    bright = sitk.GetArrayFromImage(image) > 0
    found = sitk.GetArrayFromImage(result.segmentation.image) == 1
    np.testing.assert_allclose(centre_mm(found, image) - centre_mm(bright, image), [0, 0, 6], atol=0.5)
    volume = next(item for item in result.measured.rows[0].measurements if item.name == "organ_volume")
    assert volume.value == pytest.approx(bright.sum() * 0.75 * 2.0 / 1000, rel=0.12)


def test_an_image_smaller_than_the_declared_input_is_padded(tmp_path: Path) -> None:
    image = head(ORIENTATIONS["as LPS"])
    free = segment(image, describe(image), str(looking_package(tmp_path / "free", 2, 3)))
    fixed = segment(image, describe(image), str(looking_package(tmp_path / "fixed", 2, 3, size=48)))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(free.image), sitk.GetArrayFromImage(fixed.image))


def test_the_provenance_says_which_package_ran_how_and_on_what(tmp_path: Path) -> None:
    image = head(ORIENTATIONS["as LPS"])
    folder = looking_package(tmp_path / "My net", 0, 2)
    provenance = segment(image, describe(image), str(folder)).provenance
    assert provenance is not None
    assert [(use.model_id, use.sha256) for use in provenance.models] == [("my-net", open_package(folder).sha256)]
    assert provenance.parameters["format"] == "tfjs-layers"
    assert provenance.parameters["axes"] == "LIA"
    assert provenance.parameters["backend"]
    assert "ConformedRange" in provenance.parameters["intensity"]
    assert provenance.device.lower().startswith("cpu")
    assert any("brainchop" in note for note in provenance.notes)
    assert [stage.name for stage in provenance.stages] == ["My net"]


def test_an_image_much_coarser_than_the_network_is_noted(tmp_path: Path) -> None:
    folder = str(looking_package(tmp_path / "net", 1, 6))

    def notes(slices_mm: float) -> str:
        image = head(ORIENTATIONS["as LPS"], (1.0, 1.0, slices_mm))
        provenance = segment(image, describe(image), folder).provenance
        assert provenance is not None
        return " ".join(provenance.notes)

    assert "voxels are 3 mm long, and the model was made for 1 mm" in notes(3.0)
    assert "was made for" not in notes(2.0)


def test_a_segment_that_was_not_found_is_left_out_and_named(tmp_path: Path) -> None:
    layers = [conv("out", 3, size=1)]
    weights = random_weights(layers)
    weights["out/kernel"][:] = 0
    weights["out/bias"][:] = (0, 1, -1)
    folder = write_package(tmp_path / "net", layers, weights, labels=["background", "Brain", "Cyst"])
    image = head(ORIENTATIONS["as LPS"])
    result = segment(image, describe(image), str(folder))
    assert [item.name for item in result.segments] == ["Brain"]
    assert result.provenance is not None
    assert any("Not found in the image: Cyst." in note for note in result.provenance.notes)


def test_parts_apart_from_the_largest_are_left_out_where_the_package_says_so(tmp_path: Path) -> None:
    image = head(ORIENTATIONS["as LPS"])
    voxels = sitk.GetArrayFromImage(image)
    voxels[30:33, 2:5, 2:6] = 255
    # Touches the block by a corner.
    block = np.argwhere(sitk.GetArrayFromImage(image) > 0).max(0)
    voxels[tuple(block + 1)] = 255
    changed = sitk.GetImageFromArray(voxels)
    changed.CopyInformation(image)
    layers = [conv("out", 2, size=1)]
    weights = {"out/kernel": np.array([[[[[0, 10]]]]], np.float32), "out/bias": np.array([0, -5], np.float32)}
    package = open_package(write_package(tmp_path / "net", layers, weights, labels=["background", "Brain"]))
    whole = NetworkSegmenter(package).segment(changed, describe(changed), Progress())
    np.testing.assert_array_equal(sitk.GetArrayFromImage(whole.image) > 0, voxels > 0)
    package = dataclasses.replace(package, largest_part_only=True)
    result = NetworkSegmenter(package).segment(changed, describe(changed), Progress())
    voxels[30:33, 2:5, 2:6] = 0
    np.testing.assert_array_equal(sitk.GetArrayFromImage(result.image) > 0, voxels > 0)
    assert result.provenance is not None
    assert "Parts apart from the largest were left out: 0.036 ml." in result.provenance.notes


def _not_a_number(image: sitk.Image) -> sitk.Image:
    broken = sitk.Cast(image, sitk.sitkFloat32)
    broken[1, 2, 3] = float("nan")
    return broken


@pytest.mark.parametrize(
    ("broken", "error", "said"),
    [
        (lambda image: image[:, :, 20:21], GeometryError, "slices are needed"),
        (_not_a_number, WrongImageError, "1 of"),
        (lambda image: sitk.Compose([image] * 3), WrongImageError, "3 colours a voxel"),
        (lambda image: image[0:3, 0:3, 0:3], GeometryError, "3 x 3 x 3"),
    ],
    ids=["one slice", "not a number", "colour", "too small"],
)
def test_an_image_of_the_wrong_kind_is_refused(tmp_path: Path, broken, error: type, said: str) -> None:
    image = broken(head(ORIENTATIONS["as LPS"]))
    info = describe(head(ORIENTATIONS["as LPS"]))
    with pytest.raises(error, match=said):
        segment(image, info, str(looking_package(tmp_path / "net", 0, 2)))


def test_a_wrong_number_of_inputs_is_refused_with_their_names(tmp_path: Path) -> None:
    layers = [conv("out", 2, size=1)]
    folder = write_package(tmp_path / "net", layers, random_weights(layers, channels=2), channels=2)
    image = head(ORIENTATIONS["as LPS"])
    with pytest.raises(ModelError, match=r"needs 2 images, and 1 were given.*Image 1, Image 2"):
        segment(image, describe(image), str(folder))


def test_an_image_of_another_modality_is_refused(tmp_path: Path) -> None:
    image = head(ORIENTATIONS["as LPS"])
    package = open_package(looking_package(tmp_path / "net", 0, 2))
    card = dataclasses.replace(package.card, modality="MR")
    opened = NetworkSegmenter(dataclasses.replace(package, card=card), EngineSettings(backend="torch"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("AIImagingLogic.tasks.segment.open_segmenter", lambda model: opened)
        with pytest.raises(WrongImageError, match="needs MR images; this one is PT"):
            segment(image, dataclasses.replace(describe(image), modality="PT"), "net")
        assert segment(image, dataclasses.replace(describe(image), modality="MR"), "net").segments


def test_a_model_that_is_not_there_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIIMAGING_MODELS", str(tmp_path / "store"))
    with pytest.raises(ModelError, match="There is no model package"):
        open_segmenter(str(tmp_path / "nowhere"))
    with pytest.raises(ModelError, match="There is no model 'nothing-of-the-kind'"):
        open_segmenter("nothing-of-the-kind")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ModelError, match="no model package that can be read"):
        open_segmenter(str(tmp_path / "folder"))
    with pytest.raises(ModelError, match="does not segment"):
        open_segmenter("ct-lung-nodules")


def test_without_torch_a_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = looking_package(tmp_path / "net", 0, 2)
    monkeypatch.setattr(open_package_module, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="need PyTorch"):
        open_package(folder)


def test_a_package_whose_files_changed_is_opened_anew(tmp_path: Path) -> None:
    folder = looking_package(tmp_path / "net", 0, 2)
    first = open_package(folder)
    assert open_package(folder) is first
    (folder / "weights.bin").write_bytes(b"")
    with pytest.raises(AIImagingError):
        open_package(folder)


def test_a_run_can_be_cancelled(tmp_path: Path) -> None:
    image = head(ORIENTATIONS["as LPS"])
    segmenter = open_segmenter(str(looking_package(tmp_path / "net", 0, 2)))
    progress = Progress(is_cancelled=lambda: True)
    with pytest.raises(AIImagingError, match="Cancelled"):
        segmenter.segment(image, describe(image), progress)
