"""Subject hierarchy: one study a visit with its nodes, one folder for what belongs to all visits. No patient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from AIImagingLogic.records.timeline import Visit
from AIImagingLogic.scene.host import load_slicer


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
