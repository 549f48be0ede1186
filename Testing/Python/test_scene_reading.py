"""A reader study on a scene: AI marks are where and when the mode allows; what hands do is recorded or undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from reading_studies import Clock, planned_study, recorder
from scipy import ndimage

from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.records.reading import ActionKind, ReadingError

slicer = pytest.importorskip("slicer")

from AIImagingLogic.scene.empty_scene import make_scene  # noqa: E402
from AIImagingLogic.scene.node_attributes import KIND  # noqa: E402
from AIImagingLogic.scene.reading_desk import ReadingDesk  # noqa: E402
from AIImagingLogic.scene.slice_view import SliceView  # noqa: E402
from AIImagingLogic.scene.slice_views import slice_view_nodes  # noqa: E402

_AI = [(5.0, -3.0, 12.5), (2.0, 1.0, 4.0)]
_PLACE = (1.5, -7.25, 3.0)


class Sitting:
    """A reader at a study in one mode, on an oblique image."""

    def __init__(self, folder: Path, mode: str, cases: int = 2) -> None:
        image = sitk.GetImageFromArray(np.zeros((10, 12, 14), np.int16))
        image.SetSpacing((0.7, 0.9, 2.5))
        image.SetDirection((0.0, 1.0, 0.0, 0.6, 0.0, 0.8, 0.8, 0.0, -0.6))
        for number in range(1, cases + 1):
            (folder / f"C{number}.nrrd").parent.mkdir(parents=True, exist_ok=True)
            sitk.WriteImage(image, str(folder / f"C{number}.nrrd"))
        rows = [
            f"C{number},{','.join(map(str, place))},0.{9 - index}"
            for number in range(1, cases + 1)
            for index, place in enumerate(_AI)
        ]
        text = "seriesuid,coordX,coordY,coordZ,probability\n" + "\n".join(rows)
        (folder / "ai.csv").write_text(text, encoding="utf-8")
        self.clock, self.refused, self.scene = Clock(), [], make_scene()  # type: ignore[var-annotated]
        for name, plane in (("Red", "Axial"), ("Green", "Coronal")):
            slice_view_nodes(self.scene, name, plane)
        self.study = planned_study(folder, cases, modes=[mode])
        self.sit_down()

    def sit_down(self) -> None:
        """Start the program."""
        self.desk = ReadingDesk(
            self.scene, recorder(self.study, "R1", self.clock), on_refused=lambda error: self.refused.append(str(error))
        )

    def ai_nodes(self) -> list[Any]:
        """Every node that AI Imaging made and that holds the AI's marks, or any point of theirs."""
        nodes = self.scene.GetNodes()
        found = [nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems())]
        return [node for node in found if "AI" in (node.GetAttribute(KIND) or "")]

    @property
    def own(self) -> Any:
        assert self.desk.nodes is not None
        return self.desk.nodes.marks


def test_an_unaided_reading_makes_no_node_of_the_ai_and_does_not_read_its_file(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, "unaided")
    (tmp_path / "ai.csv").write_text("broken", encoding="utf-8")
    sitting.desk.open()
    sitting.desk.rate(sitting.desk.add(_PLACE), 40.0)
    with pytest.raises(ReadingError):
        sitting.desk.lock()
    assert sitting.ai_nodes() == []
    sitting.desk.finish()
    assert sitting.ai_nodes() == [] and sitting.scene.GetFirstNodeByClass("vtkMRMLMarkupsFiducialNode") is None


def test_marks_of_the_ai_lie_where_the_file_says_and_appear_with_the_lock(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, "second-reader")
    sitting.desk.open()
    assert sitting.ai_nodes() == []
    sitting.desk.lock()
    (node,) = sitting.ai_nodes()
    found = [node.GetNthControlPointPosition(index) for index in range(2)]
    assert found == [(-x, -y, z) for x, y, z in _AI] and node.GetLocked()
    sitting.desk.accept("A1"), sitting.desk.refuse("A2")
    assert [node.GetNthControlPointLabel(index) for index in range(2)] == ["A1 accepted", "A2 refused"]
    assert not node.GetNthControlPointSelected(1)
    sitting.desk.rate("A1", 80.0)
    sitting.desk.finish()
    assert sitting.ai_nodes() == []
    assert [mark.position_mm for mark in sitting.desk.recorder.finished[0].marks] == [_AI[0]]


