"""Registrations from each visit to the next; one that fails among many is told, and the rest goes on."""

from __future__ import annotations

from collections.abc import Sequence

import SimpleITK as sitk

from AIImagingLogic.records.errors import RegistrationError
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.registration import Registration
from AIImagingLogic.records.timeline import Visit
from AIImagingLogic.tasks.register import register_images


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
    kind : of the registration, see `register_images`

    Raises
    ------
    RegistrationError
        There are two visits only, and they could not be brought into correspondence.
    """
    registrations: list[Registration | None] = []
    notes = []
    for index, (first, second) in enumerate(zip(visits, visits[1:])):
        share = 1 / (len(visits) - 1)
        try:
            registration = register_images(
                images[index],
                first.info,
                images[index + 1],
                second.info,
                kind,
                fixed_mask=masks[index],
                moving_mask=masks[index + 1],
                progress=progress.part(index * share, (index + 1) * share),
            )
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
