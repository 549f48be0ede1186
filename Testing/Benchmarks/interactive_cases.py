"""The structures of the interactive benchmark: real ones with a truth, and shapes that are made here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from Testing.Benchmarks.interactive_shapes import SHAPES, made_shape

_ABDOMEN = ("abdomen_ct/example_ct.nii.gz", "abdomen_ct/example_seg_fast_force_split.nii.gz")
_DISSECTION = ("chest_ct/aorta_ct_cropped.nii.gz", "chest_ct/aorta_T716_aorta_true_false_lumen.nii.gz")
_SARCOMA = {
    kind: (f"pet_ct/STS_001_{kind}_image.nii.gz", f"pet_ct/STS_001_{kind}_mask.nii.gz")
    for kind in ("CT", "MR_T1", "PET")
}
_NODULE_MM = (-57.43924, 131.23252, -520.35923)
_NODULE_DIAMETER_MM = 15.485


@dataclass(frozen=True)
class Structure:
    """A structure with a truth.

    Attributes
    ----------
    name, modality : as the figures show it
    image, truth : files in the folder of real images
    label : of the truth; 0 means all labels together
    tuning : whether the engine's constants were chosen on it, with the made shapes; the others were only measured
    """

    name: str
    modality: str
    image: str
    truth: str
    label: int
    tuning: bool


STRUCTURES = (
    Structure("liver", "CT", *_ABDOMEN, 5, True),
    Structure("kidney right", "CT", *_ABDOMEN, 2, True),
    Structure("bladder", "CT", *_ABDOMEN, 21, True),
    Structure("gluteus", "CT", *_ABDOMEN, 80, True),
    Structure("aorta, abdomen", "CT", *_ABDOMEN, 52, True),
    Structure("spleen", "CT", *_ABDOMEN, 1, False),
    Structure("kidney left", "CT", *_ABDOMEN, 3, True),
    Structure("stomach", "CT", *_ABDOMEN, 6, False),
    Structure("psoas", "CT", *_ABDOMEN, 88, False),
    Structure("hip bone", "CT", *_ABDOMEN, 77, False),
    Structure(
        "liver, 3 slices", "CT", "abdomen_ct/dcmqi_ct_3slice_dicom.zip", "abdomen_ct/dcmqi_liver_seg.nrrd", 1, False
    ),
    Structure("aorta, dissected", "CT", *_DISSECTION, 0, False),
    Structure("false lumen", "CT", *_DISSECTION, 2, True),
    Structure("sarcoma CT", "CT", *_SARCOMA["CT"], 1, False),
    Structure("sarcoma MR", "MR", *_SARCOMA["MR_T1"], 1, True),
    Structure("sarcoma PET", "PT", *_SARCOMA["PET"], 1, True),
    Structure("brain tumour", "MR", "brain_mr/brain1_image.nrrd", "brain_mr/brain1_label.nrrd", 1, True),
    Structure("MS change", "MR", "brain_mr/ms_p01_study2_FLAIR.nii.gz", "brain_mr/ms_p01_gt_change.nii.gz", 1, False),
    Structure("spinal cord", "MR", "body_mr/sct_t2.nii.gz", "body_mr/sct_t2_seg-manual.nii.gz", 1, True),
    Structure("breast tumour", "MR", "body_mr/breast1_image.nrrd", "body_mr/breast1_label.nrrd", 1, False),
    Structure("nodule", "CT", "chest_ct/lidc0314_ct_rightlung_native.nii.gz", "", 1, False),
    Structure("lung right", "CT", "chest_ct/3DCT_lung.mha", "chest_ct/3DCT_lung_baseline_mask.mha", 1, False),
)


@dataclass(frozen=True)
class Case:
    """An image, what is true of it, and whether the engine was tuned on it."""

    name: str
    modality: str
    image: sitk.Image
    truth: NDArray[np.bool_]
    tuning: bool
    made: bool


def cases(folder: Path | None, names: tuple[str, ...] = ()) -> Iterator[Case]:
    """Give the made shapes and, with the folder of real images, the structures; of `names` alone when there are any."""
    for name in SHAPES:
        if not names or name in names:
            image, truth, modality = made_shape(name)
            yield Case(name, modality, image, truth, True, True)
    for structure in STRUCTURES if folder is not None else ():
        if not names or structure.name in names:
            yield _read(folder, structure)  # type: ignore[arg-type]


def _read(folder: Path, structure: Structure) -> Case:
    image = _image(folder / structure.image)
    truth = _ball(image) if not structure.truth else _labels(folder, structure, image)
    return Case(structure.name, structure.modality, image, largest_part(truth), structure.tuning, False)


def _image(path: Path) -> sitk.Image:
    if path.suffix != ".zip":
        return sitk.ReadImage(str(path))
    import tempfile
    import zipfile

    with tempfile.TemporaryDirectory() as scratch:
        zipfile.ZipFile(path).extractall(scratch)
        files = [str(file) for file in Path(scratch).rglob("*") if file.is_file()]
        files = [file for file in files if sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(Path(file).parent))]
        series = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(Path(files[0]).parent))
        return sitk.ReadImage(series)


def _labels(folder: Path, structure: Structure, image: sitk.Image) -> NDArray[np.bool_]:
    labels = sitk.ReadImage(str(folder / structure.truth))
    if structure.name == "MS change":
        # The expert's mask lies in the common space of both visits.
        to_common = sitk.ReadTransform(str(folder / "brain_mr/ms_p01_study2_FLAIR_to_common_space.txt"))
        labels = sitk.Resample(labels, image, to_common.GetInverse(), sitk.sitkNearestNeighbor, 0)
    elif labels.GetSize() == image.GetSize():
        # Some truths state their grid less exactly than their image, or not at all; voxel for voxel they are one.
        labels.CopyInformation(image)
    else:
        labels = sitk.Resample(labels, image, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    values = sitk.GetArrayFromImage(labels)
    return values == structure.label if structure.label else values > 0


def _ball(image: sitk.Image) -> NDArray[np.bool_]:
    """Return the nodule as LUNA16 states it: a ball."""
    from AIImagingLogic.images.geometry import index_to_world

    k, j, i = np.indices(image.GetSize()[::-1])
    points = index_to_world(image, np.stack([i, j, k], axis=-1).reshape(-1, 3))
    near = np.linalg.norm(points - np.array(_NODULE_MM), axis=1) <= _NODULE_DIAMETER_MM / 2
    return near.reshape(image.GetSize()[::-1])


def largest_part(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest part: one object is clicked, not several."""
    parts, _ = ndimage.label(mask, np.ones((3, 3, 3)))
    return np.asarray(parts == np.bincount(parts.ravel())[1:].argmax() + 1)
