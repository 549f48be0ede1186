"""Whether volumes are of one patient, as far as the subject hierarchy says."""

from __future__ import annotations

from typing import Any

from AIImagingLogic.scene.host import load_slicer


def same_patient(first: Any, second: Any) -> bool:
    """Whether two volumes may be of one patient: the subject hierarchy does not name two different ones."""
    patients = {patient for patient in map(_patient, (first, second)) if patient is not None}
    return len(patients) < 2


def _patient(volume_node: Any) -> int | None:
    slicer = load_slicer()
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(volume_node.GetScene())
    item = hierarchy.GetItemByDataNode(volume_node) if hierarchy is not None else 0
    if not item:
        return None
    level = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMLevelPatient()
    return hierarchy.GetItemAncestorAtLevel(item, level) or None
