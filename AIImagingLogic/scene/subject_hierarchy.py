"""Subject hierarchy: results beside their volume, a study a visit, a folder for what belongs to all. No patient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from AIImagingLogic.scene.host import load_slicer
from AIImagingLogic.scene.segment_memory import release_segments

if TYPE_CHECKING:
    from AIImagingLogic.records.timeline import Visit


def visit_title(visit: Visit) -> str:
    """Return the visit's label and, when known, its date: ``Baseline, 2024-05-01``."""
    label = visit.label[:1].upper() + visit.label[1:]
    return label if visit.info.acquired is None else f"{label}, {visit.info.acquired:%Y-%m-%d}"


def add_study(scene: Any, visit: Visit, nodes: Iterable[Any]) -> int:
    """Add a study item for a visit, with its date and study UID, and put nodes under it, in order. Returns the item."""
    constants = load_slicer().vtkMRMLSubjectHierarchyConstants
    hierarchy = _hierarchy(scene)
    item: int = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), visit_title(visit))
    hierarchy.SetItemAttribute(item, "AIImaging.Visit", visit.label)
    if visit.info.acquired is not None:
        date = f"{visit.info.acquired:%Y%m%d}"
        hierarchy.SetItemAttribute(item, constants.GetDICOMStudyDateAttributeName(), date)
    if visit.info.study_uid:
        hierarchy.SetItemUID(item, constants.GetDICOMUIDName(), visit.info.study_uid)
    _place(hierarchy, item, nodes)
    return item


def add_folder(scene: Any, name: str, nodes: Iterable[Any]) -> int:
    """Add a folder item and put nodes under it, in order. Returns the item."""
    hierarchy = _hierarchy(scene)
    item: int = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), name)
    _place(hierarchy, item, nodes)
    return item


def place_beside(volume_node: Any, nodes: Iterable[Any], scene: Any) -> None:
    """Put nodes under the parent item of a volume, which is its study where it has one; at the top without a volume."""
    hierarchy = _hierarchy(scene)
    item = 0 if volume_node is None else hierarchy.GetItemByDataNode(volume_node)
    # The subject hierarchy answers 0 for what has no item.
    _place(hierarchy, hierarchy.GetItemParent(item) if item else hierarchy.GetSceneItemID(), nodes)


def remove_with_items(nodes: Iterable[Any], scene: Any) -> None:
    """Remove nodes from a scene together with their items, which nobody else does without the application."""
    hierarchy = _hierarchy(scene)
    doomed = list(nodes)
    release_segments(doomed)
    for node in doomed:
        item = hierarchy.GetItemByDataNode(node)
        if item:
            hierarchy.RemoveItem(item, False, False)
        if scene.IsNodePresent(node):
            scene.RemoveNode(node)


def _place(hierarchy: Any, parent: int, nodes: Iterable[Any]) -> None:
    for node in nodes:
        # Without the application's plugins no item exists yet; within it there is one, which is moved.
        item = hierarchy.GetItemByDataNode(node)
        if item in (hierarchy.GetInvalidItemID(), 0):
            hierarchy.CreateItem(parent, node)
        else:
            hierarchy.SetItemParent(item, parent)


def _hierarchy(scene: Any) -> Any:
    return load_slicer().vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
