"""A person says that several findings are one lesion, or that one is several: the scene follows, proposals are kept."""

import json
from datetime import datetime

import slicer
import vtk

from AIDetectionLib.correction import CORRECTED, image_of, keep_proposal, new_row, outline_of, segment_of, write_row
from AIDetectionLib.finding_rows import TableColumns
from AIDetectionLib.findings_export import finding_of_row

_PARTS_ROLE = "AIImaging.Parts"
_ALGORITHM_TYPE = "DICOM.SegmentAlgorithmType"
_HISTORY_TAG = "AIImaging.History"
_LABELMAP = "Binary labelmap"


def merge(view, uids, service):
    """Start merging findings; see `AIDetectionLogic.mergeFindings`."""
    from AIImagingLogic.records.finding_list import FindingList

    given = [_given(view, uid) for uid in uids]
    arguments = {
        "outlines": [image_of(outline_of(view, uid)) for uid in uids],
        "given": FindingList(tuple(given)).to_json(),
    }
    title = f"{len(uids)} findings of '{view.points.GetName()}' merged"
    return _run(view, uids, service, title, "merge_outlined", arguments, lambda made: (made,))


def split(view, uid, service):
    """Start splitting a finding; see `AIDetectionLogic.splitFinding`."""
    given = _given(view, uid)
    arguments = {
        "outline": image_of(outline_of(view, uid)),
        "given": given.to_json(),
        "marks_mm": marks_of_parts(view),
    }
    title = f"{given.name} of '{view.points.GetName()}' split"
    return _run(view, [uid], service, title, "split_outlined", arguments, lambda made: made.findings)


def parts_list(view):
    """Return the point list of a person's marks for a split, made when it is first needed."""
    from AIImagingLogic.scene.node_attributes import KIND, VOLUME_ROLE
    from AIImagingLogic.scene.parent_transforms import place_with

    found = view.points.GetNodeReference(_PARTS_ROLE)
    if found is not None:
        return found
    made = view.points.GetScene().AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", f"{view.points.GetName()} parts")
    made.CreateDefaultDisplayNodes()
    made.SetAttribute(KIND, "finding parts")
    view.points.SetNodeReferenceID(_PARTS_ROLE, made.GetID())
    volume = view.points.GetNodeReference(VOLUME_ROLE)
    if volume is not None:
        place_with(made, volume)
    return made


def marks_of_parts(view):
    """Return the marks that were put for a split, (n, 3) mm LPS in the coordinates of the volume; empty without."""
    from AIImagingLogic.scene.coordinates import lps_from_ras

    node = view.points.GetNodeReference(_PARTS_ROLE)
    if node is None:
        return []
    defined = slicer.vtkMRMLMarkupsNode.PositionDefined
    indices = range(node.GetNumberOfControlPoints())
    return [
        lps_from_ras(node.GetNthControlPointPosition(index)).tolist()
        for index in indices
        if node.GetNthControlPointPositionStatus(index) == defined
    ]


def _given(view, uid):
    columns = TableColumns(view.table)
    for row in range(view.table.GetNumberOfRows()):
        if columns.text("UID", row) == uid:
            return finding_of_row(columns, row)
    from AIImagingLogic.records.errors import SceneError

    raise SceneError("This finding is no longer in its table.", "Run the detection again.")


def _run(view, uids, service, title, function, arguments, findings):
    from AIImagingLogic.jobs.job import Job
    from AIImagingLogic.records.errors import SceneError
    from AIImagingLogic.scene.job_inputs import image_input, require_volume
    from AIImagingLogic.scene.node_attributes import VOLUME_ROLE
    from AIImagingLogic.scene.scene_run import SceneRun

    volume = view.points.GetNodeReference(VOLUME_ROLE)
    if volume is None:
        raise SceneError(f"The volume of '{view.points.GetName()}' was removed.", "Load it, and run the detection.")
    require_volume(volume)
    for uid in uids:
        keep_proposal(view, uid)
    when = datetime.now().astimezone().isoformat(timespec="seconds")
    job = Job(
        title=title,
        function=f"AIImagingLogic.tasks.edit_findings:{function}",
        arguments={"image": image_input(volume), "when": when, **arguments},
    )
    inputs = [volume, view.points, view.table, view.lesions]
    return SceneRun(
        service.service, view.points.GetScene(), job, inputs, lambda made: replace(view, uids, findings(made))
    )


