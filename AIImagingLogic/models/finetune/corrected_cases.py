"""Corrected cases in a folder of the user's own: image, proposal, corrected labels, and a manifest without names."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from AIImagingLogic.images.geometry import same_grid
from AIImagingLogic.images.info import content_hash
from AIImagingLogic.measure.label_overlap import mean_label_dice
from AIImagingLogic.models.finetune.corrected_case import CaseFile, CaseLabel, CorrectedCase
from AIImagingLogic.models.formats.package_files import file_sha256
from AIImagingLogic.records.atomic_files import make_folder, output_error, written_atomically
from AIImagingLogic.records.errors import GeometryError, ModelError, OutputError, UnreadableImageError
from AIImagingLogic.records.provenance import ModelUse
from AIImagingLogic.records.segmentation import Segmentation

MANIFEST = "corrected-cases.json"
_SCHEMA = 1
_ADVICE = "Name a folder that 'aiimaging models corrections on' made."
_ID = re.compile("[0-9a-f]{16}")


class CorrectedCases:
    """The corrected cases in a folder. Nothing is collected before the user switched it on for that folder.

    Of an image only voxels and geometry are written: no patient's name, no UID, no date. The voxels are the patient's
    all the same, a face in a head scan among them.

    Parameters
    ----------
    folder : of the dataset
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().absolute()

    @property
    def collecting(self) -> bool:
        """Whether the user switched collecting on for this folder."""
        return (self.folder / MANIFEST).is_file() and bool(self._manifest()["collecting"])

    @property
    def sha256(self) -> str:
        """SHA-256 of the dataset: over what the manifest says of its cases, whatever their order."""
        return _dataset_hash(self.cases())

    def switch_on(self) -> None:
        """Let cases be collected here; the folder is made.

        Raises
        ------
        OutputError
            The folder cannot be written to.
        """
        make_folder(self.folder)
        self._write(True, self.cases() if (self.folder / MANIFEST).exists() else ())

    def switch_off(self) -> None:
        """Collect no more; what was collected stays until it is removed."""
        self._write(False, self.cases())

    def cases(self) -> tuple[CorrectedCase, ...]:
        """Return the cases, by id.

        Raises
        ------
        ModelError
            The folder holds no dataset, or its manifest is damaged.
        """
        try:
            found = [CorrectedCase.from_json(item) for item in self._manifest()["cases"]]
            if strange := [case.id for case in found if not _ID.fullmatch(case.id)]:
                raise ValueError(f"the id {strange[0]!r}")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"The manifest of '{self.folder}' is damaged ({error}).", _ADVICE) from error
        return tuple(sorted(found, key=lambda case: case.id))

    def add(
        self,
        images: Sequence[sitk.Image],
        corrected: Segmentation,
        proposal: sitk.Image | None = None,
        model: ModelUse | None = None,
        modality: str = "",
    ) -> CorrectedCase:
        """Add a case; an earlier one of the same image is replaced.

        Parameters
        ----------
        images : inputs of the model, in its order
        corrected : on the grid of the first image
        proposal : labels that the model had proposed, on that grid
        model : that proposed
        modality : as in DICOM

        Raises
        ------
        ModelError
            Collecting was not switched on for this folder.
        GeometryError
            Labels or proposal lie on another grid than the first image.
        OutputError
            The case could not be written.
        """
        if not self.collecting:
            raise ModelError(
                f"Corrected cases are not collected in '{self.folder}'.",
                "Switch it on: aiimaging models corrections on.",
            )
        for labels in (corrected.image, *(() if proposal is None else (proposal,))):
            if not same_grid(images[0], labels):
                raise GeometryError("The labels lie on another grid than the image.", "Resample them to the image.")
        identity = content_hash(images[0])[:16]
        named = {f"image_{number}": image for number, image in enumerate(images, start=1)}
        named |= {"labels": corrected.image} | ({} if proposal is None else {"proposal": proposal})
        temporary = self.folder / f".{uuid.uuid4().hex[:8]}-{identity}"
        try:
            temporary.mkdir()
            files = {name: _write_voxels(image, temporary / f"{name}.nrrd", identity) for name, image in named.items()}
            case = CorrectedCase(
                id=identity,
                images=tuple(file for name, file in files.items() if name.startswith("image_")),
                labels=files["labels"],
                proposal=files.get("proposal"),
                segments=tuple(CaseLabel(segment.value, segment.name) for segment in corrected.segments),
                model=model,
                modality=modality,
                proposal_dice=None if proposal is None else mean_label_dice(proposal, corrected.image),
            )
            kept = tuple(other for other in self.cases() if other.id != identity)
            shutil.rmtree(self.folder / identity, ignore_errors=True)
            temporary.replace(self.folder / identity)
            self._write(True, (*kept, case))
        except RuntimeError as error:
            raise OutputError(f"The case could not be written to '{self.folder}'.", "Is the disk full?") from error
        except OSError as error:
            raise output_error(self.folder, error) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return case

    def remove(self, case_id: str) -> None:
        """Delete a case and its files.

        Raises
        ------
        ModelError
            There is none of this id.
        """
        cases = self.cases()
        if case_id not in [case.id for case in cases]:
            raise ModelError(f"There is no case '{case_id}' in '{self.folder}'.", "List those there are.")
        self._write(self.collecting, tuple(case for case in cases if case.id != case_id))
        shutil.rmtree(self.folder / case_id, ignore_errors=True)

    def read(self, case: CorrectedCase) -> tuple[tuple[sitk.Image, ...], sitk.Image]:
        """Return the images of a case and its corrected labels.

        Raises
        ------
        UnreadableImageError
            A file is missing or is not what was collected.
        """
        return tuple(self._read(file) for file in case.images), self._read(case.labels)

    def _read(self, file: CaseFile) -> sitk.Image:
        path = self.folder / file.path
        inside = path.resolve().is_relative_to(self.folder.resolve())
        if not inside or not path.is_file() or file_sha256(path) != file.sha256:
            raise UnreadableImageError(f"'{path}' is not the file that was collected.", "Remove the case.")
        try:
            return sitk.ReadImage(str(path))
        except RuntimeError as error:
            raise UnreadableImageError(f"'{path}' cannot be read.", "Remove the case.") from error

    def _manifest(self) -> dict[str, Any]:
        path = self.folder / MANIFEST
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise ModelError(f"'{self.folder}' holds no corrected cases.", _ADVICE) from error
        if not isinstance(data, dict) or data.get("schema_version") != _SCHEMA or "cases" not in data:
            raise ModelError(f"The manifest '{path}' is not one that this version reads.", _ADVICE)
        return {"collecting": False, **data}

    def _write(self, collecting: bool, cases: Sequence[CorrectedCase]) -> None:
        ordered = sorted(cases, key=lambda case: case.id)
        data = {
            "schema_version": _SCHEMA,
            "collecting": collecting,
            "sha256": _dataset_hash(ordered),
            "cases": [case.to_json() for case in ordered],
        }
        with written_atomically(self.folder / MANIFEST) as temporary:
            temporary.write_text(json.dumps(data, indent=1), encoding="utf-8")


def _dataset_hash(cases: Sequence[CorrectedCase]) -> str:
    """Return the SHA-256 over the content of the images and labels; the proposals do not teach."""
    parts = []
    for case in sorted(cases, key=lambda case: case.id):
        files = [file.sha256 for file in (*case.images, case.labels)]
        parts.append([case.id, *files, *(dataclasses.astuple(label) for label in case.segments)])
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _write_voxels(image: sitk.Image, path: Path, folder: str) -> CaseFile:
    """Write voxels and geometry alone: an image may carry the text of its DICOM file."""
    vector = image.GetNumberOfComponentsPerPixel() > 1
    plain = sitk.GetImageFromArray(sitk.GetArrayViewFromImage(image), isVector=vector)
    plain.CopyInformation(image)
    sitk.WriteImage(plain, str(path), useCompression=True)
    return CaseFile(f"{folder}/{path.name}", file_sha256(path))
