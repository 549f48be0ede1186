"""The test host runs a panel: loaded from its .ui file, driven, photographed, closed without a trace."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest

from Testing import Host as test_host

pytestmark = pytest.mark.skipif(test_host.reason_missing() is not None, reason=str(test_host.reason_missing()))

EXAMPLE = Path(test_host.__file__).parent / "ExampleModule"


@pytest.fixture
def host():
    with test_host.running() as host:
        yield host


@pytest.fixture
def panel(host):
    return host.open_module(EXAMPLE)


def _volume(name="CT", shape=(2, 3, 4)):
    import slicer

    return slicer.util.addVolumeFromArray(np.zeros(shape, np.int16), name=name)


def test_a_run_shows_its_result_in_the_panel(host, panel):
    assert not panel.ui.applyButton.enabled
    panel.choose("volumeSelector", _volume())
    panel.click("applyButton")
    host.process_events(until=lambda: "Counted" in panel.ui.statusLabel.text)
    model = panel.ui.tableView.model()
    assert panel.ui.progressBar.value == 100 and panel.ui.statusLabel.text == "Counted in 'CT'."
    assert model.index(0, 1).data() == "24" and model.headerData(1, 1) == "Voxels"
    assert panel.widget._parameterNode.table is panel.ui.tableView.mrmlTableNode()


def test_a_button_that_a_person_cannot_click_is_not_clicked(panel):
    with pytest.raises(AssertionError, match="disabled"):
        panel.click("applyButton")


def test_an_error_in_a_slot_fails_the_test(host, panel):
    from Testing.Host.pythonqt.faults import FaultInSlotError

    panel.choose("volumeSelector", _volume())
    panel.choose("remarkLineEdit", "fail")
    with pytest.raises(FaultInSlotError, match="fails on request"):
        panel.click("applyButton")


def test_a_selector_offers_what_fits_and_forgets_what_is_gone(host, panel):
    import slicer

    first, second = _volume("A"), _volume("B")
    hidden, label = _volume("Hidden"), slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Label")
    hidden.SetHideFromEditors(True)
    selector, heard = panel.ui.volumeSelector, []
    selector.connect("currentNodeChanged(vtkMRMLNode*)", heard.append)
    selector.showChildNodeTypes = False
    assert [selector.nodeFromIndex(i).GetName() for i in range(selector.nodeCount())] == ["A", "B"]
    selector.setCurrentNode(label)
    assert selector.currentNode() is None
    panel.choose("volumeSelector", second)
    second.SetName("Renamed")
    assert "Renamed" in [panel.find("volumeSelector").children()[1].itemText(i) for i in range(3)]
    slicer.mrmlScene.RemoveNode(second)
    assert selector.currentNode() is None and selector.currentNodeID == "" and heard == [second, None]
    assert first in [selector.nodeFromIndex(i) for i in range(selector.nodeCount())]


def test_closing_the_scene_leaves_a_panel_that_works(host, panel):
    panel.choose("volumeSelector", _volume())
    host.close_scene()
    assert panel.ui.volumeSelector.currentNode() is None and not panel.ui.applyButton.enabled
    again = _volume("Later")
    panel.choose("volumeSelector", again)
    assert panel.ui.applyButton.enabled and panel.widget._parameterNode.volume is again


def test_leaving_and_entering_calls_the_panel_and_keeps_one_observer(panel):
    for _ in range(3):
        panel.exit()
        panel.enter()
    assert panel.widget.entered == 4 and panel.parent.isEntered
    node = panel.widget._parameterNode
    assert sum(entry[0] is node for entry in panel.widget.Observations) == 1


def test_a_picture_shows_the_panels_text(host, panel, tmp_path):
    from PIL import Image

    def ink(name):
        picture = np.asarray(Image.open(panel.photograph(tmp_path / name)).convert("L"))
        # Text and frames are much darker than the panel's light gray.
        return picture.shape, int((picture < 100).sum())

    shape, written = ink("text.png")
    for label in panel.parent.findChildren("QLabel"):
        label.text = ""
    assert shape[1] == 960 and shape[0] > 300
    assert written > ink("blank.png")[1] + 1000


def test_the_event_gap_is_as_long_as_what_held_the_loop_up(host):
    import qt

    def block():
        end = time.perf_counter() + 0.2
        while time.perf_counter() < end:
            pass

    done = []
    qt.QTimer.singleShot(10, block)
    qt.QTimer.singleShot(60, lambda: done.append(1))
    with host.longest_event_gap() as gap:
        host.process_events(until=lambda: done)
    # What held the loop up took 200 ms; a loaded machine only makes the gap longer.
    assert gap[0] >= 200


def test_quitting_is_told_to_all_that_listen(host):
    import slicer

    heard = []
    slicer.app.connect("aboutToQuit()", lambda: heard.append("quit"))
    host.quit()
    assert heard == ["quit"]


def test_slice_views_are_set_by_slicers_own_functions(host):
    import slicer

    volume = _volume(shape=(20, 30, 40))
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    slicer.util.resetSliceViews()
    names = slicer.app.layoutManager().sliceViewNames()
    red = slicer.app.layoutManager().sliceWidget("Red")
    assert set(names) >= {"Red", "Green", "Yellow"}
    assert red.mrmlSliceCompositeNode().GetBackgroundVolumeID() == volume.GetID()
    assert red.sliceLogic().GetSliceNode() is red.mrmlSliceNode()


def test_nothing_is_left_when_the_host_is_closed():
    import slicer

    with test_host.running() as host:
        panel = host.open_module(EXAMPLE)
        node = panel.widget._parameterNode.parameterNode
        scene = host.scene
    assert "qt" not in sys.modules and "ExampleModule" not in sys.modules and not hasattr(slicer, "app")
    assert not node.HasObserver("ModifiedEvent") and not scene.HasObserver(scene.NodeAddedEvent)
    assert str(EXAMPLE) not in sys.path
