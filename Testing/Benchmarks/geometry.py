"""Landmarks of an asymmetric phantom on every axis order and flip, written and read in every format."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.images.dicom_writing import write_ct_series
from AIImagingLogic.images.geometry import index_to_world
from AIImagingLogic.images.read import read_image
from AIImagingLogic.images.write import write_image
from Testing.Benchmarks.reporting import Figures, run_as_command

SIZE = (9, 8, 7)
# Voxels that no flip or change of axes takes into each other; each holds a value of its own.
LANDMARKS = np.array([(1, 1, 1), (7, 2, 1), (2, 6, 3), (4, 1, 5), (7, 6, 4), (3, 3, 2)])
FIRST_VALUE = 1000
ISOTROPIC = (1.0, 1.0, 1.0)
ANISOTROPIC = (0.7, 0.9, 2.5)
ORIGIN = (-123.4, 56.7, -89.1)
# About an axis that is no axis of the patient.
OBLIQUE_VERSOR = (0.21, -0.13, 0.17)
LOST = 1e9


def grids() -> Iterator[tuple[str, sitk.Image]]:
    """Yield name and phantom for 48 axis orders and flips x straight or oblique x isotropic or anisotropic."""
    turned = np.array(sitk.VersorTransform((*OBLIQUE_VERSOR, 0.95)).GetMatrix()).reshape(3, 3)
    axes = itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3))
    for order, signs in axes:
        direction = np.eye(3)[:, order] * signs
        for oblique, spacing in itertools.product((False, True), (ISOTROPIC, ANISOTROPIC)):
            image = sitk.GetImageFromArray(_voxels())
            image.SetSpacing(spacing)
            image.SetOrigin(ORIGIN)
            image.SetDirection(((turned if oblique else np.eye(3)) @ direction).ravel().tolist())
            yield f"axes {order} signs {signs}{' oblique' if oblique else ''} spacing {spacing}", image


def _voxels() -> NDArray[np.int16]:
    values = np.zeros(SIZE[::-1], dtype=np.int16)
    for number, (i, j, k) in enumerate(LANDMARKS):
        values[k, j, i] = FIRST_VALUE + number
    return values


def error_voxels(original: sitk.Image, read: sitk.Image) -> float:
    """Return how far the worst landmark moved in the patient, in voxels of the smallest spacing."""
    values = sitk.GetArrayViewFromImage(read)
    worst = 0.0
    for number, landmark in enumerate(LANDMARKS):
        found = np.argwhere(values == FIRST_VALUE + number)
        if len(found) != 1:
            return LOST
        apart = index_to_world(read, found[0][::-1]) - index_to_world(original, landmark)
        worst = max(worst, float(np.linalg.norm(apart)) / min(original.GetSpacing()))
    return worst


def _through_file(image: sitk.Image, folder: Path, name: str) -> sitk.Image:
    write_image(image, folder / name)
    return read_image(folder / name)[0]


def _through_dicom(image: sitk.Image, folder: Path) -> sitk.Image:
    write_ct_series(image, folder / "series", acquired=datetime(2025, 1, 2, 3, 4), description="grid")
    return read_image(folder / "series")[0]


def _mrml_round_trip() -> Callable[[sitk.Image, Path], sitk.Image]:
    """Return the round trip through a volume node of a scene; needs Slicer's classes."""
    from AIImagingLogic.scene.host import load_slicer
    from AIImagingLogic.scene.volumes import image_from_volume_node, volume_node_from_image

    slicer = load_slicer()

    def through_node(image: sitk.Image, folder: Path) -> sitk.Image:
        scene = slicer.vtkMRMLScene()
        return image_from_volume_node(volume_node_from_image(image, scene, "grid"))

    return through_node


def run(tell: Callable[[str], None]) -> tuple[Figures, Mapping[str, Any]]:
    """Return the worst error of each format and over all."""
    formats: dict[str, Callable[[sitk.Image, Path], sitk.Image]] = {
        "nrrd": lambda image, folder: _through_file(image, folder, "grid.nrrd"),
        "nifti": lambda image, folder: _through_file(image, folder, "grid.nii.gz"),
        "dicom": _through_dicom,
        "mrml": _mrml_round_trip(),
    }
    worst = dict.fromkeys(formats, 0.0)
    count = 0
    for name, image in grids():
        count += 1
        for kind, there_and_back in formats.items():
            with tempfile.TemporaryDirectory() as folder:
                error = error_voxels(image, there_and_back(image, Path(folder)))
            if error > worst[kind]:
                tell(f"{kind}: {error:.2g} voxels, {name}")
                worst[kind] = error
    figures: Figures = {"worst_error_voxels": max(worst.values()), "by_format": worst, "grids": count}
    return figures, {"size": SIZE, "landmarks": len(LANDMARKS), "spacings_mm": [ISOTROPIC, ANISOTROPIC]}


if __name__ == "__main__":
    run_as_command("geometry", run)
