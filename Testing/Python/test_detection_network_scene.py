"""Findings with a box only, as a detection package gives them, in the scene."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from visit_on_grid import LESIONS, OBLIQUE, image_on_grid, visit_on_grid

pytest.importorskip("slicer")

from AIImagingLogic.scene.detection_results import add_detection_results  # noqa: E402
from AIImagingLogic.scene.empty_scene import make_scene  # noqa: E402
from AIImagingLogic.scene.volumes import volume_node_from_image  # noqa: E402


def test_findings_with_a_box_only_are_points_and_rows_without_segments() -> None:
    image = image_on_grid(OBLIQUE)
    visit = visit_on_grid(image)
    bare = tuple(dataclasses.replace(item, mask=None, measurements=(), descriptors={}) for item in visit.findings)
    scene = make_scene()
    volume = volume_node_from_image(image, scene, "CT")
    nodes = add_detection_results(dataclasses.replace(visit, organs=None, findings=bare), volume, scene)
    assert nodes.organs is None
    assert nodes.lesions.GetSegmentation().GetNumberOfSegments() == 0
    assert nodes.table.GetNumberOfRows() == nodes.points.GetNumberOfControlPoints() == len(LESIONS)
    for number, finding in enumerate(bare):
        x, y, z = nodes.points.GetNthControlPointPosition(number)
        np.testing.assert_allclose((-x, -y, z), finding.box.center_mm, atol=1e-6)
