"""An outline and prompts that were carried to another visit, refined on the image there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.followup.carried_prompts import places_within
from AIImagingLogic.images.geometry import crop_around, grid_size, grid_spacing, index_to_world, inside, paste
from AIImagingLogic.models.builtin.outline_tools.edge_smoothing import RADIUS_MM, smooth_to_edge
from AIImagingLogic.records.errors import GeometryError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.prompts import Prompts
from AIImagingLogic.records.provenance import Provenance, make_provenance
from AIImagingLogic.tasks.any_refinement import open_any_refinement, refiner_use
from AIImagingLogic.tasks.refine import REFINE_MODEL

_MARGIN_MM = 15.0
# The border moves by less than this share of the object's radius, so that a small one is not lost.
_MOST_OF_RADIUS = 0.5


@dataclass(frozen=True)
class CarriedOutline(Record):
    """An outline at another visit.

    Attributes
    ----------
    mask : cropped uint8 image on the grid of the visit's image, 1 in the object; nothing lies beside it
    provenance : with notes on what could not be carried
    """

    mask: sitk.Image
    provenance: Provenance


def refine_carried(
    image: sitk.Image,
    info: ImageInfo,
    outline: sitk.Image | None,
    prompts: Prompts,
    model: str = REFINE_MODEL,
    notes: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> CarriedOutline:
    """Let a carried outline follow the image of its visit, and what was shown hold there.

    First its border moves onto edges nearby, by no more than 3 mm and half the object's radius; then the model
    refines it with the prompts.

    Parameters
    ----------
    image, info : of the visit, LPS mm
    outline : carried there: a cropped uint8 mask whose voxels lie on those of `image`; None: by the prompts alone
    prompts : carried there; those outside the image are left out, which a note tells
    model : id of a model that refines
    notes : on what could not be carried, kept in the provenance

    Raises
    ------
    GeometryError
        There is neither an outline nor a prompt in the image.
    ModelError, WrongImageError
        As of `open_any_refinement`.
    """
    progress = progress or Progress()
    kept, left_out = places_within(prompts, partial(inside, image))
    proposal = None
    if outline is not None and sitk.GetArrayViewFromImage(outline).any():
        proposal = _on_edges(image, outline)
    if proposal is None and kept.empty:
        raise GeometryError(
            "Neither the outline nor a prompt lies in the image of the other visit.",
            "Check that the two visits are registered right.",
        )
    progress.check_cancelled()
    mask = sitk.Image(image.GetSize(), sitk.sitkUInt8) if proposal is None else proposal
    mask.CopyInformation(image)
    if not kept.empty:
        session = open_any_refinement(image, info, proposal, model)
        mask = paste(session.refine(kept, progress), mask)
        notes = (*notes, *session.notes)
    provenance = make_provenance("carry", [refiner_use(model)], [info], notes=(*info.notes, *notes, *left_out))
    return CarriedOutline(_cropped(mask), provenance)


def _on_edges(image: sitk.Image, outline: sitk.Image) -> sitk.Image:
    """Return the outline on the whole grid of the image, its border on edges nearby."""
    voxels = int(np.count_nonzero(sitk.GetArrayViewFromImage(outline)))
    radius_mm = float((3 * voxels * np.prod(grid_spacing(outline)) / (4 * np.pi)) ** (1 / 3))
    whole = sitk.Image(image.GetSize(), sitk.sitkUInt8)
    whole.CopyInformation(image)
    whole = paste(outline, whole)
    size = grid_size(outline)
    around = partial(
        crop_around,
        center_mm=index_to_world(outline, (size - 1) / 2).tolist(),
        size_mm=(size * grid_spacing(outline) + 2 * _MARGIN_MM).tolist(),
    )
    return paste(smooth_to_edge(around(image), around(whole), min(RADIUS_MM, _MOST_OF_RADIUS * radius_mm)), whole)


def _cropped(mask: sitk.Image) -> sitk.Image:
    """Return the box of a mask that holds all of it; one voxel of an empty one."""
    places = np.argwhere(sitk.GetArrayViewFromImage(mask) > 0)
    if not len(places):
        places = np.zeros((1, 3), int)
    first, last = places.min(axis=0)[::-1], places.max(axis=0)[::-1]
    return sitk.RegionOfInterest(mask, (last - first + 1).tolist(), first.tolist())
