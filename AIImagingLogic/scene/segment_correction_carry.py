"""A segment and what was shown of it, carried to the volume of another visit and refined on it there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.followup.carried_outline import carried_outline
from AIImagingLogic.followup.carried_prompts import carried_prompts
from AIImagingLogic.images.geometry import index_to_world
from AIImagingLogic.jobs.handle import JobHandle
from AIImagingLogic.jobs.job import ImageInput, Job
from AIImagingLogic.records.errors import AIImagingError, Cancelled, GeometryError, SceneError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.prompts import Prompts
from AIImagingLogic.scene.editor_rules_lattice import lattice_of, lattice_of_volume
from AIImagingLogic.scene.editor_rules_region import INSIDE, region_of_voxels
from AIImagingLogic.scene.job_inputs import NodeVoxels, image_input
from AIImagingLogic.scene.node_names import unique_name
from AIImagingLogic.scene.segment_correction_between import (
    VolumeSpaces,
    aligned_spaces,
    registration_between,
    say_of_volumes,
    spaces_between,
)
from AIImagingLogic.scene.segment_correction_carried_segment import CarriedFrom, CarriedSegment, add_carried_segment
from AIImagingLogic.scene.segment_correction_kept import kept_prompts
from AIImagingLogic.scene.segment_correction_proposal import segment_box
from AIImagingLogic.scene.segment_correction_visits import same_patient
from AIImagingLogic.scene.subject_hierarchy import place_beside
from AIImagingLogic.scene.transforms import transform_node_from_registration
from AIImagingLogic.scene.volume_grid import grid_of_volume_node
from AIImagingLogic.scene.volume_info import facts_of_volume_node

if TYPE_CHECKING:
    from AIImagingLogic.jobs.service import JobService

DEFAULT_MODEL = "prompted-outline"
_REFINE = "AIImagingLogic.tasks.carry_correction:refine_carried"
_REGISTER = "AIImagingLogic.tasks.register:register_images"


@dataclass(frozen=True, eq=False)
class CarryOrder:
    """What is to be carried where.

    Attributes
    ----------
    segmentation, segment_id : what
    source, target : volume nodes of the two visits
    into : segmentation of the other visit that gets the new segment; None: a new one
    transform : that registers the two; None: one of the scene that says so of itself, else they are registered
    aligned : they stand aligned in the scene: no transform is needed
    """

    segmentation: Any
    segment_id: str
    source: Any
    target: Any
    into: Any = None
    transform: Any = None
    aligned: bool = False


class CorrectionCarrier:
    """Carries one segment after another. The original stays as it is; the result is a new segment.

    Parameters
    ----------
    service : runs the registration, where one is needed, and the refinement
    on_done : called when a segment was made
    on_error : called when there is none
    on_step : told what is being done, for the user
    model : id of a model that refines
    """

    def __init__(
        self,
        service: JobService,
        on_done: Callable[[CarriedSegment], None],
        on_error: Callable[[AIImagingError], None],
        on_step: Callable[[str], None] = lambda _text: None,
        model: str = DEFAULT_MODEL,
    ) -> None:
        self._service = service
        self._on_done, self._on_error, self._on_step = on_done, on_error, on_step
        self._model = model
        self._pending: JobHandle | None = None

    @property
    def waiting(self) -> bool:
        """Whether something is being carried."""
        return self._pending is not None

    def carry(self, order: CarryOrder) -> None:
        """Carry a segment; returns at once.

        Raises
        ------
        SceneError
            Source and target are the same, of two patients, or no volumes; the transform is not of these two; the
            segment is gone.
        GeometryError
            The segment is empty and nothing was shown of it, or neither has a place in the other volume.
        JobFailed
            The service is closed.
        """
        self.cancel()
        _check(order)
        spaces = _spaces(order)
        if spaces is not None:
            self._refine(order, spaces)
            return
        images = {"fixed": image_input(order.source), "moving": image_input(order.target)}
        one_modality = len({facts_of_volume_node(volume)["modality"] for volume in (order.source, order.target)}) == 1
        kind = "deformable" if one_modality else "deformable-mind"
        self._on_step("Registering the two visits")
        self._submit(Job("Registration", _REGISTER, {**images, "kind": kind}), partial(self._registered, order))

    def cancel(self) -> None:
        """Carry no further."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.cancel()

    def poll(self) -> None:
        """Take over what the worker answered, and call back."""
        self._service.poll()

    def _submit(self, job: Job, on_result: Callable[[Any], None]) -> None:
        self._pending = self._service.submit(job)
        self._pending.on_change(partial(self._changed, on_result))

    def _changed(self, on_result: Callable[[Any], None], handle: JobHandle) -> None:
        if handle is not self._pending or not handle.state.ended:
            return
        self._pending = None
        if isinstance(handle.error, Cancelled):
            return
        try:
            on_result(handle.result())
        except AIImagingError as error:
            self._on_error(error)

    def _registered(self, order: CarryOrder, registration: Any) -> None:
        _check(order)
        scene = order.source.GetScene()
        name = unique_name(scene, f"{order.target.GetName()} to {order.source.GetName()}")
        node = transform_node_from_registration(registration, scene, name)
        say_of_volumes(node, order.source, order.target)
        place_beside(order.target, [node], scene)
        self._refine(order, spaces_between(order.source, order.target, node))

    def _refine(self, order: CarryOrder, spaces: VolumeSpaces) -> None:
        self._on_step("Refining the outline at the other visit")
        target = _own_image(order.target)
        mask = _mask_on_volume(order.segmentation, order.segment_id, order.source)
        volume, shown = kept_prompts(order.segmentation, order.segment_id)
        prompts, notes = carried_prompts(shown if volume is order.source else Prompts(), partial(spaces.carried, 0, 1))
        arguments: dict[str, Any] = {"image": target, "prompts": prompts.to_json(), "model": self._model}
        if mask is not None:
            outline = carried_outline(mask, spaces, 0, 1, _grid(order.target))
            grid = outline.GetSpacing(), outline.GetOrigin(), outline.GetDirection()
            arguments["outline"] = ImageInput(sitk.GetArrayFromImage(outline), *grid)
        elif prompts.empty:
            raise GeometryError(
                "The segment is empty, and nothing is known that was shown of it.", "Outline the object here first."
            )
        arguments["notes"] = [f"Carried from '{order.source.GetName()}' through {spaces.way}.", *notes]
        self._submit(Job("Carried correction", _REFINE, arguments), partial(self._refined, order, spaces))

    def _refined(self, order: CarryOrder, spaces: VolumeSpaces, result: Any) -> None:
        _check(order)
        origin = CarriedFrom.of(order.segmentation, order.segment_id, order.source, spaces.way)
        self._on_done(
            add_carried_segment(result.mask, result.provenance, order.target, order.into, order.segmentation, origin)
        )