def test_a_concurrent_reading_shows_them_from_the_start(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, "concurrent")
    sitting.desk.open()
    assert len(sitting.ai_nodes()) == 1 and sitting.desk.state.undecided == ("A1", "A2")


@pytest.mark.parametrize("beside_mm", [(0, 0, 0), (2.5, 0, 0), (-2.5, 0, 0), (2, 2, 0), (-2, 2, 0), (2, -2, 0)])
def test_names_of_both_marks_on_one_nodule_can_be_read(tmp_path: Path, beside_mm: tuple[float, float, float]) -> None:
    sitting = Sitting(tmp_path, "concurrent")
    sitting.desk.open()
    sitting.desk.add(tuple(np.add(_AI[0], beside_mm).tolist()))
    nodes = sitting.desk.nodes
    view = SliceView(sitting.scene, 240, 240, markups=True)

    def drawn() -> Any:
        return view.picture(nodes.volume, "Axial", _AI[0], 80.0)[0].astype(int)

    names = []
    for node in (nodes.marks, nodes.ai):
        display = node.GetDisplayNode()
        named = drawn()
        display.SetPointLabelsVisibility(False)
        names.append(np.abs(drawn() - named).max(axis=2) > 60)
        display.SetPointLabelsVisibility(True)
    assert all(name.sum() > 30 for name in names)
    # Where one covered the other, the other's letters would not stand free.
    assert not (ndimage.binary_dilation(names[0]) & names[1]).any()


def test_points_put_moved_and_removed_by_hand_are_recorded_at_their_place(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, "unaided")
    sitting.desk.open()
    own = sitting.own
    own.AddControlPoint(1.0, 2.0, 3.0)
    own.AddControlPoint(4.0, 5.0, 6.0)
    assert [own.GetNthControlPointLabel(index) for index in range(2)] == ["M1", "M2"]
    own.SetNthControlPointPosition(1, 7.0, 8.0, 9.0)
    own.InvokeEvent(own.PointEndInteractionEvent)
    own.RemoveNthControlPoint(0)
    actions = [action for action in sitting.desk.state.actions if action.mark]
    assert [(action.kind, action.mark, action.position_mm) for action in actions] == [
        (ActionKind.ADD, "M1", (-1.0, -2.0, 3.0)),
        (ActionKind.ADD, "M2", (-4.0, -5.0, 6.0)),
        (ActionKind.MOVE, "M2", (-7.0, -8.0, 9.0)),
        (ActionKind.DELETE, "M1", None),
    ]
    own.AddControlPoint(0.0, 0.0, 0.0)
    assert list(sitting.desk.state.marks) == ["M2", "M3"]


def test_what_hands_do_to_a_locked_mark_is_put_back(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, "second-reader")
    sitting.desk.open()
    sitting.desk.rate(sitting.desk.add(_PLACE), 55.0)
    sitting.desk.lock()
    locked, own = sitting.desk.state.locked, sitting.own
    own.SetNthControlPointPosition(0, 9.0, 9.0, 9.0)
    own.InvokeEvent(own.PointEndInteractionEvent)
    own.RemoveNthControlPoint(0)
    assert len(sitting.refused) == 2 and "is locked" in sitting.refused[0]
    assert own.GetNumberOfControlPoints() == 1 and own.GetNthControlPointLocked(0)
    assert own.GetNthControlPointPosition(0) == (-_PLACE[0], -_PLACE[1], _PLACE[2])
    # Moved without an event, as by a script: seen at the end.
    own.SetNthControlPointPosition(0, 9.0, 9.0, 9.0)
    sitting.desk.refuse("A1"), sitting.desk.refuse("A2")
    sitting.desk.finish()
    reading = sitting.desk.recorder.finished[0]
    assert reading.alone_marks == locked == reading.marks


