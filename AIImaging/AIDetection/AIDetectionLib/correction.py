"""A person corrects the outline of a finding: its proposal is kept, and it is measured again."""

import json

import slicer
import vtk

from AIDetectionLib.finding_rows import TableColumns

_PROPOSAL_ROLE = "AIImaging.Proposal"
_PROPOSED_TAG = "AIImaging.Proposed"
_ALGORITHM_TYPE = "DICOM.SegmentAlgorithmType"
CORRECTED = "SEMIAUTOMATIC"


def open_in_segment_editor(view, uid):
    """Keep what was proposed, and open the outline of a finding in the Segment Editor.

    Raises
    ------
    SceneError
        It has no outline.
    """
    from AIImagingLogic.scene.node_attributes import VOLUME_ROLE

    segment_id = segment_of(view, uid)
    keep_proposal(view, uid)
    view.lesions.GetDisplayNode().SetSegmentVisibility(segment_id, True)
    slicer.util.selectModule("SegmentEditor")
    editor = slicer.util.getModuleWidget("SegmentEditor").editor
    editor.setSegmentationNode(view.lesions)
    editor.setSourceVolumeNode(view.points.GetNodeReference(VOLUME_ROLE))
    editor.setCurrentSegmentID(segment_id)


def segment_of(view, uid):
    """Return the id of the segment that outlines a finding.

    Raises
    ------
    SceneError
        There is none (any more).
    """
    from AIImagingLogic.records.errors import SceneError
    from AIImagingLogic.scene.node_attributes import FINDING_TAG

    if view.lesions is not None and view.lesions.GetScene() is not None:
        content = view.lesions.GetSegmentation()
        for number in range(content.GetNumberOfSegments()):
            segment_id, tag = content.GetNthSegmentID(number), vtk.reference("")
            if content.GetSegment(segment_id).GetTag(FINDING_TAG, tag) and str(tag) == uid:
                return segment_id
    raise SceneError("This finding has no outline in the scene any more.", "Run the detection again.")


def keep_proposal(view, uid):
    """Copy the outline and the figures that the program proposed into a hidden segmentation, once a finding."""
    from AIImagingLogic.scene.node_attributes import FINDING_TAG

    proposals = _proposals(view)
    content, tag = proposals.GetSegmentation(), vtk.reference("")
    for number in range(content.GetNumberOfSegments()):
        if content.GetNthSegment(number).GetTag(FINDING_TAG, tag) and str(tag) == uid:
            return proposals
    segment_id = segment_of(view, uid)
    original = view.lesions.GetSegmentation().GetSegment(segment_id)
    added = proposals.AddSegmentFromBinaryLabelmapRepresentation(
        outline_of(view, uid), original.GetName(), original.GetColor()
    )
    kept = content.GetSegment(added)
    kept.SetTag(FINDING_TAG, uid)
    kept.SetTag(_PROPOSED_TAG, json.dumps(_figures(view, uid)))
    return proposals


def outline_of(view, uid):
    """Return the outline of a finding as vtkOrientedImageData, cropped; in the coordinates of its segmentation.

    Raises
    ------
    SceneError
        It has none, or an empty one.
    """
    from AIImagingLogic.records.errors import SceneError

    outline = slicer.vtkOrientedImageData()
    view.lesions.GetBinaryLabelmapRepresentation(segment_of(view, uid), outline)
    extent = [0, -1, 0, -1, 0, -1]
    if not slicer.vtkOrientedImageDataResample.CalculateEffectiveExtent(outline, extent):
        raise SceneError("The outline of this finding is empty.", "Draw it, or reject the finding.")
    cropped = slicer.vtkOrientedImageData()
    slicer.vtkOrientedImageDataResample.CopyImage(outline, cropped, extent)
    return cropped


def measure_again(view, uid, service):
    """Start measuring the corrected outline of a finding; see `AIDetectionLogic.measureAgain`."""
    from AIImagingLogic.jobs.job import Job
    from AIImagingLogic.records.errors import SceneError
    from AIImagingLogic.scene.job_inputs import image_input, require_volume
    from AIImagingLogic.scene.node_attributes import VOLUME_ROLE
    from AIImagingLogic.scene.scene_run import SceneRun

    volume = view.points.GetNodeReference(VOLUME_ROLE)
    if volume is None:
        raise SceneError(f"The volume of '{view.points.GetName()}' was removed.", "Load it, and run the detection.")
    require_volume(volume)
    columns = TableColumns(view.table)
    row = _row(columns, view.table, uid)
    keep_proposal(view, uid)
    job = Job(
        title=f"{columns.text('Name', row)} of '{volume.GetName()}' measured again",
        function="AIImagingLogic.tasks.measure_finding:measure_finding",
        arguments={
            "image": image_input(volume),
            "lesion": image_of(outline_of(view, uid)),
            "uid": uid,
            "name": columns.text("Name", row),
            "score": columns.number("Score", row),
        },
    )
    inputs = [volume, view.points, view.table, view.lesions]
    return SceneRun(service.service, view.points.GetScene(), job, inputs, lambda finding: record(view, finding))


