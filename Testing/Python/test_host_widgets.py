"""The stand-ins for Slicer's larger widgets show what is in the scene."""

from __future__ import annotations

import numpy as np
import pytest

from Testing import Host as test_host

pytestmark = pytest.mark.skipif(test_host.reason_missing() is not None, reason=str(test_host.reason_missing()))


@pytest.fixture
def host():
    with test_host.running() as host:
        yield host


def _pixels(widget, folder, size=(300, 200)):
    from PIL import Image

    from Testing.Host.pythonqt import unwrap

    target = unwrap(widget)
    target.resize(*size)
    assert target.grab().save(str(folder / "widget.png"))
    return np.asarray(Image.open(folder / "widget.png").convert("RGB"))


def test_a_plot_view_draws_its_chart(host, tmp_path):
    import slicer
    import vtk

    table = host.scene.AddNewNodeByClass("vtkMRMLTableNode", "Growth")
    for name, values in (("day", (0.0, 90.0, 180.0)), ("volume", (100.0, 150.0, 220.0))):
        column = vtk.vtkDoubleArray()
        column.SetName(name)
        for value in values:
            column.InsertNextValue(value)
        table.AddColumn(column)
    series = host.scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", "Nodule 1")
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetXColumnName("day")
    series.SetYColumnName("volume")
    series.SetPlotType(series.PlotTypeScatter)
    series.SetLineWidth(4)
    series.SetColor(1.0, 0.0, 0.0)
    chart = host.scene.AddNewNodeByClass("vtkMRMLPlotChartNode")
    chart.AddAndObservePlotSeriesNodeID(series.GetID())
    node = host.scene.AddNewNodeByClass("vtkMRMLPlotViewNode")
    view = slicer.qMRMLPlotView()
    view.setMRMLScene(host.scene)
    view.setMRMLPlotViewNode(node)
    assert (_pixels(view, tmp_path) == 255).all()
    node.SetPlotChartNodeID(chart.GetID())
    red = _pixels(view, tmp_path).astype(int)
    assert ((red[..., 0] > 200) & (red[..., 1] < 80) & (red[..., 2] < 80)).sum() > 50


def test_a_segments_table_follows_its_segmentation(host, tmp_path):
    import slicer

    node = host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    table = slicer.qMRMLSegmentsTableView()
    table.setMRMLScene(host.scene)
    table.setSegmentationNode(node)
    lung = node.GetSegmentation().AddEmptySegment("lung", "Left lung", [0.0, 1.0, 0.0])
    node.GetSegmentation().AddEmptySegment("liver", "Liver", [1.0, 0.0, 0.0])
    assert table.displayedSegmentIDs() == ("lung", "liver") and table.segmentCount == 2
    table.setSelectedSegmentIDs(["liver"])
    assert table.selectedSegmentIDs() == ("liver",)
    green = _pixels(table, tmp_path).reshape(-1, 3)
    assert (green == (0, 255, 0)).all(axis=1).sum() > 50
    node.GetSegmentation().RemoveSegment(lung)
    assert table.displayedSegmentIDs() == ("liver",)


def test_a_checkable_selector_keeps_its_checks_and_forgets_removed_nodes(host):
    import qt
    import slicer

    selector = slicer.qMRMLCheckableNodeComboBox()
    selector.nodeTypes = ["vtkMRMLTextNode"]
    selector.setMRMLScene(host.scene)
    nodes = [host.scene.AddNewNodeByClass("vtkMRMLTextNode", name) for name in "ABC"]
    heard = []
    selector.connect("checkedNodesChanged()", lambda: heard.append(selector.checkedNodes()))
    selector.setCheckState(nodes[2], qt.Qt.Checked)
    selector.setCheckState(nodes[0], qt.Qt.Checked)
    host.scene.RemoveNode(nodes[2])
    assert heard == [(nodes[2],), (nodes[0], nodes[2]), (nodes[0],)]
    assert selector.checkState(nodes[1]) == qt.Qt.Unchecked


def test_a_ui_file_that_slicer_could_not_load_is_refused(host, tmp_path):
    import slicer

    def load(widget, custom="", connections=""):
        path = tmp_path / "panel.ui"
        path.write_text(f'<ui version="4.0">{widget}<customwidgets>{custom}</customwidgets>{connections}</ui>')
        return slicer.util.loadUI(str(path))

    listed = "<customwidget><class>qMRMLWidget</class><extends>QWidget</extends><header>q.h</header></customwidget>"
    good = '<widget class="qMRMLWidget" name="panel"/>'
    slot = (
        "<connections><connection><sender>panel</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>"
        "<receiver>panel</receiver><slot>{}(vtkMRMLScene*)</slot></connection></connections>"
    )
    assert load(good, listed, slot.format("setMRMLScene")).name == "panel"
    with pytest.raises(Exception, match="does not list it"):
        load(good)
    with pytest.raises(Exception, match="no stand-in"):
        load('<widget class="qMRMLVolumePropertyWidget" name="panel"/>')
    with pytest.raises(Exception, match="does not exist on qMRMLWidget"):
        load(good, listed, slot.format("setScene"))
    with pytest.raises(Exception, match="no property 'scene'"):
        load(good.replace("/>", '><property name="scene"><string/></property></widget>'), listed)


def test_a_selector_without_a_parameter_node_forgets_a_removed_node(host):
    import slicer

    selector, heard = slicer.qMRMLNodeComboBox(), []
    selector.nodeTypes, selector.noneEnabled = ["vtkMRMLTextNode"], True
    selector.setMRMLScene(host.scene)
    node = host.scene.AddNewNodeByClass("vtkMRMLTextNode", "A")
    selector.setCurrentNode(node)
    selector.connect("currentNodeChanged(bool)", heard.append)
    host.scene.RemoveNode(node)
    assert selector.currentNode() is None and heard == [False]
