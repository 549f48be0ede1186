"""Models of several input images: in their order through task, worker and command line, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from two_input_packages import BRIGHT, FIRST, expected_labels, two_images, write_two_input_package

from AIImagingLogic.cli import main
from AIImagingLogic.images.geometry import same_grid
from AIImagingLogic.images.info import describe
from AIImagingLogic.images.resample import resample_like
from AIImagingLogic.records.errors import GeometryError, ModelError, WrongImageError
from AIImagingLogic.tasks.segment import segment, segment_and_measure

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_two_input_package(tmp_path_factory.mktemp("two") / "net")


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    paths = [str(tmp_path / "first.nrrd"), str(tmp_path / "second.nrrd")]
    for image, path in zip(two_images(), paths):
        sitk.WriteImage(image, path)
    return paths


def test_images_are_taken_in_their_order_and_the_first_is_measured(package: Path) -> None:
    first, second = two_images()
    infos = [describe(first, "MR"), describe(second, "MR")]
    result = segment_and_measure(first, infos[0], str(package), None, [second], infos[1:])
    np.testing.assert_array_equal(sitk.GetArrayFromImage(result.segmentation.image), expected_labels())
    provenance = result.segmentation.provenance
    assert provenance is not None and [each.content_hash for each in provenance.inputs] == [
        info.content_hash for info in infos
    ]
    alone, overlapping = ({each.name: each.value for each in row.measurements} for row in result.measured.rows)
    assert alone["organ_volume"] == pytest.approx((expected_labels() == 1).sum() * 3 / 1000)
    means = [next(value for name, value in row.items() if "mean" in name) for row in (alone, overlapping)]
    within = np.zeros_like(expected_labels())
    within[FIRST] = BRIGHT
    assert means == pytest.approx([BRIGHT, within[expected_labels() == 2].mean()])


def test_a_second_image_on_another_grid_is_resampled_to_the_first_and_noted(package: Path) -> None:
    first, second = two_images()
    wider = sitk.ConstantPad(second, (3, 2, 1), (1, 2, 3), 0.0)
    result = segment(first, describe(first), str(package), None, [wider], [describe(wider)])
    assert same_grid(result.image, first) and not same_grid(wider, first)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(result.image), expected_labels())
    assert result.provenance is not None and any("grid" in note for note in result.provenance.notes)


def test_a_further_image_that_cannot_be_used_is_named(package: Path) -> None:
    first, second = two_images()
    broken = sitk.Cast(second, sitk.sitkFloat32)
    broken[3, 4, 5] = float("nan")
    with pytest.raises(WrongImageError, match=r"^Image 2: "):
        segment(first, describe(first), str(package), None, [broken], [describe(broken)])
    with pytest.raises(GeometryError, match=r"^Image 2: "):
        segment(first, describe(first), str(package), None, [second[:, :, 3:5]], [describe(second)])
    with pytest.raises(WrongImageError, match=r"Image 1 and Image 2 are the same image"):
        segment(first, describe(first), str(package), None, [first], [describe(first)])


def test_another_number_of_images_is_refused_with_the_inputs_in_order(package: Path) -> None:
    first, second = two_images()
    third = resample_like(second, first, sitk.TranslationTransform(3, (0.0, 3.0, 0.0)))
    with pytest.raises(ModelError, match=r"needs 2 images, and 1 were given\. In this order: Image 1, Image 2\."):
        segment(first, describe(first), str(package))
    more = [second, third]
    with pytest.raises(ModelError, match=r"needs 2 images, and 3 were given"):
        segment(first, describe(first), str(package), None, more, [describe(each) for each in more])
    with pytest.raises(ModelError, match=r"Body \(CT\) needs 1 image, and 2 were given"):
        segment(first, describe(first), "ct-body", None, [second], [describe(second)])


def test_command_takes_several_images_in_order(
    package: Path, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("rich")
    output = tmp_path / "labels.seg.nrrd"
    assert main(["segment", *files, "--model", str(package), "-o", str(output), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["segmentation"] == str(output) and len(printed["measured"]["rows"]) == 2
    np.testing.assert_array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(output))), expected_labels())
    swapped = tmp_path / "swapped.seg.nrrd"
    assert main(["segment", *files[::-1], "-m", str(package), "-o", str(swapped), "-q"]) == 0
    assert (sitk.GetArrayFromImage(sitk.ReadImage(str(swapped))) != expected_labels()).any()


def test_command_says_what_is_wrong_with_the_images(
    package: Path, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("rich")
    output = ["-m", str(package), "-o", str(tmp_path / "labels.seg.nrrd")]
    assert main(["segment", files[0], *output]) == ModelError.exit_code
    assert "In this order: Image 1, Image 2" in capsys.readouterr().err
    assert main(["segment", *files, *output, "--series", "1.2.3"]) == WrongImageError.exit_code
    assert "--series" in capsys.readouterr().err
    assert main(["segment", files[0], files[0], *output]) == WrongImageError.exit_code
    assert "are the same image" in capsys.readouterr().err
    assert not (tmp_path / "labels.seg.nrrd").exists()
