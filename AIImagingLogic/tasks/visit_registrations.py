"""Registrations from each visit to the next, fine around each lesion; one that fails among many is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import SimpleITK as sitk

from AIImagingLogic.models.builtin.mind_registration.local_refinement import refined_around
from AIImagingLogic.records.errors import RegistrationError
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.registration import Registration
from AIImagingLogic.records.timeline import Visit
from AIImagingLogic.tasks.register import SAME_IMAGE_NOTE, register_images

_WITH_FINE_STAGE = ("deformable-mind",)
_COARSE = 0.7


def register_visits(
    images: Sequence[sitk.Image],
    visits: Sequence[Visit],
    masks: Sequence[sitk.Image | None],
    progress: Progress,
    kind: str = "deformable",
) -> tuple[tuple[Registration | None, ...], tuple[str, ...]]:
    """Return a registration from each visit to the next, None where it failed, and a sentence on each failure.

    Parameters
    ----------
    images : of the visits, in order of time
    visits : their labels and image infos
    masks : > 0 where to look at each; None: the body
    progress : told how far it is
    kind : of the registration, see `register_images`; with ``deformable-mind`` a fine stage follows around each lesion
        of the earlier visit

    Raises
    ------
    RegistrationError
        There are two visits only, and they could not be brought into correspondence.
    """
    registrations: list[Registration | None] = []
    notes = []
    for index, (first, second) in enumerate(zip(visits, visits[1:])):
        share = 1 / (len(visits) - 1)
        part = progress.part(index * share, (index + 1) * share)
        fine = kind in _WITH_FINE_STAGE and bool(first.findings)
        try:
            registration = register_images(
                images[index],
                first.info,
                images[index + 1],
                second.info,
                kind,
                fixed_mask=masks[index],
                moving_mask=masks[index + 1],
                progress=part.part(0.0, _COARSE) if fine else part,
            )
            if fine:
                pair = images[index], images[index + 1]
                registration = _refined(*pair, registration, first, part.part(_COARSE, 1.0))
        except RegistrationError as error:
            if len(visits) == 2:
                raise
            notes.append(
                f"The {first.label} and the {second.label} could not be registered: nothing is linked across. {error}"
            )
            registrations.append(None)
        else:
            registrations.append(registration)
    return tuple(registrations), tuple(notes)


def _refined(
    fixed: sitk.Image, moving: sitk.Image, coarse: Registration, visit: Visit, progress: Progress
) -> Registration:
    """Return the registration with a field of its own around each lesion of `visit`."""
    provenance = coarse.provenance
    if provenance is None or SAME_IMAGE_NOTE in provenance.notes:
        return coarse
    first_cost = len(progress.costs)
    with progress.stage("Fine registration around lesions", 0.0, 1.0) as part:
        centers = [finding.box.center_mm for finding in visit.findings]
        refined, told = refined_around(fixed, moving, coarse, centers, part)
    moved = sum(entry.moved_mm > 0 for entry in told)
    provenance = dataclasses.replace(
        provenance,
        parameters={**provenance.parameters, "fine registration": f"around {moved} of {len(told)} lesions"},
        stages=(*provenance.stages, *progress.costs[first_cost:]),
    )
    return dataclasses.replace(refined, provenance=provenance)
