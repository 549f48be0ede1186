"""Which nodes of a scene a selector offers."""

from __future__ import annotations

from typing import Any


def matching_nodes(
    scene: Any,
    types: list[str],
    with_children: bool,
    without: list[str],
    with_hidden: bool,
    attributes: dict[str, dict[str, Any]],
) -> list[Any]:
    """Return the nodes that fit, in the scene's order.

    Parameters
    ----------
    scene : vtkMRMLScene or None
    types : class names; with `with_children`, classes that come from them fit too
    without : classes that do not fit although they come from one of `types`
    attributes : for a class name, attributes that a node must have (with a value, unless None)
    """
    if scene is None:
        return []
    found: list[Any] = []
    for index in range(scene.GetNumberOfNodes()):
        node = scene.GetNthNode(index)
        kinds = [name for name in types if (node.IsA(name) if with_children else node.GetClassName() == name)]
        if not kinds or (node.GetHideFromEditors() and not with_hidden):
            continue
        if any(node.IsA(name) and node.GetClassName() not in types for name in without):
            continue
        if all(_has(node, attributes.get(kind, {})) for kind in kinds):
            found.append(node)
    return found


def _has(node: Any, wanted: dict[str, Any]) -> bool:
    for name, value in wanted.items():
        held = node.GetAttribute(name)
        if held is None or (value is not None and held != str(value)):
            return False
    return True
