"""The segments of a segmentation node as lesions of a visit: lent to the job service, without a copy here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.scene.coordinates import LPS_TO_RAS, array_of_vtk_matrix
from AIImagingLogic.scene.host import load_slicer, load_vtk
from AIImagingLogic.scene.job_inputs import NodeVoxels

if TYPE_CHECKING:
    from AIImagingLogic.records.coding import CodedConcept

_MANUAL, _PARTLY = "MANUAL", "SEMIAUTOMATIC"
# What Slicer gives a segment whose type nobody chose: Tissue, SNOMED CT.
_UNCHOSEN = ("SCT-85756007", "SRT-T-D0050")
_SKEW = 1e-3


def outlines_of(node: Any, volume: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the segmentations of a node as the JSON of `Segmentation`, with `ImageInput` inside, and notes.

    Parameters
    ----------
    node : vtkMRMLSegmentationNode; its hidden segments are left out, which a note tells
    volume : volume node of the visit: the label images lie in its coordinates, LPS mm, without its parent transform

    Raises
    ------
    SceneError
        The node has no binary labelmaps, or a transform between it and the volume is not linear or shears.
    """
    # A panel that opens must not import SimpleITK.
    from AIImagingLogic.scene.segmentations import LABELMAP

    to_volume = matrix_between(node, volume)
    content, display = node.GetSegmentation(), node.GetDisplayNode()
    layers: dict[Any, list[dict[str, Any]]] = {}
    hidden, empty = [], 0
    for index in range(content.GetNumberOfSegments()):
        segment_id, segment = content.GetNthSegmentID(index), content.GetNthSegment(index)
        if display is not None and not display.GetSegmentVisibility(segment_id):
            hidden.append(segment.GetName())
            continue
        data = segment.GetRepresentation(LABELMAP)
        if data is None:
            raise SceneError(
                f"'{node.GetName()}' has no binary labelmaps.",
                "Create them first: Segmentations module, Representations, Binary labelmap.",
            )
        if data.GetPointData().GetScalars() is None or data.GetNumberOfPoints() == 0:
            empty += 1
            continue
        layers.setdefault(data, []).append(_segment(segment))
    notes = [f"Hidden segments were left out: {', '.join(hidden)}."] if hidden else []
    if empty:
        notes.append("Segments without a voxel were left out.")
    forms = [_form(data, segments, to_volume, node.GetName()) for data, segments in layers.items()]
    return forms, notes


def matrix_between(node: Any | None, volume: Any) -> npt.NDArray[np.float64]:
    """Return what takes points of a node's own coordinates (none: of the world) to those of a volume's: (4, 4), RAS.

    Raises
    ------
    SceneError
        A transform between them is not linear.
    """
    nodes = load_slicer().vtkMRMLTransformNode
    parents = [None if entry is None else entry.GetParentTransformNode() for entry in (node, volume)]
    matrix = load_vtk().vtkMatrix4x4()
    if not nodes.GetMatrixTransformBetweenNodes(*parents, matrix):
        name = volume.GetName() if node is None else node.GetName()
        raise SceneError(f"A transform of '{name}' is not linear.", "Harden it first (Transforms module).")
    return array_of_vtk_matrix(matrix)


def algorithm_type(nodes: Iterable[Any]) -> str:
    """Return what DICOM calls the way in which the segments of nodes were made: by hand, unless one says otherwise."""
    from AIImagingLogic.images.segment_tags import ALGORITHM_TYPE

    for node in nodes:
        content = node.GetSegmentation()
        for index in range(content.GetNumberOfSegments()):
            if _tag(content.GetNthSegment(index), ALGORITHM_TYPE) not in ("", _MANUAL):
                return _PARTLY
    return _MANUAL


def tell_who_drew(lesions: Any, made: str) -> None:
    """Let the segments of a result say that their outlines were given: `made` as of `algorithm_type`."""
    from AIImagingLogic.images.segment_tags import ALGORITHM_NAME, ALGORITHM_TYPE

    content = lesions.GetSegmentation()
    for index in range(content.GetNumberOfSegments()):
        segment = content.GetNthSegment(index)
        segment.SetTag(ALGORITHM_TYPE, made)
        if made == _MANUAL:
            segment.RemoveTag(ALGORITHM_NAME)
        else:
            # DICOM wants a name, and not that of this program.
            segment.SetTag(ALGORITHM_NAME, "not stated by the source")


def _segment(segment: Any) -> dict[str, Any]:
    from AIImagingLogic.records.segmentation import Segment

    red, green, blue = (round(255 * channel) for channel in segment.GetColor())
    colour = (red, green, blue)
    kind = _concept(_tag(segment, "TerminologyEntry"), segment.GetName(), colour)
    return Segment(segment.GetLabelValue(), segment.GetName(), kind, colour).to_json()


def _concept(entry: str, name: str, colour: tuple[int, int, int]) -> CodedConcept:
    from AIImagingLogic.images.terminology_entry import concept_from_entry
    from AIImagingLogic.records.coding import concept

    try:
        found = concept_from_entry(entry, name, colour)
    except ValueError:
        return concept("lesion")
    return concept("lesion") if found.key in _UNCHOSEN else found


def _form(data: Any, segments: list[dict[str, Any]], to_volume: npt.NDArray[np.float64], name: str) -> dict[str, Any]:
    """Return the JSON of a `Segmentation` whose label image is lent to the job."""
    from AIImagingLogic.jobs.job import ImageInput

    vtk = load_vtk()
    matrix = vtk.vtkMatrix4x4()
    data.GetImageToWorldMatrix(matrix)
    own = to_volume @ array_of_vtk_matrix(matrix)
    extent = data.GetExtent()
    first = own @ (extent[0], extent[2], extent[4], 1.0)
    spacing = np.linalg.norm(own[:3, :3], axis=0)
    directions = own[:3, :3] / spacing
    if np.abs(directions.T @ directions - np.eye(3)).max() > _SKEW:
        raise SceneError(f"A transform of '{name}' shears it.", "Harden it first (Transforms module).")
    # A turn by products of matrices is a hair off; a direction must be one.
    left, _, right = np.linalg.svd(directions)
    voxels = NodeVoxels(data)
    image = ImageInput(
        voxels=voxels,
        spacing=spacing.tolist(),
        origin=(first[:3] @ LPS_TO_RAS).tolist(),
        direction=(LPS_TO_RAS @ (left @ right)).ravel().tolist(),
        changed=voxels.changed,
    )
    return {"record": "Segmentation", "image": image, "segments": segments, "provenance": None}


def _tag(segment: Any, name: str) -> str:
    text = load_vtk().reference("")
    return str(text) if segment.GetTag(name, text) else ""
