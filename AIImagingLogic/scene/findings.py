"""Findings as markups: one point list for all, one box for the current one, so that a thousand are as quick as ten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.timeline import Visit
from AIImagingLogic.scene.coordinates import ras_from_lps
from AIImagingLogic.scene.finding_boxes import FindingBox, place_box, write_boxes
from AIImagingLogic.scene.node_attributes import BOX_ROLE, LESIONS_ROLE, TABLE_ROLE, VOLUME_ROLE
from AIImagingLogic.scene.parent_transforms import place_with
from AIImagingLogic.scene.provenance import mark


def findings_point_list(visit: Visit, names: Mapping[str, str], scene: Any, name: str, reference: Any) -> Any:
    """Add a point list with a control point at the centre of each finding.

    Parameters
    ----------
    visit : its findings, LPS mm
    names : uid of a finding to the name it is shown under; others keep their own
    scene : vtkMRMLScene
    name : name of the node
    reference : volume node that the findings were found on, or None; its parent transform is shared

    Returns
    -------
    vtkMRMLMarkupsFiducialNode
        Locked; the description of a point is the uid of its finding.
    """
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
    # One event for all points, and no view that follows while they are added.
    was_modifying = node.StartModify()
    for finding in visit.findings:
        # In the node's own coordinates: AddControlPointWorld would undo the parent transform.
        index = node.AddControlPoint(*ras_from_lps(finding.box.center_mm).tolist())
        node.SetNthControlPointLabel(index, names.get(finding.uid, finding.name))
        node.SetNthControlPointDescription(index, finding.uid)
        if reference is not None:
            node.SetNthControlPointAssociatedNodeID(index, reference.GetID())
    node.SetLocked(True)
    node.EndModify(was_modifying)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    was_modifying = display.StartModify()
    display.SetGlyphTypeFromString("Cross2D")
    display.SetUseGlyphScale(False)
    display.SetGlyphSize(4.0)
    display.SetSelectedColor(1.0, 0.84, 0.0)
    display.EndModify(was_modifying)
    if reference is not None:
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
    if reference is not None:
        place_with(node, reference)
    mark(node, "current finding", None)
    return node


def show_in_box(node: Any, finding: Finding, colour: tuple[int, int, int]) -> None:
    """Put the box around a finding (its oriented box and a margin), in a colour (RGB 0..255)."""
    box = finding.box
    place_box(node, finding.uid, ras_from_lps(box.center_mm), FindingBox(box.size_mm, box.axes, colour))


def join_findings(
    points: Any,
    visit: Visit,
    colours: Mapping[str, tuple[int, int, int]],
    *,
    box: Any,
    table: Any,
    lesions: Any | None,
    volume: Any | None,
) -> None:
    """Tie the nodes of a visit together, so that `FindingView` finds them again in a saved scene.

    Parameters
    ----------
    points : point list of the findings, which gets the references and the oriented box of each finding
    visit : its findings, LPS mm
    colours : uid of a finding to the colour of its lesion, RGB 0..255
    box, table, lesions, volume : the other nodes of the visit
    """
    for role, node in ((BOX_ROLE, box), (TABLE_ROLE, table), (LESIONS_ROLE, lesions), (VOLUME_ROLE, volume)):
        if node is not None:
            points.SetNodeReferenceID(role, node.GetID())
    boxes = {
        finding.uid: FindingBox(finding.box.size_mm, finding.box.axes, colours[finding.uid])
        for finding in visit.findings
        if finding.uid in colours
    }
    write_boxes(points, boxes)
