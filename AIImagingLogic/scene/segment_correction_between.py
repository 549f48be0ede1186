"""From the points of one volume to those of another, through a transform of the scene; and which transform that is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from AIImagingLogic.followup.visit_spaces import VisitSpaces
from AIImagingLogic.images.geometry import Points
from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.records.provenance import InputIdentity
from AIImagingLogic.scene.coordinates import lps_from_ras, ras_from_lps
from AIImagingLogic.scene.host import load_slicer, load_vtk
from AIImagingLogic.scene.node_attributes import CONTENT_HASH
from AIImagingLogic.scene.provenance import provenance_of
from AIImagingLogic.scene.volume_info import facts_of_volume_node

# A point that comes back this far off, sent there and back, has no place on the other side.
_EXACT_MM = 0.5


class VolumeSpaces(VisitSpaces):
    """The spaces of two volumes: 0 the one, 1 the other; LPS mm of each, its parent transform left out.

    Parameters
    ----------
    forth, back : vtkAbstractTransform from RAS mm of the one to RAS mm of the other, and its inverse
    way : what leads from one to the other, for people
    """

    def __init__(self, forth: Any, back: Any, way: str) -> None:
        super().__init__(())
        self._ways = (forth, back)
        self.way = way

    def carried(self, start: int, end: int, points: ArrayLike) -> tuple[Points, NDArray[np.bool_]]:
        """Return where points lie at the other volume: see `VisitSpaces.carried`."""
        places = np.asarray(points, dtype=float).reshape(-1, 3)
        if start == end or len(places) == 0:
            return places, np.ones(len(places), dtype=bool)
        forth, back = self._ways if end > start else self._ways[::-1]
        found = _through(forth, places)
        return found, np.linalg.norm(_through(back, found) - places, axis=1) <= _EXACT_MM


def spaces_between(source: Any, target: Any, transform: Any) -> VolumeSpaces:
    """Return the way from one volume to another through a transform node that registers them.

    What the node says of its fixed and moving volume decides the direction: AI Imaging's provenance, else the node
    references that Slicer's registrations leave; the volumes' own coordinates are meant then. Else one of the volumes
    must stand under the transform: then each place is carried to where the scene shows it in the other volume, all
    parents of both included.

    Parameters
    ----------
    source, target : volume nodes
    transform : vtkMRMLTransformNode, linear or not

    Raises
    ------
    SceneError
        It is of other volumes, or does not say which of the two it moves.
    """
    moved = _moved(source, target, transform)
    if moved is None:
        if not any(_stands_under(volume, transform) for volume in (source, target)):
            raise SceneError(
                f"'{transform.GetName()}' does not say which of the two volumes it moves.",
                "Put that volume under it in the Data module, as Slicer shows a registered volume.",
            )
        return aligned_spaces(source, target, f"'{transform.GetName()}' as it stands in the scene")
    # A node moves what is under it to its parent: the moving volume onto the fixed one.
    to_fixed, to_moving = transform.GetTransformToParent(), transform.GetTransformFromParent()
    forth, back = (to_fixed, to_moving) if moved is source else (to_moving, to_fixed)
    return VolumeSpaces(forth, back, f"'{transform.GetName()}'")


def aligned_spaces(source: Any, target: Any, way: str = "the scene, in which both stand aligned") -> VolumeSpaces:
    """Return the way between two volumes that show the same place where they stand, whatever their parents are."""
    vtk, nodes = load_vtk(), load_slicer().vtkMRMLTransformNode
    ways = []
    for first, second in ((source, target), (target, source)):
        way_there = vtk.vtkGeneralTransform()
        nodes.GetTransformBetweenNodes(first.GetParentTransformNode(), second.GetParentTransformNode(), way_there)
        ways.append(way_there)
    return VolumeSpaces(ways[0], ways[1], way)


def registration_between(source: Any, target: Any) -> Any | None:
    """Return a transform node of the scene that registers two volumes, the last one made; None when there is none."""
    scene = source.GetScene()
    nodes = [scene.GetNthNodeByClass(n, "vtkMRMLTransformNode") for n in _numbers(scene)]
    fitting = [node for node in nodes if _says_of_both(source, target, node)]
    return fitting[-1] if fitting else None


def say_of_volumes(transform: Any, fixed: Any, moving: Any) -> None:
    """Let a transform node refer to the volumes that it registers, as those of Slicer's registrations do."""
    transform.SetNodeReferenceID(transform.GetFixedNodeReferenceRole(), fixed.GetID())
    transform.SetNodeReferenceID(transform.GetMovingNodeReferenceRole(), moving.GetID())


def _numbers(scene: Any) -> range:
    return range(scene.GetNumberOfNodesByClass("vtkMRMLTransformNode"))


def _says_of_both(source: Any, target: Any, transform: Any) -> bool:
    try:
        return _moved(source, target, transform) is not None
    except SceneError:
        return False


def _moved(source: Any, target: Any, transform: Any) -> Any | None:
    """Return which of the volumes a transform says that it moves; None when it says nothing.

    Raises
    ------
    SceneError
        It is of another pair.
    """
    fixed = transform.GetNodeReference(transform.GetFixedNodeReferenceRole())
    moving = transform.GetNodeReference(transform.GetMovingNodeReferenceRole())
    if fixed is not None and moving is not None:
        if {fixed, moving} == {source, target}:
            return moving
    else:
        provenance = provenance_of(transform)
        if provenance is None or len(provenance.inputs) != 2:
            return None
        of_fixed, of_moving = provenance.inputs
        for still, moved in ((source, target), (target, source)):
            if _is_of(still, of_fixed) and _is_of(moved, of_moving):
                return moved
    raise SceneError(
        f"'{transform.GetName()}' registers other volumes than '{source.GetName()}' and '{target.GetName()}'.",
        "Choose another transform, or none: the two are registered then.",
    )


def _is_of(volume: Any, identity: InputIdentity) -> bool:
    series = facts_of_volume_node(volume)["series_uid"]
    if series and identity.series_uid:
        return bool(series == identity.series_uid)
    return identity.content_hash == _content_hash(volume)


def _content_hash(volume: Any) -> str:
    known = volume.GetAttribute(CONTENT_HASH)
    if known:
        return str(known)
    from AIImagingLogic.images.info import describe
    from AIImagingLogic.scene.volumes import image_from_volume_node

    return describe(image_from_volume_node(volume)).content_hash


def _stands_under(volume: Any, transform: Any) -> bool:
    parent = volume.GetParentTransformNode()
    return parent is not None and (parent is transform or bool(parent.IsTransformNodeMyParent(transform)))


def _through(transform: Any, points: Points) -> Points:
    from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy

    vtk = load_vtk()
    given, found = vtk.vtkPoints(), vtk.vtkPoints()
    given.SetDataTypeToDouble()
    found.SetDataTypeToDouble()
    given.SetData(numpy_to_vtk(np.ascontiguousarray(ras_from_lps(points)), deep=True))
    transform.TransformPoints(given, found)
    return lps_from_ras(vtk_to_numpy(found.GetData()).copy())
