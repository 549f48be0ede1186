"""Letting go of label images that segments share, before their node goes.

Slicer takes each segment out of the shared labelmap one by one when a segmentation is deleted: two passes over the
whole grid a segment, seconds of a frozen window for 20 segments of a large CT. Segments that hold nothing go at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from AIImagingLogic.scene.node_attributes import KIND


def release_segments(nodes: Iterable[Any]) -> None:
    """Empty the segmentation nodes among `nodes`, which are about to be removed for good."""
    for node in nodes:
        if node.IsA("vtkMRMLSegmentationNode"):
            content = node.GetSegmentation()
            for number in range(content.GetNumberOfSegments()):
                content.GetNthSegment(number).RemoveAllRepresentations()


def release_results(scene: Any) -> None:
    """Empty every segmentation of AI Imaging in a scene; for the moment when the scene begins to close."""
    nodes = scene.GetNodesByClass("vtkMRMLSegmentationNode")
    nodes.UnRegister(None)
    found = [nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems())]
    release_segments(node for node in found if node.GetAttribute(KIND))
