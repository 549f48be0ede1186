"""What is in a scene, node by node, so that a test can say that nothing was changed."""

from __future__ import annotations

from typing import Any

_CONTENT = ("GetImageData", "GetSegmentation", "GetTable", "GetTransformToParent")


def scene_snapshot(scene: Any) -> dict[str, Any]:
    """Return, by node id: class, name, attributes, references, modification time of the content; and the hierarchy."""
    nodes = scene.GetNodes()
    snapshot = {}
    for index in range(nodes.GetNumberOfItems()):
        node = nodes.GetItemAsObject(index)
        if node.IsA("vtkMRMLSubjectHierarchyNode"):
            snapshot[node.GetID()] = ("hierarchy", _items(node, node.GetSceneItemID()))
        else:
            snapshot[node.GetID()] = (
                node.GetClassName(),
                node.GetName(),
                {name: node.GetAttribute(name) for name in node.GetAttributeNames() or ()},
                _references(node),
                _content_times(node),
            )
    return snapshot


def _references(node: Any) -> dict[str, list[str]]:
    roles: list[str] = []
    node.GetNodeReferenceRoles(roles)
    return {
        role: [node.GetNthNodeReferenceID(role, number) for number in range(node.GetNumberOfNodeReferences(role))]
        for role in roles
        if node.GetNumberOfNodeReferences(role)
    }


def _content_times(node: Any) -> list[int]:
    """Return the modification times of what the node holds: voxels, segments, table, matrix, control points."""
    contents = [getattr(node, getter)() for getter in _CONTENT if hasattr(node, getter)]
    times = [content.GetMTime() for content in contents if content is not None]
    if node.IsA("vtkMRMLMarkupsNode") or node.IsA("vtkMRMLDisplayNode"):
        times.append(node.GetMTime())
    return times


def _items(hierarchy: Any, parent: int) -> list[Any]:
    """Return the tree below an item: name, level and children of each."""
    import vtk

    children = vtk.vtkIdList()
    hierarchy.GetItemChildren(parent, children)
    found = [children.GetId(index) for index in range(children.GetNumberOfIds())]
    return [
        (hierarchy.GetItemName(item), hierarchy.GetItemLevel(item), _items(hierarchy, item)) for item in sorted(found)
    ]