def record(view, finding):
    """Put what was measured of a corrected outline into the scene: table, point and box. Returns the view."""
    from AIImagingLogic.scene.coordinates import ras_from_lps
    from AIImagingLogic.scene.finding_boxes import FindingBox, read_boxes, write_boxes

    uid, segment_id = finding.uid, segment_of(view, finding.uid)
    boxes = read_boxes(view.points)
    boxes[uid] = FindingBox(finding.box.size_mm, finding.box.axes, boxes[uid].colour)
    write_boxes(view.points, boxes)
    centre = ras_from_lps(finding.box.center_mm).tolist()
    view.points.SetNthControlPointPosition(view.uids.index(uid), *centre)
    view.lesions.GetSegmentation().GetSegment(segment_id).SetTag(_ALGORITHM_TYPE, CORRECTED)
    # Those who show the table look at the other nodes when it changes: it is the last.
    write_row(view.table, finding)
    renewed = type(view).from_nodes(view.points)
    renewed.set_review(uid, finding.review)
    return renewed


def write_row(table, finding):
    """Put the figures of a finding into its row; what was not measured of it any more is not a number."""
    from AIImagingLogic.records.measurement import measurement_entry

    columns = TableColumns(table)
    row = _row(columns, table, finding.uid)
    values = {measurement_entry(entry.name)["label"]: entry for entry in finding.measurements}
    was = table.StartModify()
    for name in {*values, *_measured_labels(columns)}:
        entry = values.get(name)
        column = table.GetTable().GetColumnByName(name) or _new_column(table, name, entry)
        column.SetValue(row, float("nan") if entry is None else entry.value)
    table.GetTable().GetColumnByName("Score").SetValue(row, finding.score)
    for word, text in finding.descriptors.items():
        column = table.GetTable().GetColumnByName(word.capitalize())
        if column is not None:
            column.SetValue(row, text)
    for axis, value in zip("LPS", finding.box.center_mm):
        table.GetTable().GetColumnByName(f"Centre {axis}").SetValue(row, value)
    table.GetTable().Modified()
    table.EndModify(was)


def new_row(table, finding, name):
    """Add the row of a finding, without its figures; `write_row` puts them in."""
    row = table.AddEmptyRow()
    content = table.GetTable()
    for number in range(content.GetNumberOfColumns()):
        column = content.GetColumn(number)
        column.SetValue(row, "" if column.IsA("vtkStringArray") else float("nan"))
    for column, value in (("Name", name), ("UID", finding.uid), ("Score", finding.score)):
        content.GetColumnByName(column).SetValue(row, value)
    content.GetColumnByName("Review").SetValue(row, finding.review.value)


def _proposals(view):
    """Return the segmentation that keeps what was proposed, made when it is first needed."""
    from AIImagingLogic.scene.node_attributes import KIND, VOLUME_ROLE
    from AIImagingLogic.scene.node_names import unique_name
    from AIImagingLogic.scene.parent_transforms import place_with
    from AIImagingLogic.scene.subject_hierarchy import place_beside

    found = view.lesions.GetNodeReference(_PROPOSAL_ROLE)
    if found is not None:
        return found
    scene, volume = view.lesions.GetScene(), view.points.GetNodeReference(VOLUME_ROLE)
    name = unique_name(scene, f"{view.lesions.GetName()} as proposed")
    made = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    made.CreateDefaultDisplayNodes()
    made.SetDisplayVisibility(False)
    made.SetAttribute(KIND, "proposals")
    view.lesions.SetNodeReferenceID(_PROPOSAL_ROLE, made.GetID())
    if volume is not None:
        made.SetReferenceImageGeometryParameterFromVolumeNode(volume)
        place_with(made, volume)
    place_beside(volume, [made], scene)
    return made


def _figures(view, uid):
    """Return the row of a finding, by the names of the columns."""
    columns = TableColumns(view.table)
    row = _row(columns, view.table, uid)
    return {name: columns.text(name, row) or columns.number(name, row) for name in columns.names}


def _measured_labels(columns):
    """Return the columns of measurements that the table has."""
    from AIImagingLogic.records.resources import load_resource

    labels = {entry["label"] for entry in load_resource("measurements.json")["measurements"].values()}
    return [name for name in columns.names if name in labels]


def _new_column(table, name, entry):
    array = vtk.vtkDoubleArray()
    array.SetName(name)
    for _row_number in range(table.GetNumberOfRows()):
        array.InsertNextValue(float("nan"))
    table.AddColumn(array)
    table.SetColumnUnitLabel(name, entry.unit)
    return table.GetTable().GetColumnByName(name)


def _row(columns, table, uid):
    from AIImagingLogic.records.errors import SceneError

    for row in range(table.GetNumberOfRows()):
        if columns.text("UID", row) == uid:
            return row
    raise SceneError("This finding is no longer in its table.", "Run the detection again.")


def image_of(outline):
    """Return an outline as the input of a job: LPS mm, without a parent transform, like the volume."""
    import numpy as np
    from vtk.util.numpy_support import vtk_to_numpy

    from AIImagingLogic.jobs.job import ImageInput

    voxels = vtk_to_numpy(outline.GetPointData().GetScalars()).reshape(outline.GetDimensions()[::-1])
    matrix = vtk.vtkMatrix4x4()
    outline.GetImageToWorldMatrix(matrix)
    to_ras = np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
    to_lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ to_ras
    extent = outline.GetExtent()
    spacing = np.linalg.norm(to_lps[:3, :3], axis=0)
    origin = to_lps @ np.array([extent[0], extent[2], extent[4], 1.0])
    direction = to_lps[:3, :3] / spacing
    return ImageInput(
        voxels=(voxels != 0).astype(np.uint8),
        spacing=tuple(spacing.tolist()),
        origin=tuple(origin[:3].tolist()),
        direction=tuple(direction.ravel().tolist()),
        facts={},
    )
