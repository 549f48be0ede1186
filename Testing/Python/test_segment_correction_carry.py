"""A correction carried to the next visit: where each place goes, what the image makes of it, and what stays."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.followup.carried_prompts import carried_prompts
from AIImagingLogic.images.geometry import index_to_world, inside
from AIImagingLogic.images.info import describe
from AIImagingLogic.jobs.service import JobService
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.records.prompts import Prompts, Stroke
from AIImagingLogic.scene.editor_rules_lattice import lattice_of, segment_in
from AIImagingLogic.scene.empty_scene import make_scene
from AIImagingLogic.scene.segment_correction_between import aligned_spaces, registration_between, spaces_between
from AIImagingLogic.scene.segment_correction_carry import CarryOrder, CorrectionCarrier
from AIImagingLogic.scene.segment_correction_kept import keep_prompts
from AIImagingLogic.scene.transforms import transform_node_from_registration
from AIImagingLogic.scene.volumes import volume_node_from_image
from Testing.Python.carried_visits import SHIFT_MM, TURN, body, earlier, later, registration, visits
from Testing.Python.editor_scene import segmentation_of

slicer = pytest.importorskip("slicer")
vtk = pytest.importorskip("vtk")

# A field is interpolated by cubics between nodes 2.5 mm apart.
EXACT_MM = {0.0: 1e-3, 3.0: 0.05}


class _Scene:
    """Both visits as volumes, the object outlined on one of them, the registration between them."""

    def __init__(self, bend_mm: float = 0.0, forward: bool = True, service=None) -> None:
        self.bend_mm, self.forward = bend_mm, forward
        pair = visits(bend_mm)
        self.scene = make_scene()
        names = ("Baseline", "Follow-up")
        self.volumes = [
            volume_node_from_image(visit.image, self.scene, name) for visit, name in zip(pair, names, strict=True)
        ]
        infos = tuple(describe(visit.image) for visit in pair)
        self.transform = transform_node_from_registration(
            registration(pair[0], infos, bend_mm), self.scene, "Follow-up to baseline"
        )
        order = (0, 1) if forward else (1, 0)
        (self.source, self.target), (self.visit, self.other) = ([seq[n] for n in order] for seq in (self.volumes, pair))
        layers = [(self.visit.image, self.visit.truth.astype(np.uint8), ("knobby",))]
        self.segmentation = segmentation_of(self.scene, self.source, layers)
        self.done, self.errors, self.steps = [], [], []
        if service is not None:
            self.carrier = CorrectionCarrier(service, self.done.append, self.errors.append, self.steps.append)

    def moved(self, points):
        return later(np.array(points), self.bend_mm) if self.forward else earlier(np.array(points), self.bend_mm)

    def start(self, points):
        """Points of the object at rest, in the coordinates of the source."""
        return np.array(points) if self.forward else later(np.array(points), self.bend_mm)

    def order(self, **more):
        return CarryOrder(self.segmentation, "knobby", self.source, self.target, **more)

    def carry(self, **more):
        self.carrier.carry(self.order(**more))
        end = time.monotonic() + 100
        while self.carrier.waiting and time.monotonic() < end:
            self.carrier.poll()
            time.sleep(0.005)
        assert not self.carrier.waiting
        if self.errors:
            raise self.errors[0]
        return self.done[-1]

    def mask(self, node, segment_id):
        lattice = lattice_of(node)
        return segment_in(node, segment_id, lattice, lattice.extent)


def _dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


@pytest.fixture(scope="module")
def service():
    with JobService() as made:
        yield made


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("bend_mm", [0.0, 3.0])
def test_places_are_carried_through_the_registration_in_its_direction(bend_mm, forward):
    scene = _Scene(bend_mm, forward)
    assert registration_between(scene.source, scene.target) is scene.transform
    spaces = spaces_between(scene.source, scene.target, scene.transform)
    points = scene.start(np.random.default_rng(1).uniform(-15, 15, (40, 3)))
    places, known = spaces.carried(0, 1, points)
    assert known.all()
    np.testing.assert_allclose(places, scene.moved(points), atol=EXACT_MM[bend_mm])
    np.testing.assert_allclose(spaces.carried(1, 0, places)[0], points, atol=0.01)


@pytest.mark.parametrize("forward", [True, False])
def test_a_chosen_transform_without_provenance_is_read_as_the_scene_shows_it(forward):
    scene = _Scene(3.0, forward)
    for name in list(scene.transform.GetAttributeNames()):
        scene.transform.RemoveAttribute(name)
    assert registration_between(scene.source, scene.target) is None
    with pytest.raises(SceneError, match="does not say which"):
        spaces_between(scene.source, scene.target, scene.transform)
    # Slicer's way: the later volume goes under the transform; here all stands in a room that is turned besides.
    room = scene.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Room")
    matrix = vtk.vtkMatrix4x4()
    for row, values in enumerate(np.c_[TURN, [5.0, -70.0, 30.0]]):
        for column, value in enumerate(values):
            matrix.SetElement(row, column, value)
    room.SetMatrixTransformToParent(matrix)
    scene.transform.SetAndObserveTransformNodeID(room.GetID())
    scene.volumes[0].SetAndObserveTransformNodeID(room.GetID())
    scene.volumes[1].SetAndObserveTransformNodeID(scene.transform.GetID())
    points = scene.start(np.random.default_rng(2).uniform(-15, 15, (20, 3)))
    for spaces in (
        spaces_between(scene.source, scene.target, scene.transform),
        aligned_spaces(scene.source, scene.target),
    ):
        places, known = spaces.carried(0, 1, points)
        assert known.all()
        np.testing.assert_allclose(places, scene.moved(points), atol=0.05)


def test_clicks_strokes_and_a_box_go_where_they_were_shown():
    scene = _Scene()
    spaces = spaces_between(scene.source, scene.target, scene.transform)
    box = OrientedBox((1.0, 2.0, 3.0), (30.0, 20.0, 0.0))
    line = ((0.0, 0.0, 0.0), (5.0, 3.0, 1.0))
    prompts = Prompts(((9.0, 7.0, 5.0),), ((-20.0, 0.0, 0.0),), (Stroke(line, False, 2.0),), box)
    found, notes = carried_prompts(prompts, lambda places: spaces.carried(0, 1, places))
    assert not notes
    np.testing.assert_allclose(found.inside_mm, scene.moved(prompts.inside_mm), atol=1e-3)
    np.testing.assert_allclose(found.outside_mm, scene.moved(prompts.outside_mm), atol=1e-3)
    np.testing.assert_allclose(found.strokes[0].points_mm, scene.moved(line), atol=1e-3)
    assert (found.strokes[0].inside, found.strokes[0].radius_mm) == (False, 2.0)
    np.testing.assert_allclose(found.box.center_mm, scene.moved([box.center_mm])[0], atol=1e-3)
    np.testing.assert_allclose(found.box.size_mm, box.size_mm, atol=1e-3)
    np.testing.assert_allclose(found.box.axes, TURN.T, atol=1e-5)


def test_a_lasso_becomes_strokes_that_fill_it_and_leave_out_its_bay():
    # A line like a C around a bay, in a slice: what lies in the bay was not shown.
    corners = [(0, 0), (30, 0), (30, 10), (10, 10), (10, 20), (30, 20), (30, 30), (0, 30)]
    lasso = tuple((float(x), float(y), 4.0) for x, y in corners)
    found, _ = carried_prompts(
        Prompts(lasso_mm=lasso), lambda places: (np.asarray(places, float) + SHIFT_MM, np.ones(len(places), bool))
    )
    assert found.lasso_mm == () and all(stroke.inside for stroke in found.strokes)
    drawn = []
    for stroke in found.strokes:
        points = np.array(stroke.points_mm) - SHIFT_MM
        np.testing.assert_allclose(points[:, 2], 4.0, atol=1e-6)
        for start, end in zip(points[:-1], points[1:], strict=True):
            drawn.append(start + np.linspace(0, 1, 50)[:, None] * (end - start))
    x, y = np.concatenate(drawn)[:, :2].T
    assert np.all((x > 0) & (x < 30) & (y > 0) & (y < 30))
    assert not np.any((x > 10.01) & (y > 10.01) & (y < 19.99))
    assert np.ptp(x) > 26 and np.ptp(y) > 26


def test_what_has_no_place_at_the_other_visit_is_left_out_and_told():
    def carry(places):
        places = np.asarray(places, float)
        return places, places[:, 0] < 10

    found, notes = carried_prompts(
        Prompts(((1.0, 0.0, 0.0), (20.0, 0.0, 0.0)), box=OrientedBox((0.0, 0.0, 0.0), (40.0, 4.0, 4.0))), carry
    )
    assert found == Prompts(((1.0, 0.0, 0.0),))
    assert len(notes) == 2 and "1 shown points" in notes[0] and "box" in notes[1]


@pytest.mark.parametrize(("bend_mm", "forward"), [(0.0, True), (3.0, False), (3.0, True)])
def test_a_segment_is_carried_to_the_other_visit_and_the_original_stays(service, bend_mm, forward):
    scene = _Scene(bend_mm, forward, service)
    before = scene.mask(scene.segmentation, "knobby")
    knob = scene.start([[9.0, 7.0, 5.0]])[0]
    keep_prompts(scene.segmentation, "knobby", scene.source, Prompts((tuple(knob.tolist()),)))
    made = scene.carry()
    found = scene.mask(made.segmentation, made.segment_id)
    assert _dice(found, scene.other.truth) > 0.95
    assert made.segmentation is not scene.segmentation and made.voxels == found.sum()
    np.testing.assert_array_equal(scene.mask(scene.segmentation, "knobby"), before)
    assert scene.segmentation.GetSegmentation().GetNumberOfSegments() == 1
    text = vtk.reference("")
    segment = made.segmentation.GetSegmentation().GetSegment(made.segment_id)
    assert segment.GetTag("AIImaging.CarriedFrom", text)
    origin = json.loads(str(text))
    assert (origin["volume"], origin["segment"]) == (scene.source.GetName(), "knobby")
    assert "Follow-up to baseline" in origin["way"]
    assert any("Carried from" in note for note in made.notes)
    assert segment.GetTag("DICOM.SegmentAlgorithmType", text) and str(text) == "SEMIAUTOMATIC"


def test_the_image_of_the_other_visit_corrects_what_the_registration_is_off_by(service):
    scene = _Scene(service=service)
    off = scene.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "1.5 mm off")
    off.CopyContent(scene.transform)
    matrix = vtk.vtkMatrix4x4()
    off.GetMatrixTransformToParent(matrix)
    for row in range(3):
        matrix.SetElement(row, 3, matrix.GetElement(row, 3) + 1.5)
    off.SetMatrixTransformToParent(matrix)
    off.SetNodeReferenceID(off.GetFixedNodeReferenceRole(), scene.source.GetID())
    off.SetNodeReferenceID(off.GetMovingNodeReferenceRole(), scene.target.GetID())
    spaces = spaces_between(scene.source, scene.target, off)
    grid = scene.other.image
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.GetSize()[::-1]), indexing="ij")
    points = index_to_world(grid, np.stack([i, j, k], axis=-1).reshape(-1, 3))
    as_carried = body(spaces.carried(1, 0, points)[0]).reshape(k.shape)
    made = scene.carry(transform=off)
    refined = _dice(scene.mask(made.segmentation, made.segment_id), scene.other.truth)
    assert refined > 0.94 > 0.87 > _dice(as_carried, scene.other.truth)


def test_into_a_chosen_segmentation_a_segment_is_added_beside_what_it_holds(service):
    scene = _Scene(service=service)
    labels = np.zeros(scene.other.truth.shape, np.uint8)
    labels[5:20, 10:40, 10:30] = 1
    into = segmentation_of(scene.scene, scene.target, [(scene.other.image, labels, ("knobby",))])
    made = scene.carry(into=into, transform=scene.transform)
    assert made.segmentation is into and made.segment_id != "knobby"
    np.testing.assert_array_equal(scene.mask(into, "knobby"), labels == 1)
    assert _dice(scene.mask(into, made.segment_id), scene.other.truth) > 0.95


def test_without_a_registration_the_visits_are_registered_first(service):
    scene = _Scene(service=service)
    scene.scene.RemoveNode(scene.transform)
    # Turned and shifted by a little, so that they overlap as two visits do.
    moved = sitk.Image(scene.visit.image)
    moved.SetOrigin((np.array(moved.GetOrigin()) + [4.0, -3.0, 2.0]).tolist())
    target = volume_node_from_image(moved, scene.scene, "Moved")
    scene.target = target
    made = scene.carry()
    assert scene.steps[0].startswith("Registering")
    node = registration_between(scene.source, target)
    assert node is not None and node.GetName() == "Moved to Baseline"
    assert _dice(scene.mask(made.segmentation, made.segment_id), scene.visit.truth) > 0.95


def test_a_volume_of_another_patient_or_the_same_volume_is_refused(service):
    scene = _Scene(service=service)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene.scene)
    level = slicer.vtkMRMLSubjectHierarchyConstants
    for name, volume in zip(("One", "Another"), scene.volumes, strict=True):
        patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), name)
        hierarchy.SetItemLevel(patient, level.GetDICOMLevelPatient())
        hierarchy.CreateItem(patient, volume)
    with pytest.raises(SceneError, match="another patient"):
        scene.carrier.carry(scene.order())
    scene.target = scene.source
    with pytest.raises(SceneError, match="the volume on which"):
        scene.carrier.carry(scene.order())
    assert inside(scene.visit.image, [(0.0, 0.0, 0.0)]).all() and not scene.carrier.waiting
