"""The segment that a carried correction becomes: a new one at the other visit, which says where it came from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.segment_tags import ALGORITHM_NAME, PROVENANCE, algorithm_name, provenance_text
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.scene.editor_rules_lattice import LABELMAP, lattice_of, oriented_box
from AIImagingLogic.scene.editor_rules_region import INSIDE, region_of_image
from AIImagingLogic.scene.host import load_slicer
from AIImagingLogic.scene.node_attributes import FINDING_TAG
from AIImagingLogic.scene.node_names import unique_name
from AIImagingLogic.scene.parent_transforms import place_with
from AIImagingLogic.scene.provenance import mark
from AIImagingLogic.scene.segment_correction_record import CORRECTION_TAG, mark_semiautomatic
from AIImagingLogic.scene.subject_hierarchy import place_beside

if TYPE_CHECKING:
    from AIImagingLogic.records.provenance import Provenance

CARRIED_TAG = "AIImaging.CarriedFrom"


@dataclass(frozen=True)
class CarriedFrom(Record):
    """Where a carried segment came from.

    Attributes
    ----------
    segmentation, segment, segment_id, volume : names of the nodes, name and id of the segment
    way : the transform that it was carried through
    """

    segmentation: str
    segment: str
    segment_id: str
    volume: str
    way: str

    @staticmethod
    def of(segmentation_node: Any, segment_id: str, volume_node: Any, way: str) -> CarriedFrom:
        """Return it for a segment of the scene."""
        name = segmentation_node.GetSegmentation().GetSegment(segment_id).GetName()
        return CarriedFrom(segmentation_node.GetName(), name, segment_id, volume_node.GetName(), way)


@dataclass(frozen=True, eq=False)
class CarriedSegment:
    """A new segment.

    Attributes
    ----------
    segmentation, segment_id : where it is
    voxels : how many it has
    notes : what could not be carried, one sentence each
    """

    segmentation: Any
    segment_id: str
    voxels: int
    notes: tuple[str, ...]


def add_carried_segment(
    mask: sitk.Image, provenance: Provenance, volume_node: Any, into: Any | None, original: Any, origin: CarriedFrom
) -> CarriedSegment:
    """Add a carried outline as a new segment; nothing else is changed.

    Parameters
    ----------
    mask : cropped uint8 image on the grid of `volume_node`, 1 in the object
    provenance : of the refinement
    volume_node : of the visit that it was carried to
    into : segmentation that gets the segment; None: a new one beside the volume
    original : segmentation node that it came from
    origin : which segment of it

    Raises
    ------
    SceneError
        The transform between `into` and the volume is not linear, or it holds no labelmaps.
    """
    slicer = load_slicer()
    node = _new_segmentation(volume_node, provenance) if into is None else into
    region = region_of_image(mask, volume_node, node, lattice_of(node))
    inside = region.voxels == INSIDE
    source = original.GetSegmentation().GetSegment(origin.segment_id)
    segment = slicer.vtkSegment()
    segment.DeepCopyMetadata(source)
    for tag in (CORRECTION_TAG, FINDING_TAG, PROVENANCE, ALGORITHM_NAME):
        segment.RemoveTag(tag)
    segment.SetTag(PROVENANCE, provenance_text(provenance))
    # A vertical bar would cut the tag off in a file.
    segment.SetTag(CARRIED_TAG, json.dumps(origin.to_json()).replace("|", "\\u007c"))
    segment.SetLabelValue(1)
    segment.AddRepresentation(LABELMAP, oriented_box(region.lattice, region.extent, inside))
    content = node.GetSegmentation()
    segment_id: str = content.GenerateUniqueSegmentID(origin.segment_id)
    content.AddSegment(segment, segment_id)
    mark_semiautomatic(node, segment_id, algorithm_name(provenance))
    return CarriedSegment(node, segment_id, int(np.count_nonzero(inside)), provenance.notes)


def _new_segmentation(volume_node: Any, provenance: Provenance) -> Any:
    scene = volume_node.GetScene()
    content = load_slicer().vtkSegmentation()
    content.SetSourceRepresentationName(LABELMAP)
    node = scene.AddNewNodeByClass(
        "vtkMRMLSegmentationNode", unique_name(scene, f"{volume_node.GetName()} carried outlines")
    )
    node.SetAndObserveSegmentation(content)
    node.CreateDefaultDisplayNodes()
    # Under the volume's transform first: Slicer takes the volume's grid as it lies in the node.
    place_with(node, volume_node)
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    mark(node, "carried", provenance)
    place_beside(volume_node, [node], scene)
    return node