def test_a_program_that_died_goes_on_with_marks_lock_and_judgements_on_the_scene(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, "second-reader")
    sitting.desk.open()
    sitting.desk.rate(sitting.desk.add(_PLACE), 55.0)
    sitting.desk.lock()
    sitting.desk.refuse("A2")
    before = sitting.desk.state
    log = sitting.desk.recorder._log
    log._file.close(), log._held.release()
    sitting.scene = make_scene()
    sitting.sit_down()
    sitting.desk.open()
    after = sitting.desk.state
    assert (after.marks, after.locked, after.refused, after.shown) == (
        before.marks,
        before.locked,
        before.refused,
        before.shown,
    )
    (node,) = sitting.ai_nodes()
    assert node.GetNthControlPointLabel(1) == "A2 refused"
    assert sitting.own.GetNthControlPointPosition(0) == (-_PLACE[0], -_PLACE[1], _PLACE[2])


def test_in_a_pause_nothing_is_to_be_seen_and_nothing_is_recorded(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, "unaided")
    sitting.desk.open()
    composite = sitting.scene.GetFirstNodeByClass("vtkMRMLSliceCompositeNode")
    assert composite.GetBackgroundVolumeID() == sitting.desk.nodes.volume.GetID()
    sitting.desk.pause()
    assert composite.GetBackgroundVolumeID() is None and not sitting.own.GetDisplayVisibility()
    sitting.own.AddControlPoint(0.0, 0.0, 0.0)
    assert sitting.own.GetNumberOfControlPoints() == 0 and "is paused" in sitting.refused[0]
    sitting.desk.open()
    assert composite.GetBackgroundVolumeID() is not None and sitting.own.GetDisplayVisibility()


def test_a_view_that_moves_is_a_sign_of_the_reader(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, "unaided")
    sitting.desk.open()
    view = sitting.scene.GetFirstNodeByClass("vtkMRMLSliceNode")
    for _ in range(4):
        sitting.clock.on(40)
        view.JumpSliceByCentering(1.0, 2.0, float(sitting.clock.seconds))
    sitting.desk.finish()
    assert sitting.desk.recorder.finished[0].idle_seconds == 0.0


def test_a_scene_with_results_of_the_ai_is_refused_and_those_that_come_later_are_told(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, "unaided")
    other = sitting.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Old findings")
    other.SetAttribute(KIND, "findings")
    with pytest.raises(SceneError, match="Old findings"):
        sitting.desk.open()
    sitting.scene.RemoveNode(other)
    sitting.desk.open()
    later = sitting.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Findings")
    later.SetAttribute(KIND, "findings")
    sitting.desk.finish()
    assert sitting.desk.recorder.finished[0].actions[-1].note == "other AI results in the scene"


def test_a_scene_closed_with_a_case_open_pauses_it_and_it_comes_back(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, "unaided")
    sitting.desk.open()
    sitting.desk.add(_PLACE)
    sitting.desk.scene_closes()
    sitting.scene.Clear(0)
    sitting.clock.on(500)
    sitting.desk.open()
    assert sitting.own.GetNumberOfControlPoints() == 1
    sitting.desk.rate("M1", 3.0)
    sitting.desk.finish()
    assert sitting.desk.recorder.finished[0].active_seconds == 0.0


def test_an_image_that_cannot_be_read_opens_no_case(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, "unaided", 1)
    (tmp_path / "C1.nrrd").write_bytes(b"no image")
    nodes = sitting.scene.GetNumberOfNodes()
    from AIImagingLogic.records.errors import UnreadableImageError

    with pytest.raises(UnreadableImageError):
        sitting.desk.open()
    assert sitting.desk.state is None and sitting.scene.GetNumberOfNodes() == nodes
