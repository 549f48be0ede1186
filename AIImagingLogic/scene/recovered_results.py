"""A result that was kept as a file comes into a scene later: beside its volume when that is loaded, else on its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from AIImagingLogic.images.info import content_hash
from AIImagingLogic.records.classification import Classification
from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.measured_segments import MeasuredSegments
from AIImagingLogic.records.provenance import InputIdentity, Provenance
from AIImagingLogic.records.registration import Registration
from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.records.segmented_and_measured import SegmentedAndMeasured
from AIImagingLogic.records.timeline import Timeline, Visit
from AIImagingLogic.scene.added_nodes import all_or_none
from AIImagingLogic.scene.classification_results import add_classification_result
from AIImagingLogic.scene.detection_results import add_detection_results
from AIImagingLogic.scene.follow_up_results import add_follow_up_results
from AIImagingLogic.scene.node_attributes import KIND, NOTE
from AIImagingLogic.scene.node_names import unique_name
from AIImagingLogic.scene.segmentation_results import add_segmentation_result
from AIImagingLogic.scene.subject_hierarchy import place_beside
from AIImagingLogic.scene.tables import measurements_table_node
from AIImagingLogic.scene.transforms import transform_node_from_registration
from AIImagingLogic.scene.volumes import image_from_volume_node

_ALONE = "The volume that this was made from is not loaded: the result stands alone, where the volume lay."


@dataclass(frozen=True)
class RecoveredNodes:
    """The new nodes, in the form that the result's kind has; `notes` say what the user should know."""

    nodes: Any
    notes: tuple[str, ...]


def add_recovered(record: Record, scene: Any, volumes: Sequence[Any] = ()) -> RecoveredNodes:
    """Add new nodes for a result that was kept as a file; nothing that is in the scene is changed.

    Parameters
    ----------
    record : Segmentation, SegmentedAndMeasured, Classification, Visit, Timeline, MeasuredSegments or Registration
    scene : vtkMRMLScene
    volumes : volume nodes among which the result's own are looked for, by content; every scalar volume of the scene
        when there are none

    Returns
    -------
    RecoveredNodes
        A result whose volume is not loaded lies where that volume lay, without transform; `notes` and the new nodes
        say so.

    Raises
    ------
    SceneError
        Results of this kind have no form in a scene.
    """
    candidates = [node for node in volumes or _scalar_volumes(scene) if node.GetImageData() is not None]
    hashes: dict[str, str] = {}
    own = [_with_content(identity, candidates, hashes) for identity in _identities(record)]
    with all_or_none(scene) as added:
        nodes = _add(record, own, scene)
    notes = (_ALONE,) if not own or any(volume is None for volume in own) else ()
    for node in added.nodes:
        if notes and node.GetAttribute(KIND):
            node.SetAttribute(NOTE, notes[0])
    return RecoveredNodes(nodes, notes)


def _add(record: Record, volumes: list[Any | None], scene: Any) -> Any:
    first = volumes[0] if volumes else None
    if isinstance(record, (Segmentation, SegmentedAndMeasured)):
        return add_segmentation_result(record, first, scene)
    if isinstance(record, Classification):
        return add_classification_result(record, first, scene)
    if isinstance(record, Visit):
        return add_detection_results(record, first, scene)
    if isinstance(record, Timeline):
        return add_follow_up_results(record, volumes, scene)
    if isinstance(record, MeasuredSegments):
        node = measurements_table_node(record, scene, unique_name(scene, "Measurements"))
    elif isinstance(record, Registration):
        node = transform_node_from_registration(record, scene, unique_name(scene, "Registration"))
    else:
        raise SceneError(f"A {type(record).__name__} has no form in a scene.", "Open the file with the command line.")
    place_beside(first, [node], scene)
    return node


def _identities(record: Record) -> list[str]:
    """Return the content hash of each image that a result was made from, in order; empty where it is not known."""
    if isinstance(record, Timeline):
        return [visit.info.content_hash for visit in record.visits]
    if isinstance(record, Visit):
        return [record.info.content_hash]
    if isinstance(record, SegmentedAndMeasured):
        return _identities(record.segmentation) or _identities(record.measured)
    provenance: Provenance | None = getattr(record, "provenance", None)
    inputs: tuple[InputIdentity, ...] = () if provenance is None else provenance.inputs
    return [entry.content_hash for entry in inputs]


def _with_content(identity: str, candidates: Sequence[Any], hashes: dict[str, str]) -> Any | None:
    """Return the volume node whose voxels and geometry are those of `identity`; each is hashed once."""
    for node in candidates:
        if node.GetID() not in hashes:
            hashes[node.GetID()] = content_hash(image_from_volume_node(node))
        if hashes[node.GetID()] == identity:
            return node
    return None


def _scalar_volumes(scene: Any) -> list[Any]:
    nodes = scene.GetNodesByClass("vtkMRMLScalarVolumeNode")
    nodes.UnRegister(None)
    found = [nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems())]
    return [node for node in found if not node.IsA("vtkMRMLLabelMapVolumeNode")]
