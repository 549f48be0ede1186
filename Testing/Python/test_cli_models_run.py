"""`aiimaging models run`: the command for the model's task is called as it would be by name."""

from __future__ import annotations

import argparse
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from classification_packages import grey_package
from detection_bundles import write_bundle
from two_input_packages import expected_labels, two_images, write_two_input_package

from AIImagingLogic.cli import main
from AIImagingLogic.cli.arguments import make_parser
from AIImagingLogic.records.errors import ModelError, OutputError, WrongImageError

torch = pytest.importorskip("torch")
pytest.importorskip("rich")


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    write_two_input_package(folder / "two")
    grey_package(folder / "classes", dimensions=3, size=20)
    write_bundle(folder / "boxes")
    return folder


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    paths = [str(tmp_path / "first.nrrd"), str(tmp_path / "second.nrrd")]
    for image, path in zip(two_images(), paths):
        sitk.WriteImage(image, path)
    return paths


def test_result_and_json_are_those_of_the_command(
    packages: Path, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "labels.seg.nrrd"
    model, more = str(packages / "two"), ["-o", str(output), "--json"]
    assert main(["models", "run", model, *files, *more]) == 0
    printed = json.loads(capsys.readouterr().out)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(output))), expected_labels())
    assert main(["segment", *files, "-m", model, *more]) == 0
    again = json.loads(capsys.readouterr().out)
    # The provenance has the time of the run.
    assert printed["measured"]["provenance"].keys() == again["measured"]["provenance"].keys()
    for answer in (printed, again):
        del answer["measured"]["provenance"]
    assert again == printed


@pytest.mark.parametrize(
    ("model", "images", "command"),
    [
        ("ct-lungs", 1, "segment {images} -m ct-lungs -o OUT --series 1.2"),
        ("{two}", 2, "segment {images} -m {two} -o OUT"),
        ("ct-lung-nodules", 1, "detect {images} -o OUT --series 1.2 --overwrite"),
        ("{boxes}", 1, "detect {images} -m {boxes} -o OUT"),
        ("{classes}", 1, "classify {images} -m {classes} -o OUT --overwrite --explain Blob"),
        ("affine", 2, "register {images} -k affine -o OUT --overwrite"),
    ],
)
def test_each_task_is_given_to_its_command_with_the_arguments_of_that_command(
    packages: Path, monkeypatch: pytest.MonkeyPatch, model: str, images: int, command: str
) -> None:
    places = {name: str(packages / name) for name in ("two", "classes", "boxes")}
    paths = ["first.nrrd", "second.nrrd"][:images]
    wanted = command.format(images=" ".join(paths), **places).split()
    options = wanted[wanted.index("OUT") + 1 :]
    called: list[tuple[str, dict[str, Any]]] = []
    for task in ("segment", "detect", "classify", "register"):

        def take(arguments: argparse.Namespace, _terminal: Any, task: str = task) -> dict[str, Any]:
            called.append((task, vars(arguments)))
            return {}

        monkeypatch.setattr(import_module(f"AIImagingLogic.cli.{task}_command"), "run", take)
    assert main(["models", "run", model.format(**places), *paths, "-o", "OUT", *options]) == 0
    ((task, given),) = called
    expected = vars(make_parser().parse_args(wanted))
    assert task == wanted[0] and given == expected


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere", "{first}", "-o", "OUT"], ModelError.exit_code, "There is no model 'nowhere'"),
        (["no/where", "{first}", "-o", "OUT"], ModelError.exit_code, "There is no model package 'no/where'"),
        (["ct-nodule-outline", "{first}", "-o", "OUT"], ModelError.exit_code, "its task is to outline"),
        (["rigid", "{first}", "-o", "OUT"], ModelError.exit_code, "In this order: fixed image, moving image"),
        (["ct-lung-nodules", "{first}", "{second}", "-o", "OUT"], ModelError.exit_code, "needs 1 image, and 2 were"),
        (["monai-mednist-registration", "{first}", "{second}", "-o", "OUT"], ModelError.exit_code, "by this version"),
        (["ct-lungs", "{first}", "-o", "OUT", "--explain", "x"], ModelError.exit_code, "--explain is for models that"),
        (["rigid", "{first}", "{second}", "-o", "OUT", "--series", "1"], WrongImageError.exit_code, "--series"),
        (["ct-lungs", "{first}", "-o", "OUT"], OutputError.exit_code, "does not end in .seg.nrrd"),
    ],
)
def test_what_cannot_be_run_is_said_in_one_line(
    files: list[str], capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    named = [argument.format(first=files[0], second=files[1]) for argument in arguments]
    assert main(["models", "run", *named]) == code
    printed = capsys.readouterr()
    assert said in printed.err and len(printed.err.strip().splitlines()) == 1 and not printed.out
