"""A follow-up of lesions that were given, as one job of the panel: drawn in a scene, or of another program's report."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import SimpleITK as sitk

from AIImagingLogic.cli.follow_up_files import write_into_new_folder
from AIImagingLogic.dicom.report_lesions import lesions_of_report
from AIImagingLogic.followup.visit_order import visit_labels, visit_order
from AIImagingLogic.images.quantity import QuantityImage
from AIImagingLogic.images.suv import SUV_UNIT
from AIImagingLogic.images.volume_quantity import volume_quantity
from AIImagingLogic.models.catalogue import load_model, model_card, model_use
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.given_lesions import GivenLesions, LesionSource
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import make_provenance
from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.records.timeline import Timeline, Visit
from AIImagingLogic.tasks.detect import DETECTOR_MODEL, ORGANS_MODEL, find_nodules
from AIImagingLogic.tasks.drawn_lesions import drawn_findings, measured, with_own_uids
from AIImagingLogic.tasks.follow_findings import follow_findings
from AIImagingLogic.tasks.follow_up import lungs_of
from AIImagingLogic.tasks.segment import check_input

_LESIONS, _FOLLOWED = 0.4, 0.92
_SOURCES = {
    LesionSource.DETECTOR: "found here",
    LesionSource.DRAWN: "drawn in the scene",
    LesionSource.REPORT: "of a DICOM report",
    LesionSource.NONE: "none, as stated",
}


def follow_given_lesions(
    visits: Sequence[sitk.Image],
    visits_infos: Sequence[ImageInfo],
    lesions: Sequence[GivenLesions],
    nodules: bool = False,
    by_part: bool = True,
    dicom_files: Sequence[Sequence[str]] = (),
    in_given_order: bool = False,
    folder: str = "",
    progress: Progress | None = None,
) -> Timeline:
    """Follow lesions that were given through 2 to 20 visits of any modality.

    Parameters
    ----------
    visits : images in any order
    visits_infos : what is known of each; their dates say the order
    lesions : of each visit
    nodules : the lesions are lung nodules on chest CT: measured as the detector does, and graded by its guidelines
    by_part : each connected part of a segment is a lesion; else each segment
    dicom_files : of each visit, where they are known: PET is turned into SUV with them
    in_given_order : the visits are given in order of time: dates may be missing or the same
    folder : where to make a folder with tables, segmentations and report; empty: none
    progress : told how far the run is

    Returns
    -------
    Timeline
        Its notes say where the lesions of each visit come from, and what was not measured and why.

    Raises
    ------
    WrongImageError
        The detector or nodules are asked for, and an image is no chest CT; two visits are the same image, or their
        order cannot be told; a report is none, or of another place.
    GeometryError
        A segmentation or box lies outside its image.
    RegistrationError
        Of two visits: they could not be brought into correspondence.
    """
    progress = progress or Progress()
    order = visit_order(visits_infos, in_given_order)
    files = [[Path(name) for name in names] for names in dicom_files] or [[] for _ in visits]
    nodules = nodules or any(given.source is LesionSource.DETECTOR for given in lesions)
    images, made, notes = [], [], []
    for place, (index, label) in enumerate(zip(order, visit_labels(len(visits)))):
        part = progress.part(_LESIONS * place / len(visits), _LESIONS * (place + 1) / len(visits))
        with part.stage(f"Lesions, {label}", 0.0, 1.0) as inner:
            read = volume_quantity(visits[index], visits_infos[index], files[index])
            visit, said = _visit(read, label, lesions[index], nodules, by_part, files[index], inner)
        images.append(read.image)
        made.append(visit)
        notes += [f"{label.capitalize()}: {note}" for note in said]
    modalities = {visit.info.modality for visit in made}
    timeline = follow_findings(
        images,
        made,
        "deformable" if len(modalities) == 1 else "deformable-mind",
        [lungs_of(visit.organs) for visit in made] if nodules else None,
        in_given_order=True,
        progress=progress.part(_LESIONS, _FOLLOWED),
    )
    told = (_told_sources(timeline, [lesions[index].source for index in order]), *_not_measured(made, nodules), *notes)
    timeline = dataclasses.replace(timeline, notes=(*timeline.notes, *told))
    return write_into_new_folder(timeline, images, Path(folder), progress) if folder else timeline


def _visit(
    read: QuantityImage,
    label: str,
    given: GivenLesions,
    nodules: bool,
    by_part: bool,
    files: Sequence[Path],
    progress: Progress,
) -> tuple[Visit, tuple[str, ...]]:
    image, info = read.image, read.info
    if given.source is LesionSource.DETECTOR:
        return find_nodules(image, info, label, progress)[0], given.notes
    organs = _lungs(image, info, progress) if nodules else None
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    if given.source is LesionSource.DRAWN:
        findings, notes = drawn_findings(image, info, given, organs, by_part, read.lean_share)
    elif given.source is LesionSource.REPORT:
        found, notes = lesions_of_report(Path(given.report), image, info, files)
        findings = with_own_uids([measured(entry, image, info, read.lean_share) for entry in found], info)
    models = [model_use(model_card(ORGANS_MODEL))] if organs is not None else []
    provenance = make_provenance("lesions given", models, [info], notes=info.notes)
    return Visit(label, info, organs, findings, provenance), notes


def _lungs(image: sitk.Image, info: ImageInfo, progress: Progress) -> Segmentation:
    try:
        check_input(image, info, model_card(DETECTOR_MODEL))
    except WrongImageError as error:
        raise WrongImageError(error.what, "Choose 'other lesions' for images that are no chest CT.") from error
    segmented: Segmentation = load_model(ORGANS_MODEL).segment(image, info, progress)
    return segmented


def _told_sources(timeline: Timeline, sources: Sequence[LesionSource]) -> str:
    """Return the sentence on where the lesions come from."""
    parts = [
        f"{visit.label} {_SOURCES[source]}" + ("" if source is LesionSource.NONE else f" ({len(visit.findings)})")
        for visit, source in zip(timeline.visits, sources, strict=True)
    ]
    return f"Lesions: {'; '.join(parts)}."


def _not_measured(visits: Sequence[Visit], nodules: bool) -> list[str]:
    """Return what the modality or the kind of the lesions left out."""
    notes = []
    bare = sum(finding.mask is None for visit in visits for finding in visit.findings)
    if bare:
        words = "1 lesion was" if bare == 1 else f"{bare} lesions were"
        notes.append(f"{words} given without an outline: no volume, density or uptake of it, and no growth.")
    modalities = {visit.info.modality for visit in visits}
    if any(visit.info.modality == "MR" and not visit.info.intensity_unit for visit in visits):
        notes.append("The values of these MR images have no unit: sizes are measured, signal is not.")
    if "PT" in modalities and not any(visit.info.intensity_unit == SUV_UNIT for visit in visits):
        notes.append("The PET values are not SUV: sizes are measured, uptake is not.")
    if "" in modalities:
        notes.append("The modality of a visit is not known: sizes are measured, density, uptake and diffusion are not.")
    if not nodules and any(visit.findings for visit in visits):
        notes.append(
            "Guidelines for lung nodules were not applied. Whether a size changed beyond measurement error is judged "
            "by what is stated for lung nodules; of other lesions it is an indication."
        )
    return notes
