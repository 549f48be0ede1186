"""The scans that the multi-view stage learns from, is tuned on and is measured on: three lists that share no seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.evaluation.detection import Target
from AIImagingLogic.images.phantoms.chest_pair import ChestPair, harder_tuning_recipe, make_chest_pair, tuning_recipe
from AIImagingLogic.images.phantoms.scanner_noise import scanner_noise
from AIImagingLogic.models.builtin.candidate_search import LungCandidates
from AIImagingLogic.records.atomic_files import written_atomically
from Testing.Benchmarks.pair_scoring import targets_at
from Testing.Benchmarks.real_ct import read_truth
from Testing.Training.implanted_nodules import implant_nodules
from Testing.Training.nodule_score_cases import Case, find_lungs, lesions_of, make_case
from Testing.Training.nodule_score_real import KNOWN_NODULE_PATIENT, REAL_CTS

TRAINED_PATIENTS = tuple(name for name, patient in REAL_CTS.items() if patient != KNOWN_NODULE_PATIENT)
HELD_OUT_CTS = tuple(name for name, patient in REAL_CTS.items() if patient == KNOWN_NODULE_PATIENT)
_STREAM = 90217
_FIRST_TRAINED, _FIRST_HELD_OUT = 300, 900
"""Pairs of the tuning recipes from here on: those before taught the detector's own score."""
_IMPLANTS = 20
_NOISE_HU = (0.0, 40.0)
_STRETCH = 0.12
_THICKEST_SLICE_MM = 2.6


@dataclass(frozen=True)
class ScanName:
    """Which scan: the same name gives the same voxels.

    Attributes
    ----------
    source : ``plain`` or ``harder`` (recipes), or the file of a real CT
    number : of the pair, or of the variant; variant 0 is the CT as it is
    visit : 0 or 1; 0 for a real CT
    """

    source: str
    number: int
    visit: int = 0

    @property
    def real(self) -> bool:
        """Whether a person was scanned."""
        return self.source in REAL_CTS

    @property
    def group(self) -> str:
        """What must be left out together."""
        return REAL_CTS[self.source] if self.real else f"{self.source} {self.number}"

    def __str__(self) -> str:
        return f"{self.source.split('.')[0]}_{self.number}_{self.visit}"


def training_scans(pairs: int, variants: int) -> list[ScanName]:
    """Return the scans of `pairs` generated pairs of each recipe, and `variants` of each CT that may be learnt from."""
    return _generated(_FIRST_TRAINED, pairs) + _real(TRAINED_PATIENTS, variants)


def held_out_scans(pairs: int, variants: int) -> list[ScanName]:
    """Return the scans that nothing was trained or tuned on: other seeds, another patient."""
    return _generated(_FIRST_HELD_OUT, pairs) + _real(HELD_OUT_CTS, variants)


def make_scan(name: ScanName, folder: Path) -> tuple[sitk.Image, Case]:
    """Return a scan (int16, HU) and its case.

    Parameters
    ----------
    name : which
    folder : chest_ct of the real images; only asked of a real one
    """
    image, targets = _real_scan(name, folder) if name.real else _generated_scan(name)
    return image, make_case(name.group, str(name), name.real, image, targets)


def kept_scan(name: ScanName, folder: Path, cache: Path) -> tuple[sitk.Image, Case]:
    """Return the same as `make_scan`, kept in `cache` from the first time on."""
    image_path, case_path = cache / f"{name}.nrrd", cache / f"{name}.npz"
    if not case_path.is_file():
        image, case = make_scan(name, folder)
        cache.mkdir(parents=True, exist_ok=True)
        sitk.WriteImage(image, str(image_path))
        targets = np.array([(*target.position_mm, target.diameter_mm, target.excluded) for target in case.targets])
        with written_atomically(case_path) as temporary, temporary.open("wb") as stream:
            fields = {field: getattr(case.candidates, field) for field in LungCandidates.__dataclass_fields__}
            np.savez(stream, targets=targets.reshape(-1, 5), **fields)
        return image, case
    content = np.load(case_path)
    kept = tuple(Target((float(x), float(y), float(z)), float(d), bool(out)) for x, y, z, d, out in content["targets"])
    candidates = LungCandidates(*(content[field] for field in LungCandidates.__dataclass_fields__))
    case = Case(name.group, str(name), name.real, kept, candidates, lesions_of(candidates.positions_mm, kept))
    return sitk.ReadImage(str(image_path)), case


def _generated(first: int, pairs: int) -> list[ScanName]:
    return [
        ScanName(source, first + number, visit)
        for number in range(pairs)
        for source in ("plain", "harder")
        for visit in (0, 1)
    ]


def _real(files: tuple[str, ...], variants: int) -> list[ScanName]:
    return [ScanName(file, number) for number in range(variants) for file in files]


def _generated_scan(name: ScanName) -> tuple[sitk.Image, list[Target]]:
    pair = _pair(name.source, name.number)
    return (pair.baseline, pair.followup)[name.visit], targets_at(pair.lesions, name.visit)


@lru_cache(maxsize=1)
def _pair(source: str, number: int) -> ChestPair:
    """Return a generated pair; its other visit is mostly asked for next."""
    return make_chest_pair((tuning_recipe if source == "plain" else harder_tuning_recipe)(number))


def _real_scan(name: ScanName, folder: Path) -> tuple[sitk.Image, list[Target]]:
    """Return a variant of a real CT: its voxels of another size, slices joined, nodules put in, noise added."""
    original = sitk.Cast(sitk.ReadImage(str(folder / name.source)), sitk.sitkFloat32)
    random = np.random.default_rng([_STREAM, list(REAL_CTS).index(name.source), name.number])
    image = sitk.Image(original)
    if name.number:
        stretched = np.array(original.GetSpacing()) * random.uniform(1.0 - _STRETCH, 1.0 + _STRETCH, 3)
        image.SetSpacing(stretched.tolist())
    targets: list[Target] = []
    if REAL_CTS[name.source] == KNOWN_NODULE_PATIENT:
        position, diameter_mm = read_truth(folder)
        index = original.TransformPhysicalPointToContinuousIndex(position)
        targets.append(Target(image.TransformContinuousIndexToPhysicalPoint(index), diameter_mm))
    if name.number:
        most = max(1, int(_THICKEST_SLICE_MM / image.GetSpacing()[2]))
        image = sitk.BinShrink(image, [1, 1, int(random.integers(1, most + 1))])
        image, implanted = implant_nodules(image, find_lungs(image).image, _IMPLANTS, targets, random)
        targets += implanted
        image = _with_noise(image, float(random.uniform(*_NOISE_HU)), random)
    return sitk.Cast(image, sitk.sitkInt16), targets


def _with_noise(image: sitk.Image, noise_hu: float, random: np.random.Generator) -> sitk.Image:
    voxels = sitk.GetArrayFromImage(image)
    voxels += scanner_noise(voxels.shape, np.array(image.GetSpacing()), noise_hu, random)
    result = sitk.GetImageFromArray(voxels)
    result.CopyInformation(image)
    return result
