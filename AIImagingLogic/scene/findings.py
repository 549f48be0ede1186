"""Findings as markups: one point list for all, one box for the current one, so that a thousand are as quick as ten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.timeline import Visit
from AIImagingLogic.scene.coordinates import ras_from_lps, vtk_matrix
from AIImagingLogic.scene.parent_transforms import place_with
from AIImagingLogic.scene.provenance import mark

CURRENT_FINDING = "AIImaging.CurrentFinding"

_BOX_MARGIN_MM = 3.0


def findings_point_list(visit: Visit, names: Mapping[str, str], scene: Any, name: str, reference: Any) -> Any:
    """Add a point list with a control point at the centre of each finding.

    Parameters
    ----------
    visit : its findings, LPS mm
    names : uid of a finding to the name it is shown under; others keep their own
    scene : vtkMRMLScene
    name : name of the node
    reference : volume node that the findings were found on; its parent transform is shared

    Returns
    -------
    vtkMRMLMarkupsFiducialNode
        Locked; the description of a point is the uid of its finding.
    """
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
    node.CreateDefaultDisplayNodes()
    for finding in visit.findings:
        # In the node's own coordinates: AddControlPointWorld would undo the parent transform.
        index = node.AddControlPoint(*ras_from_lps(finding.box.center_mm).tolist())
        node.SetNthControlPointLabel(index, names.get(finding.uid, finding.name))
        node.SetNthControlPointDescription(index, finding.uid)
        node.SetNthControlPointAssociatedNodeID(index, reference.GetID())
    node.SetLocked(True)
    display = node.GetDisplayNode()
    display.SetGlyphTypeFromString("Cross2D")
    display.SetUseGlyphScale(False)
    display.SetGlyphSize(4.0)
    display.SetSelectedColor(1.0, 0.84, 0.0)
    place_with(node, reference)
    mark(node, "findings", visit.provenance)
    return node


def current_finding_box(scene: Any, name: str, reference: Any) -> Any:
    """Add the box that shows the current finding of a visit, hidden until `show_in_box` is called."""
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", name)
    node.CreateDefaultDisplayNodes()
    node.SetLocked(True)
    display = node.GetDisplayNode()
    display.SetFillVisibility(False)
    display.SetHandlesInteractive(False)
    display.SetPropertiesLabelVisibility(False)
    display.SetPointLabelsVisibility(False)
    display.SetVisibility(False)
    place_with(node, reference)
    mark(node, "current finding", None)
    return node


def show_in_box(node: Any, finding: Finding, colour: tuple[int, int, int]) -> None:
    """Put the box around a finding (its oriented box and a margin), in a colour (RGB 0..255)."""
    matrix = np.eye(4)
    matrix[:3, :3] = ras_from_lps(finding.box.axes).T
    matrix[:3, 3] = ras_from_lps(finding.box.center_mm)
    node.SetAndObserveObjectToNodeMatrix(vtk_matrix(matrix))
    node.SetSize([length + 2 * _BOX_MARGIN_MM for length in finding.box.size_mm])
    node.SetAttribute(CURRENT_FINDING, finding.uid)
    display = node.GetDisplayNode()
    display.SetSelectedColor(*(channel / 255 for channel in colour))
    display.SetVisibility(True)
