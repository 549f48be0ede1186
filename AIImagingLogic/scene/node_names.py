"""Names of new nodes: no two results of a scene are called the same."""

from __future__ import annotations

from typing import Any


def unique_name(scene: Any, name: str) -> str:
    """Return `name`, with a number behind it when a node of the scene is already called so."""
    if scene.GetFirstNodeByName(name) is None:
        return name
    number = 2
    while scene.GetFirstNodeByName(f"{name} {number}") is not None:
        number += 1
    return f"{name} {number}"
