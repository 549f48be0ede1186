"""A small oblique CT series with two lesions that overlap, and what the DICOM tests ask of outside tools."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.dicom.coded_mask import CodedMask
from AIImagingLogic.images.dicom_writing import write_ct_series
from AIImagingLogic.records.coding import concept

TURN = sitk.VersorTransform((0.21, -0.13, 0.17), 0.95)
TRACKING = ("1.2.826.0.1.3680043.8.498.11", "1.2.826.0.1.3680043.8.498.12")


def ct_image(flipped: bool = False) -> sitk.Image:
    """Return an oblique, anisotropic image; `flipped` makes its grid left-handed."""
    image = sitk.GetImageFromArray(np.arange(9 * 16 * 20, dtype=np.int16).reshape(9, 16, 20))
    image.SetSpacing((0.7, 0.9, 2.5))
    image.SetOrigin((-123.4, 56.7, -89.1))
    direction = np.array(TURN.GetMatrix()).reshape(3, 3) * (1, 1, -1 if flipped else 1)
    image.SetDirection(direction.ravel().tolist())
    return image


def ct_series(image: sitk.Image, folder: Path, **identity: str) -> Path:
    """Write the image as a series; return its folder."""
    write_ct_series(
        image, folder, acquired=datetime(2025, 1, 2, 3, 4), description="small", **identity, patient_id="SOMEBODY"
    )
    return folder


def overlapping_masks(image: sitk.Image) -> tuple[CodedMask, CodedMask]:
    """Return two lesions, without any symmetry, that share voxels."""
    return tuple(  # type: ignore[return-value]
        CodedMask(
            f"Lesion {number + 1}",
            concept("lung-nodule") if number == 0 else concept("lung-left"),
            ((255, 0, 0), (0, 0, 255))[number],
            _box(image, *corners),
            f"Lesion {number + 1}",
            TRACKING[number],
            algorithm="ct-lung-nodules 1",
            algorithm_version="1",
        )
        for number, corners in enumerate((((3, 4, 2), (9, 7, 5)), ((7, 5, 3), (18, 14, 8))))
    )


def _box(image: sitk.Image, low: tuple[int, ...], high: tuple[int, ...]) -> sitk.Image:
    crop = sitk.RegionOfInterest(image, [end - start for start, end in zip(low, high, strict=True)], low)
    mask = sitk.Cast(crop > -5000, sitk.sitkUInt8)
    # A notch: the box is its own mirror image no more.
    mask[0, 0, 0] = 0
    return mask


def points_of(mask: sitk.Image) -> set[tuple[float, ...]]:
    """Return where the voxels of a mask lie, in 1/100 mm."""
    inside = np.argwhere(sitk.GetArrayViewFromImage(mask) > 0)[:, ::-1]
    points = (mask.TransformContinuousIndexToPhysicalPoint([float(n) for n in index]) for index in inside)
    return {tuple(round(100 * value) for value in point) for point in points}


def assert_dciodvfy_finds_no_error(path: Path) -> None:
    """Skip when Debian's dicom3tools are not installed."""
    tool = shutil.which("dciodvfy")
    if tool is None:
        pytest.skip("dciodvfy is not here (Debian: dicom3tools).")
    told = subprocess.run([tool, str(path)], capture_output=True, text=True, check=False)
    errors = [line for line in (told.stdout + told.stderr).splitlines() if line.startswith("Error")]
    assert not errors, errors


def dcmqi_tool(name: str) -> str:
    """Return the path of one of dcmqi's programs; skip when the package is not installed."""
    beside = Path(sys.executable).parent / name
    tool = str(beside) if beside.exists() else shutil.which(name)
    if tool is None:
        pytest.skip("dcmqi is not here (pip install dcmqi).")
    return tool
