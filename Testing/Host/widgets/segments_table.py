"""qMRMLSegmentsTableView: the segments of a segmentation with their colours."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from Testing.Host.pythonqt.members import cpp_slot
from Testing.Host.widgets.declared import kept_property
from Testing.Host.widgets.mrml_widget import qMRMLWidget
from Testing.Host.widgets.scene_observers import forget, observe

_IDENTIFIER = QtCore.Qt.ItemDataRole.UserRole


class qMRMLSegmentsTableView(qMRMLWidget):
    """Lists segments; which columns Slicer would show besides colour and name is kept, not drawn."""

    selectedSegmentsChanged = QtCore.Signal(object, object)
    CPP_SIGNALS = {"selectionChanged(QItemSelection,QItemSelection)": "selectedSegmentsChanged(PyObject,PyObject)"}
    headerVisible = kept_property(bool, "headerVisible", True)
    visibilityColumnVisible = kept_property(bool, "visibilityColumnVisible", True)
    colorColumnVisible = kept_property(bool, "colorColumnVisible", True)
    opacityColumnVisible = kept_property(bool, "opacityColumnVisible", True)
    statusColumnVisible = kept_property(bool, "statusColumnVisible", False)
    readOnly = kept_property(bool, "readOnly", False)
    filterBarVisible = kept_property(bool, "filterBarVisible", False)
    jumpToSelectedSegmentEnabled = kept_property(bool, "jumpToSelectedSegmentEnabled", False)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._node: Any = None
        self._observed: list[tuple[Any, int]] = []
        self._table: Any = QtWidgets.QTableWidget(0, 2, self)
        self._table.setHorizontalHeaderLabels(["", "Name"])
        self._table.horizontalHeader().setStretchLastSection(True)
        self._table.setColumnWidth(0, 28)
        self._table.verticalHeader().hide()
        self._table.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)
        row = QtWidgets.QVBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._table)
        self._table.selectionModel().selectionChanged.connect(self.selectedSegmentsChanged.emit)

    @cpp_slot
    def segmentationNode(self) -> Any:
        """Return the segmentation node."""
        return self._node

    @cpp_slot
    def setSegmentationNode(self, node: Any) -> None:
        """Show the segments of a node, None for none."""
        forget(self._observed)
        self._node = node if node is not None and node.IsA("vtkMRMLSegmentationNode") else None
        if self._node is not None:
            segmentation = self._node.GetSegmentation()
            for event in (segmentation.SegmentAdded, segmentation.SegmentRemoved, segmentation.SegmentModified):
                self._observed.append(observe(segmentation, event, self, "_refresh"))
        self._refresh()

    @cpp_slot
    def tableWidget(self) -> Any:
        """Return the table."""
        return self._table

    segmentCount = QtCore.Property(int, lambda self: self._table.rowCount())

    @cpp_slot
    def displayedSegmentIDs(self) -> list[str]:
        """Return the identifiers that are shown."""
        return [self._table.item(row, 1).data(_IDENTIFIER) for row in range(self._table.rowCount())]

    @cpp_slot
    def selectedSegmentIDs(self) -> list[str]:
        """Return the identifiers of the selected rows."""
        rows = sorted({index.row() for index in self._table.selectedIndexes()})
        return [self._table.item(row, 1).data(_IDENTIFIER) for row in rows]

    @cpp_slot
    def setSelectedSegmentIDs(self, identifiers: list[str]) -> None:
        """Select the rows of some segments."""
        self._table.clearSelection()
        shown = self.displayedSegmentIDs()
        for identifier in identifiers:
            self._table.selectRow(shown.index(identifier))

    @cpp_slot
    def clearSelection(self) -> None:
        """Select nothing."""
        self._table.clearSelection()

    @cpp_slot
    def rowForSegmentID(self, identifier: str) -> int:
        """Return the row of a segment, -1 where there is none."""
        shown = self.displayedSegmentIDs()
        return shown.index(identifier) if identifier in shown else -1

    def _refresh(self) -> None:
        segmentation: Any = self._node.GetSegmentation() if self._node is not None else None
        identifiers = [] if segmentation is None else list(segmentation.GetSegmentIDs())
        self._table.setRowCount(len(identifiers))
        for row, identifier in enumerate(identifiers):
            segment = segmentation.GetSegment(identifier)
            colour, name = QtWidgets.QTableWidgetItem(""), QtWidgets.QTableWidgetItem(segment.GetName())
            colour.setBackground(QtGui.QColor.fromRgbF(*segment.GetColor()))
            name.setData(_IDENTIFIER, identifier)
            self._table.setItem(row, 0, colour)
            self._table.setItem(row, 1, name)
