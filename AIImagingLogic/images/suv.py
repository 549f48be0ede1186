"""Read a PET series as SUV."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import SimpleITK as sitk

from AIImagingLogic.images.default_series import chosen_series
from AIImagingLogic.images.dicom_file import DicomFile
from AIImagingLogic.images.dicom_scan import scan_folder
from AIImagingLogic.images.dicom_series import read_series
from AIImagingLogic.images.info import describe
from AIImagingLogic.images.suv_factor import SuvFactor, suv_factor
from AIImagingLogic.images.suv_facts import PetFacts, read_pet_facts
from AIImagingLogic.records.errors import UnreadableImageError, WrongImageError
from AIImagingLogic.records.image_info import ImageInfo

SUV_UNIT = "g/ml{SUVbw}"


@dataclass(frozen=True)
class SuvImage:
    """A PET image in SUV by body weight.

    Attributes
    ----------
    image : float32, SUVbw, g/ml
    info : `intensity_unit` is `SUV_UNIT`; its notes say how the factor was found
    factor : its `notes` are in `info` too
    """

    image: sitk.Image
    info: ImageInfo
    factor: SuvFactor

    @property
    def lean_share(self) -> float | None:
        """SUL (Janmahasatian) over SUVbw, None when the files do not state height and sex."""
        lean = self.factor.lean_body_mass
        return None if lean is None else lean / self.factor.body_weight


def read_suv(
    path: Path, series_uid: str | None = None, completed: Callable[[PetFacts], PetFacts] | None = None
) -> SuvImage:
    """Read a PET series and turn its values into SUV by body weight.

    Parameters
    ----------
    path : folder with a DICOM PET series, or one of its files
    series_uid : of the series; default: the largest original PET series
    completed : gets what the files state and returns it with what the user states instead, such as
        ``lambda facts: dataclasses.replace(facts, weight_kg=71.0)``; the info says that something was stated

    Raises
    ------
    UnreadableImageError
        There is no PET series.
    WrongImageError
        SUV cannot be computed; the message names the DICOM attribute that is missing or wrong.
    GeometryError
        The slices make no volume.
    """
    path = Path(path)
    return read_suv_series(*_pet_series(path, series_uid), completed)


def read_suv_series(
    files: Sequence[DicomFile], notes: tuple[str, ...] = (), completed: Callable[[PetFacts], PetFacts] | None = None
) -> SuvImage:
    """Read the files of one PET series as SUV by body weight, see `read_suv`; `notes` join those of the info."""
    facts = read_pet_facts(file.path for file in files)
    if completed is not None:
        stated = completed(facts)
        names = [entry.name for entry in dataclasses.fields(PetFacts) if _differs(facts, stated, entry.name)]
        if names:
            notes = (*notes, f"Stated by the user, not by the files: {', '.join(names)}.")
        facts = stated
    factor = suv_factor(facts)
    image, info = read_series(files, notes)
    return suv_image(image, info, factor)


def suv_image(image: sitk.Image, info: ImageInfo, factor: SuvFactor) -> SuvImage:
    """Return a PET image in SUV.

    Parameters
    ----------
    image : in the units of the files that `factor` was found from (rescaled)
    info : of `image`
    """
    values = sitk.Cast(image, sitk.sitkFloat32) * factor.body_weight
    described = describe(values, modality=info.modality, intensity_unit=SUV_UNIT)
    new = dataclasses.replace(
        info,
        intensity_unit=SUV_UNIT,
        content_hash=described.content_hash,
        notes=(*info.notes, *factor.notes, *_no_lean(factor)),
    )
    return SuvImage(values, new, factor)


def _no_lean(factor: SuvFactor) -> tuple[str, ...]:
    return (f"No SUL: not stated is {factor.lean_missing}.",) if factor.lean_missing else ()


def _differs(facts: PetFacts, stated: PetFacts, name: str) -> bool:
    return bool(getattr(facts, name) != getattr(stated, name))


def _pet_series(path: Path, series_uid: str | None) -> tuple[tuple[DicomFile, ...], tuple[str, ...]]:
    if not path.exists():
        raise UnreadableImageError(f"'{path}' does not exist.", "Check the path.")
    found = scan_folder(path if path.is_dir() else path.parent).series
    if path.is_file():
        found = tuple(files for files in found if any(file.path == path for file in files))
    pet = [files for files in found if files[0].modality == "PT"]
    if series_uid:
        pet = [files for files in pet if files[0].series_uid == series_uid]
    if not pet:
        kinds = ", ".join(sorted({files[0].modality or "no modality" for files in found})) or "no DICOM"
        raise WrongImageError(f"'{path.name}' holds no such PET series ({kinds}).", "Choose a DICOM PET series.")
    chosen, notes = chosen_series(pet)
    return tuple(chosen), notes
