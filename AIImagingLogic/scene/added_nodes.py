"""The nodes that a piece of work adds to a scene: all of them or, when it fails, none."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from AIImagingLogic.scene.subject_hierarchy import remove_with_items


class AddedNodes:
    """What was added; filled when the work is done."""

    def __init__(self) -> None:
        self.nodes: tuple[Any, ...] = ()


@contextlib.contextmanager
def all_or_none(scene: Any) -> Iterator[AddedNodes]:
    """Remove every node that was added inside, display nodes included, when what is inside raises."""
    before = set(_nodes(scene))
    added = AddedNodes()
    try:
        yield added
    except BaseException:
        # The last first: a display node goes after the node that shows it.
        remove_with_items(reversed([node for node in _nodes(scene) if node not in before]), scene)
        raise
    added.nodes = tuple(node for node in _nodes(scene) if node not in before)


def _nodes(scene: Any) -> list[Any]:
    nodes = scene.GetNodes()
    return [nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems())]