def replace(view, gone, findings):
    """Put findings into the scene in the place of others, which may have the same uids. Returns the new view."""
    from AIImagingLogic.scene.coordinates import ras_from_lps
    from AIImagingLogic.scene.finding_boxes import FindingBox, read_boxes, write_boxes

    boxes, known = read_boxes(view.points), list(view.uids)
    source = segment_of(view, gone[0])
    was = [node.StartModify() for node in (view.points, view.table)]
    for finding in findings:
        name, colour = _name_and_colour(view, finding, known, boxes)
        _write_segment(view, finding, name, colour, source)
        centre = ras_from_lps(finding.box.center_mm).tolist()
        if finding.uid in known:
            view.points.SetNthControlPointPosition(known.index(finding.uid), *centre)
        else:
            _add_point(view, finding, name, centre)
            new_row(view.table, finding, name)
            known.append(finding.uid)
        boxes[finding.uid] = FindingBox(finding.box.size_mm, finding.box.axes, colour)
    retired = set(gone) - {finding.uid for finding in findings}
    for uid in retired:
        view.lesions.GetSegmentation().RemoveSegment(segment_of(view, uid))
        view.points.RemoveNthControlPoint(known.index(uid))
        known.remove(uid)
        boxes.pop(uid, None)
    write_boxes(view.points, boxes)
    for finding in findings:
        write_row(view.table, finding)
    _remove_rows(view.table, retired)
    _forget_parts(view)
    renewed = type(view).from_nodes(view.points)
    for finding in findings:
        renewed.set_review(finding.uid, finding.review)
    # Those who show the table look at the other nodes when it changes: it is the last.
    for node, before in zip((view.points, view.table), was):
        node.EndModify(before)
    return renewed


def _name_and_colour(view, finding, known, boxes):
    """Return name and colour (RGB 0..255): its own of a finding that is there, the next number's of a new one."""
    from AIImagingLogic.records.resources import load_resource

    if finding.uid in known:
        index = known.index(finding.uid)
        return view.points.GetNthControlPointLabel(index), boxes[finding.uid].colour
    labels = [view.points.GetNthControlPointLabel(index) for index in range(len(known))]
    numbers = [int(label.rpartition(" ")[2]) for label in labels if label.rpartition(" ")[2].isdigit()]
    number = max(numbers, default=0) + 1
    colours = load_resource("rules/lesion_colours.json")["colours"]
    return f"Lesion {number}", tuple(colours[(number - 1) % len(colours)])


def _write_segment(view, finding, name, colour, source):
    """Let the segment of a finding be its outline, made like the one that it comes from when there is none."""
    from AIImagingLogic.scene.node_attributes import FINDING_TAG
    from AIImagingLogic.scene.segmentations import oriented_image_data

    content = view.lesions.GetSegmentation()
    tag = vtk.reference("")
    segments = [content.GetNthSegment(number) for number in range(content.GetNumberOfSegments())]
    found = next((one for one in segments if one.GetTag(FINDING_TAG, tag) and str(tag) == finding.uid), None)
    segment = slicer.vtkSegment() if found is None else found
    if found is None:
        segment.DeepCopyMetadata(content.GetSegment(source))
        segment.SetName(name)
        segment.SetColor(*(channel / 255 for channel in colour))
        segment.SetTag(FINDING_TAG, finding.uid)
    segment.SetLabelValue(1)
    # A labelmap of its own: the others keep the one that they share.
    segment.AddRepresentation(_LABELMAP, oriented_image_data(finding.mask > 0))
    segment.SetTag(_ALGORITHM_TYPE, CORRECTED)
    segment.SetTag(_HISTORY_TAG, json.dumps([event.to_json() for event in finding.history]))
    if found is None:
        content.AddSegment(segment)


def _add_point(view, finding, name, centre):
    index = view.points.AddControlPoint(*centre)
    view.points.SetNthControlPointLabel(index, name)
    view.points.SetNthControlPointDescription(index, finding.uid)


def _remove_rows(table, uids):
    for row in reversed(range(table.GetNumberOfRows())):
        if TableColumns(table).text("UID", row) in uids:
            table.RemoveRow(row)


def _forget_parts(view):
    node = view.points.GetNodeReference(_PARTS_ROLE)
    if node is not None:
        view.points.GetScene().RemoveNode(node)
