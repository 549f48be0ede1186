"""A segmentation that a job made, as nodes of the scene that holds its volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from AIImagingLogic.records.measured_segments import MeasuredSegments
from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.records.segmented_and_measured import SegmentedAndMeasured
from AIImagingLogic.scene.node_names import unique_name
from AIImagingLogic.scene.segmentations import segmentation_node_from_segmentation
from AIImagingLogic.scene.subject_hierarchy import place_beside
from AIImagingLogic.scene.tables import measurements_table_node


@dataclass(frozen=True)
class SegmentationNodes:
    """The new nodes; `table` is None when nothing was measured."""

    segmentation: Any
    table: Any | None = None


def add_segmentation_result(
    result: Segmentation | SegmentedAndMeasured, volume: Any | None, scene: Any, surfaces: bool = False
) -> SegmentationNodes:
    """Add new nodes for a segmentation and what was measured of it; nothing that is in the scene is changed.

    Parameters
    ----------
    result : its label image becomes the memory of the node: do not change it afterwards
    volume : volume node that it was made from, whose transform and place in the subject hierarchy the new nodes share;
        None when it is not in the scene
    scene : vtkMRMLScene
    surfaces : make closed surfaces too (seconds a segment at full resolution)

    Raises
    ------
    SceneError
        Slicer's classes are not installed, or surfaces could not be made.
    """
    segmentation, measured = _parts(result)
    name = "Segmentation" if volume is None else f"{volume.GetName()} segmentation"
    node = segmentation_node_from_segmentation(
        segmentation, scene, unique_name(scene, name), volume, surfaces, share=True
    )
    table = None
    if measured is not None and measured.rows:
        table = measurements_table_node(measured, scene, unique_name(scene, f"{node.GetName()} measurements"))
    place_beside(volume, [node] if table is None else [node, table], scene)
    return SegmentationNodes(node, table)


def _parts(result: Segmentation | SegmentedAndMeasured) -> tuple[Segmentation, MeasuredSegments | None]:
    if isinstance(result, SegmentedAndMeasured):
        return result.segmentation, result.measured
    return result, None