def _check(order: CarryOrder) -> None:
    for node, role in ((order.source, "volume"), (order.target, "other visit"), (order.segmentation, "segmentation")):
        if node is None or node.GetScene() is None:
            raise SceneError(f"The {role} is not chosen, or no longer in the scene.", "Choose it.")
    if order.source is order.target:
        raise SceneError("The other visit is the volume on which the segment lies.", "Choose the volume of another.")
    if not same_patient(order.source, order.target):
        raise SceneError(
            f"'{order.target.GetName()}' is of another patient than '{order.source.GetName()}'.",
            "Choose a volume of the same patient.",
        )
    if order.segmentation.GetSegmentation().GetSegment(order.segment_id) is None:
        raise SceneError("The segment is no longer there.", "Select the segment to carry.")
    if order.into is order.segmentation:
        raise SceneError(
            "The segment would be carried into the segmentation it is from.", "Choose another segmentation, or none."
        )


def _spaces(order: CarryOrder) -> VolumeSpaces | None:
    """Return the way that the scene knows; None when the volumes must be registered."""
    if order.aligned:
        return aligned_spaces(order.source, order.target)
    transform = order.transform or registration_between(order.source, order.target)
    return None if transform is None else spaces_between(order.source, order.target, transform)


def _mask_on_volume(segmentation_node: Any, segment_id: str, volume_node: Any) -> sitk.Image | None:
    """Return a segment on the grid of a volume, cropped to it; None when it is empty or lies beside the volume."""
    lattice = lattice_of(segmentation_node)
    extent, mask = segment_box(segmentation_node, segment_id, lattice)
    if 0 in mask.shape:
        return None
    corner = lattice.ijk_to_ras.copy()
    corner[:3, 3] += corner[:3, :3] @ np.array(extent[::2], dtype=np.float64)
    whole = lattice_of_volume(volume_node)
    region = region_of_voxels(mask.view(np.uint8), corner, segmentation_node, volume_node, whole)
    inside = region.voxels == INSIDE
    if region.empty or not inside.any():
        return None
    image = sitk.GetImageFromArray(inside.astype(np.uint8))
    grid = _grid(volume_node)
    image.SetSpacing(grid.spacing_mm)
    image.SetDirection(grid.direction)
    image.SetOrigin(index_to_world(grid, region.extent[::2]).tolist())
    return image


def _own_image(volume_node: Any) -> ImageInput:
    """Return a volume as it lies in its own coordinates, whatever transform it is shown under."""
    parent = volume_node.GetParentTransformNode()
    if parent is None or parent.IsTransformToWorldLinear():
        return image_input(volume_node)
    # The other visit shown on this one, under the registration: its own voxels are meant, not the warped ones.
    voxels = NodeVoxels(volume_node.GetImageData())
    grid = grid_of_volume_node(volume_node)
    return ImageInput(voxels, *grid, facts=facts_of_volume_node(volume_node), changed=voxels.changed)


def _grid(volume_node: Any) -> ImageInfo:
    """Return the grid of a volume in its own coordinates."""
    spacing, origin, direction = grid_of_volume_node(volume_node)
    i, j, k = volume_node.GetImageData().GetDimensions()
    return ImageInfo("", "", (i, j, k), spacing, origin, direction, "")
