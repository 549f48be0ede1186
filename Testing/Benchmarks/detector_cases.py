"""Scans to judge nodule detectors by: generated ones, and nodules put into a real CT; no fit or training saw them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.evaluation.detection import Target
from AIImagingLogic.images.phantoms.chest_pair import harder_tuning_recipe, make_chest_pair
from AIImagingLogic.images.phantoms.scanner_noise import scanner_noise
from AIImagingLogic.records.segmentation import Segmentation
from Testing.Benchmarks.pair_scoring import targets_at
from Testing.Benchmarks.real_ct import CROPS, read_truth
from Testing.Training.implanted_nodules import implant_nodules
from Testing.Training.nodule_score_cases import find_lungs

_FIRST_SEED = 50_000
"""Of the generator's harder pairs the score's fit takes 0-11, the network's training 1000 and the following."""
_STREAM = 88_421
IMPLANTS_A_SCAN = 4
_NOISE_HU = (0.0, 30.0)
_STRETCH = 0.08
PATIENT = "LIDC-IDRI-0314"


@dataclass(frozen=True)
class ScanCase:
    """One scan: its name, whose it is, CT in HU, lungs as the program finds them, and its lesions."""

    name: str
    person: str
    image: sitk.Image
    organs: Segmentation
    targets: tuple[Target, ...]


def generated_scans(count: int) -> Iterator[ScanCase]:
    """Yield `count` generated scans, two of each person."""
    for first in range(0, count, 2):
        seed = _FIRST_SEED + first // 2
        pair = make_chest_pair(harder_tuning_recipe(seed))
        for visit, image in enumerate((pair.baseline, pair.followup)[: count - first]):
            targets = tuple(targets_at(pair.lesions, visit))
            yield ScanCase(f"generated {seed}, visit {visit + 1}", str(seed), image, find_lungs(image), targets)


def implanted_scans(folder: Path, nodules: int) -> Iterator[ScanCase]:
    """Yield scans of one real patient, a few nodules in each, until there are `nodules` that count.

    Parameters
    ----------
    folder : of the real chest CTs. The CT is mirrored in every other scan, a little stretched, and noise added; its own
        nodule counts neither way
    """
    position, diameter_mm = read_truth(folder)
    done = number = 0
    while done < nodules:
        name = CROPS[number % len(CROPS)]
        random = np.random.default_rng([_STREAM, number])
        image = sitk.ReadImage(str(folder / name), sitk.sitkFloat32)
        own = image.TransformPhysicalPointToContinuousIndex(position)
        if number // len(CROPS) % 2:
            image = sitk.Flip(image, [True, False, False])
            own = (image.GetSize()[0] - 1 - own[0], *own[1:])
            image.SetDirection(np.diag((1.0, 1.0, 1.0)).ravel().tolist())
        image.SetSpacing((np.array(image.GetSpacing()) * random.uniform(1 - _STRETCH, 1 + _STRETCH, 3)).tolist())
        real = Target(image.TransformContinuousIndexToPhysicalPoint(own), diameter_mm * (1 + _STRETCH), excluded=True)
        wanted = min(IMPLANTS_A_SCAN, nodules - done)
        image, implants = _with_counted(image, find_lungs(image).image, wanted, real, random)
        voxels = sitk.GetArrayFromImage(image)
        voxels += scanner_noise(voxels.shape, np.array(image.GetSpacing()), float(random.uniform(*_NOISE_HU)), random)
        noisy = sitk.GetImageFromArray(np.clip(np.rint(voxels), -1024, 3071).astype(np.int16))
        noisy.CopyInformation(image)
        done += sum(not target.excluded for target in implants)
        number += 1
        yield ScanCase(f"{name}, {number}", PATIENT, noisy, find_lungs(noisy), (real, *implants))


def _with_counted(
    image: sitk.Image, lungs: sitk.Image, wanted: int, real: Target, random: np.random.Generator
) -> tuple[sitk.Image, list[Target]]:
    """Return the CT with `wanted` nodules that count, and perhaps some that do not."""
    targets: list[Target] = []
    while (missing := wanted - sum(not target.excluded for target in targets)) > 0:
        image, more = implant_nodules(image, lungs, missing, [real, *targets], random)
        targets += more
    return image, targets
