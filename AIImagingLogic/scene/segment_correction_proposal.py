"""The outline that the AI proposed, kept hidden beside the segmentation that a person corrects."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from AIImagingLogic.scene.editor_rules_lattice import (
    LABELMAP,
    Extent,
    Lattice,
    box_of_true,
    common_box,
    oriented_box,
    part,
    segment_in,
    shape_of,
)
from AIImagingLogic.scene.host import load_slicer

PROPOSAL_ROLE = "AIImaging.Proposal"


def segment_box(segmentation_node: Any, segment_id: str, lattice: Lattice) -> tuple[Extent, npt.NDArray[np.bool_]]:
    """Return the smallest box of the lattice that holds a segment, and the segment there, (k, j, i); both may be empty.

    Raises
    ------
    SceneError
        There is no such segment, or it holds no labelmap.
    """
    held = _labelled_box(segmentation_node, segment_id, lattice)
    mask = segment_in(segmentation_node, segment_id, lattice, held)
    extent = box_of_true(mask, held)
    if extent is None:
        nothing: Extent = (0, -1, 0, -1, 0, -1)
        return nothing, np.zeros(shape_of(nothing), dtype=bool)
    return extent, mask[part(extent, held)].copy()


def keep_proposal(
    segmentation_node: Any, segment_id: str, lattice: Lattice, extent: Extent, mask: npt.NDArray[np.bool_]
) -> None:
    """Keep a segment as it was before a person changed it; only the first time: later ones were corrected already.

    An empty segment is kept too: nothing was proposed.
    """
    node = _proposals(segmentation_node)
    if node.GetSegmentation().GetSegment(segment_id) is not None:
        return
    original = segmentation_node.GetSegmentation().GetSegment(segment_id)
    copy = load_slicer().vtkSegment()
    copy.DeepCopyMetadata(original)
    copy.SetLabelValue(1)
    copy.AddRepresentation(LABELMAP, oriented_box(lattice, extent, mask))
    node.GetSegmentation().AddSegment(copy, segment_id)


def proposal_of(segmentation_node: Any, segment_id: str) -> Any | None:
    """Return the hidden segmentation node that keeps the proposal of a segment; None when it was not corrected."""
    node = segmentation_node.GetNodeReference(PROPOSAL_ROLE)
    if node is None or node.GetSegmentation().GetSegment(segment_id) is None:
        return None
    return node


def _labelled_box(segmentation_node: Any, segment_id: str, lattice: Lattice) -> Extent:
    """Return a box that surely holds a segment: that of its labelmap where it lies on the lattice."""
    segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
    labels = None if segment is None else segment.GetRepresentation(LABELMAP)
    match = load_slicer().vtkOrientedImageDataResample.DoGeometriesMatch
    if labels is None or not match(labels, oriented_box(lattice, lattice.extent)):
        return lattice.extent
    return common_box(tuple(labels.GetExtent()), lattice.extent)


def _proposals(segmentation_node: Any) -> Any:
    scene = segmentation_node.GetScene()
    node = segmentation_node.GetNodeReference(PROPOSAL_ROLE)
    if node is None:
        node = load_slicer().vtkMRMLSegmentationNode()
        node.SetName(f"{segmentation_node.GetName()} (proposed)")
        node.SetHideFromEditors(True)
        node = scene.AddNode(node)
        node.GetSegmentation().SetSourceRepresentationName(LABELMAP)
        segmentation_node.SetNodeReferenceID(PROPOSAL_ROLE, node.GetID())
    node.SetAndObserveTransformNodeID(segmentation_node.GetTransformNodeID())
    return node
