"""A follow-up as a scene: what is in it, where it lies, and that a saved scene comes back the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from synthetic_timeline import SHIFT_MM, two_visits

from AIImagingLogic.images.segment_tags import PROVENANCE
from AIImagingLogic.records.errors import OutputError, SceneError
from AIImagingLogic.records.timeline import Timeline
from AIImagingLogic.scene.coordinates import lps_from_ras

slicer = pytest.importorskip("slicer")

from AIImagingLogic.scene.follow_up_scene import build_follow_up_scene  # noqa: E402
from AIImagingLogic.scene.provenance import provenance_of  # noqa: E402
from AIImagingLogic.scene.save import load_scene, save_scene  # noqa: E402
from AIImagingLogic.scene.volumes import image_from_volume_node  # noqa: E402

TURN = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
OBLIQUE = TURN if np.linalg.det(TURN) < 0 else TURN[:, [1, 0, 2]]
"""Left-handed and turned about every axis."""

FollowUp = tuple[Timeline, tuple[sitk.Image, sitk.Image], Any]


@pytest.fixture(scope="module")
def follow_up() -> FollowUp:
    timeline, images = two_visits((3.0, 2.5, 4.0), OBLIQUE)
    return timeline, images, build_follow_up_scene(timeline, images)


@pytest.fixture(scope="module")
def reloaded(follow_up: FollowUp, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("scene with spaces äöü") / "scene.mrb"
    save_scene(follow_up[2], path)
    return load_scene(path)


@pytest.fixture(params=["built", "saved and loaded"])
def scene(request: pytest.FixtureRequest, follow_up: FollowUp) -> Any:
    return follow_up[2] if request.param == "built" else request.getfixturevalue("reloaded")


def _node(scene: Any, name: str) -> Any:
    nodes = scene.GetNodesByName(name)
    (node,) = [nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems())]
    return node


def _saved_nodes(scene: Any) -> Iterator[Any]:
    for index in range(scene.GetNumberOfNodes()):
        node = scene.GetNthNode(index)
        if (
            node.GetSaveWithScene()
            and not node.IsA("vtkMRMLStorageNode")
            and not node.IsA("vtkMRMLSubjectHierarchyNode")
        ):
            yield node


def test_volumes_hold_the_images_exactly(follow_up: FollowUp) -> None:
    for name, image in zip(("Baseline CT", "Follow-up CT"), follow_up[1]):
        back = image_from_volume_node(_node(follow_up[2], name))
        assert np.array_equal(sitk.GetArrayViewFromImage(back), sitk.GetArrayViewFromImage(image))
        for geometry in ("GetSpacing", "GetOrigin", "GetDirection"):
            assert getattr(back, geometry)() == getattr(image, geometry)()


def test_loaded_volumes_hold_every_voxel_where_it_was(reloaded: Any, follow_up: FollowUp) -> None:
    # Slicer stores a left-handed grid as the right-handed one with the same voxels: compared in patient space.
    for name, image in zip(("Baseline CT", "Follow-up CT"), follow_up[1]):
        back = image_from_volume_node(_node(reloaded, name))
        assert sorted(back.GetSize()) == sorted(image.GetSize())
        same_place = sitk.Resample(back, image, sitk.Transform(), sitk.sitkNearestNeighbor, -5000)
        assert np.array_equal(sitk.GetArrayViewFromImage(same_place), sitk.GetArrayViewFromImage(image))


def test_lesion_segments_lie_on_their_findings_in_the_lesions_colour(scene: Any, follow_up: FollowUp) -> None:
    timeline = follow_up[0]
    for index, title in enumerate(("Baseline", "Follow-up")):
        segmentation = _node(scene, f"{title} lesions")
        seen = [lesion for lesion in timeline.lesions if lesion.observations[index]]
        assert segmentation.GetSegmentation().GetNumberOfSegments() == len(seen)
        for lesion in seen:
            segment = segmentation.GetSegmentation().GetSegment(f"Segment_{lesion.number}")
            assert segment.GetName() == f"Lesion {lesion.number}"
            assert np.allclose(np.array(segment.GetColor()) * 255, lesion.colour, atol=0.5)
            finding = timeline.visits[index].finding(lesion.observations[index])
            center = lps_from_ras(segmentation.GetSegmentCenterRAS(segment_id(lesion)))
            # Slicer gives the middle of the segment's extent: half a voxel (2.5 mm at most across) of a sphere's.
            assert finding is not None
            assert np.linalg.norm(center - finding.box.center_mm) < 3.5
            assert "Lung nodule" not in segment.GetTerminology() and "^27925004^Nodule" in segment.GetTerminology()


def segment_id(lesion: Any) -> str:
    return f"Segment_{lesion.number}"


def test_points_and_box_lie_on_the_findings(scene: Any, follow_up: FollowUp) -> None:
    timeline = follow_up[0]
    for index, title in enumerate(("Baseline", "Follow-up")):
        points = _node(scene, f"{title} findings")
        findings = timeline.visits[index].findings
        assert points.GetNumberOfControlPoints() == len(findings)
        for number, finding in enumerate(findings):
            place = np.zeros(3)
            points.GetNthControlPointPositionWorld(number, place)
            assert np.allclose(lps_from_ras(place), finding.box.center_mm, atol=1e-6)
            assert points.GetNthControlPointDescription(number) == finding.uid
        assert points.GetNthControlPointLabel(0) == "Lesion 1"
        box = _node(scene, f"{title} current finding")
        center = np.zeros(3)
        box.GetCenterWorld(center)
        assert np.allclose(lps_from_ras(center), findings[0].box.center_mm, atol=1e-6)
        assert np.allclose(box.GetSize(), np.array(findings[0].box.size_mm) + 6)


def test_later_visit_under_the_transform_shows_on_the_earlier_one(scene: Any) -> None:
    transform = _node(scene, "Follow-up to Baseline")
    assert transform.IsLinear()
    points = _node(scene, "Follow-up findings")
    before = points.GetTransformNodeID()
    points.SetAndObserveTransformNodeID(transform.GetID())
    place = np.zeros(3)
    points.GetNthControlPointPositionWorld(0, place)
    points.SetAndObserveTransformNodeID(before)
    expected = np.array((-65.0, 5.0, -170.0))
    assert np.linalg.norm(SHIFT_MM) > 1
    assert np.allclose(lps_from_ras(place), expected, atol=1e-6)


def test_subject_hierarchy_holds_every_result_under_its_visit(scene: Any) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    studies = {
        "Baseline, 2023-03-01": ["CT", "organs", "lesions", "findings", "current finding", "findings table"],
        "Follow-up, 2024-03-01": ["CT", "organs", "lesions", "findings", "current finding", "findings table"],
    }
    for study, names in studies.items():
        item = hierarchy.GetItemChildWithName(hierarchy.GetSceneItemID(), study)
        title = study.split(",")[0]
        assert hierarchy.IsItemLevel(item, "Study")
        assert _children(hierarchy, item) == [f"{title} {name}" for name in names]
    assert hierarchy.GetItemUID(hierarchy.GetItemByName("Baseline, 2023-03-01"), "DICOM") == "2.25.900"
    between = hierarchy.GetItemChildWithName(hierarchy.GetSceneItemID(), "Between visits")
    assert _children(hierarchy, between) == ["Follow-up to Baseline", "Changes", "Growth", "Growth chart", "Lesion 1"]


def _children(hierarchy: Any, item: int) -> list[str]:
    import vtk

    children = vtk.vtkIdList()
    hierarchy.GetItemChildren(item, children)
    return [hierarchy.GetItemName(children.GetId(index)) for index in range(children.GetNumberOfIds())]


def test_provenance_survives_with_the_node_and_its_segments(scene: Any, follow_up: FollowUp) -> None:
    import vtk

    lesions = _node(scene, "Baseline lesions")
    assert provenance_of(lesions) == follow_up[0].visits[0].provenance
    tag = vtk.reference("")
    assert lesions.GetSegmentation().GetNthSegment(0).GetTag(PROVENANCE, tag)
    assert str(tag) == lesions.GetAttribute(PROVENANCE)
    assert provenance_of(_node(scene, "Follow-up to Baseline")).task == "register"  # type: ignore[union-attr]


def test_tables_keep_types_units_and_values(scene: Any) -> None:
    node = _node(scene, "Changes")
    table = node.GetTable()
    assert table.GetColumnByName("Volume before").IsNumeric()
    assert node.GetColumnUnitLabel("Volume before") == "mm3"
    assert table.GetColumnByName("Status").GetValue(1) == "new"
    volumes = [table.GetColumnByName(f"Volume {when}").GetValue(1) for when in ("before", "after")]
    assert np.isnan(volumes[0]) and volumes[1] > 0  # a new lesion has a size now
    percent = table.GetColumnByName("Volume change")
    assert percent.GetValue(0) > 100 and np.isnan(percent.GetValue(1))
    growth = _node(scene, "Growth").GetTable()
    assert growth.GetColumnByName("Days after the first visit").GetValue(1) == 366
    series = _node(scene, "Growth chart").GetNthPlotSeriesNode(0)
    assert series.GetTableNode().GetTable().GetColumnByName(series.GetYColumnName()).GetNumberOfValues() == 2


def test_loaded_scene_has_the_nodes_attributes_and_references_of_the_saved_one(
    follow_up: FollowUp, reloaded: Any
) -> None:
    def said(scene: Any) -> list[tuple[Any, ...]]:
        return [
            (
                node.GetID(),
                node.GetName(),
                {name: node.GetAttribute(name) for name in node.GetAttributeNames() or ()},
                getattr(node, "GetDisplayVisibility", lambda: None)(),
                _references(node),
            )
            for node in _saved_nodes(scene)
        ]

    assert said(reloaded) == said(follow_up[2])


def _references(node: Any) -> dict[str, str]:
    roles: list[str] = []
    node.GetNodeReferenceRoles(roles)
    named = {role: node.GetNodeReferenceID(role) for role in roles if role != "storage"}
    return {role: target for role, target in named.items() if target}


def test_scene_opens_on_the_first_visit_at_the_deciding_lesion(scene: Any) -> None:
    red = scene.GetNodeByID("vtkMRMLSliceNodeRed")
    assert np.allclose(lps_from_ras(red.GetSliceToRAS().MultiplyPoint((0, 0, 0, 1))[:3]), (-65, 5, -170), atol=1e-6)
    composite = scene.GetNodeByID("vtkMRMLSliceCompositeNodeRed")
    assert composite.GetBackgroundVolumeID() == _node(scene, "Baseline CT").GetID()
    assert _node(scene, "Baseline lesions").GetDisplayVisibility()
    assert not _node(scene, "Follow-up lesions").GetDisplayVisibility()


def test_scene_that_cannot_be_written_or_read_says_so_and_leaves_nothing(follow_up: FollowUp, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        save_scene(follow_up[2], tmp_path / "missing" / "scene.mrb")
    broken = tmp_path / "broken.mrb"
    save_scene(follow_up[2], tmp_path / "scene.mrb")
    whole = (tmp_path / "scene.mrb").read_bytes()
    working_folder = Path.cwd()
    spoilt = bytearray(whole)
    spoilt[40:20_000] = bytes(19_960)  # the directory at its end is whole, the files are not
    for content in (b"no bundle", whole[: len(whole) // 2], bytes(spoilt)):
        broken.write_bytes(content)
        with pytest.raises(SceneError, match="could not be read"):
            load_scene(broken)
        assert Path.cwd() == working_folder
    with pytest.raises(SceneError, match="does not exist"):
        load_scene(tmp_path / "missing.mrb")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.mrb", "scene.mrb"]
