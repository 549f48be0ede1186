"""Real chest CTs to learn the nodule score from: as they are, and with nodules, noise, stretch and thicker slices."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.evaluation.detection import Target
from AIImagingLogic.images.phantoms.scanner_noise import scanner_noise
from Testing.Benchmarks.real_ct import read_truth
from Testing.Training.implanted_nodules import implant_nodules
from Testing.Training.nodule_score_cases import Case, find_lungs, make_case

REAL_CTS = {
    "lidc0314_ct_rightlung_native.nii.gz": "LIDC-IDRI-0314",
    "lidc0314_ct_whole_1p6mm.nii.gz": "LIDC-IDRI-0314",
    "aorta_ct_cropped.nii.gz": "CT angiogram",
    "3DCT_lung.mha": "elastix CT",
}
"""File in chest_ct -> patient."""
KNOWN_NODULE_PATIENT = "LIDC-IDRI-0314"
_IMPLANTS = 22
_THICKEST_SLICE_MM = 2.5


@dataclass(frozen=True)
class Variant:
    """What is done to a real CT: implants, then noise of a standard deviation drawn from `noise_hu`.

    `stretch`: each axis becomes up to this share longer or shorter, and slices are joined up to 2.5 mm.
    """

    name: str
    implants: int = 0
    noise_hu: tuple[float, float] = (0.0, 0.0)
    stretch: float = 0.0


VARIANTS = (
    Variant("as it is"),
    Variant("implants", _IMPLANTS),
    Variant("implants, noise", _IMPLANTS, (20.0, 45.0)),
    Variant("implants, noise, stretched", _IMPLANTS, (20.0, 30.0), 0.1),
)


def real_case(folder: Path, file_name: str, variant: Variant) -> Case:
    """Return one variant of a CT of `folder`; the same every time."""
    patient = REAL_CTS[file_name]
    random = np.random.default_rng([6113, list(REAL_CTS).index(file_name), VARIANTS.index(variant)])
    original = sitk.Cast(sitk.ReadImage(str(folder / file_name)), sitk.sitkFloat32)
    image = _stretched(original, variant.stretch, random) if variant.stretch else original
    targets: list[Target] = []
    if patient == KNOWN_NODULE_PATIENT:
        position, diameter_mm = read_truth(folder)
        index = original.TransformPhysicalPointToContinuousIndex(position)
        targets.append(Target(image.TransformContinuousIndexToPhysicalPoint(index), diameter_mm))
    image = _joined_slices(image) if variant.stretch else image
    if variant.implants:
        image, implanted = implant_nodules(image, find_lungs(image).image, variant.implants, targets, random)
        targets += implanted
    if variant.noise_hu[1] > 0:
        image = _with_noise(image, float(random.uniform(*variant.noise_hu)), random)
    return make_case(patient, f"{file_name}, {variant.name}", True, sitk.Cast(image, sitk.sitkInt16), targets)


def _stretched(image: sitk.Image, share: float, random: np.random.Generator) -> sitk.Image:
    """Return the voxels of `image` on voxels of another size: another body, without blur from resampling."""
    result = sitk.Image(image)
    result.SetSpacing((np.array(image.GetSpacing()) * random.uniform(1.0 - share, 1.0 + share, 3)).tolist())
    return result


def _joined_slices(image: sitk.Image) -> sitk.Image:
    joined = max(1, int(_THICKEST_SLICE_MM / image.GetSpacing()[2]))
    return sitk.BinShrink(image, [1, 1, joined])


def _with_noise(image: sitk.Image, noise_hu: float, random: np.random.Generator) -> sitk.Image:
    voxels = sitk.GetArrayFromImage(image)
    voxels += scanner_noise(voxels.shape, np.array(image.GetSpacing()), noise_hu, random)
    result = sitk.GetImageFromArray(voxels)
    result.CopyInformation(image)
    return result
