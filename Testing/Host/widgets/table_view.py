"""qMRMLTableView: shows a table node of the scene."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtWidgets

from Testing.Host.pythonqt.members import cpp_slot
from Testing.Host.widgets.declared import kept_property
from Testing.Host.widgets.scene_observers import forget, observe

_DISPLAY = (QtCore.Qt.ItemDataRole.DisplayRole, QtCore.Qt.ItemDataRole.EditRole)


class qMRMLTableModel(QtCore.QAbstractTableModel):
    """The cells of a table node, read when they are asked for.

    As in Slicer, the names of the columns are the first row unless the node says that they are the header.
    """

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._node: Any = None

    def set_node(self, node: Any) -> None:
        """Show another node."""
        self.beginResetModel()
        self._node = node
        self.endResetModel()

    def _names_in_header(self) -> bool:
        return bool(self._node is not None and self._node.GetUseColumnTitleAsColumnHeader())

    def rowCount(self, parent: Any = None) -> int:
        nested = parent is not None and parent.isValid()
        if self._node is None or nested:
            return 0
        return int(self._node.GetNumberOfRows()) + (0 if self._names_in_header() else 1)

    def columnCount(self, parent: Any = None) -> int:
        nested = parent is not None and parent.isValid()
        return 0 if self._node is None or nested else int(self._node.GetNumberOfColumns())

    def data(self, index: Any, role: int = 0) -> Any:
        if self._node is None or role not in _DISPLAY:
            return None
        row = index.row() - (0 if self._names_in_header() else 1)
        return self._node.GetColumnName(index.column()) if row < 0 else self._node.GetCellText(row, index.column())

    def setData(self, index: Any, value: Any, role: int = 2) -> bool:
        row = index.row() - (0 if self._names_in_header() else 1)
        if self._node is None or row < 0 or self._node.GetLocked():
            return False
        return bool(self._node.SetCellText(row, index.column(), str(value)))

    def flags(self, index: Any) -> Any:
        flags = super().flags(index)
        locked = self._node is None or self._node.GetLocked()
        return flags if locked else flags | QtCore.Qt.ItemFlag.ItemIsEditable

    def headerData(self, section: int, orientation: Any, role: int = 0) -> Any:
        if role != QtCore.Qt.ItemDataRole.DisplayRole:
            return None
        if orientation == QtCore.Qt.Orientation.Horizontal and self._names_in_header():
            name = self._node.GetColumnName(section)
            return self._node.GetColumnTitle(name) or name
        return chr(65 + section) if orientation == QtCore.Qt.Orientation.Horizontal else str(section + 1)


class qMRMLTableView(QtWidgets.QTableView):
    """A spreadsheet of a table node."""

    mrmlSceneChanged = QtCore.Signal(object)
    selectedCellsChanged = QtCore.Signal()
    CPP_SIGNALS = {
        "mrmlSceneChanged(vtkMRMLScene*)": "mrmlSceneChanged(PyObject)",
        "selectionChanged()": "selectedCellsChanged()",
    }
    transposed = kept_property(bool, "transposed", False)
    firstRowLocked = kept_property(bool, "firstRowLocked", False)
    firstColumnLocked = kept_property(bool, "firstColumnLocked", False)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._scene: Any = None
        self._node: Any = None
        self._observed: list[tuple[Any, int]] = []
        self._table_model = qMRMLTableModel(self)
        self._proxy = QtCore.QSortFilterProxyModel(self)
        self._proxy.setSourceModel(self._table_model)
        self.setModel(self._proxy)
        self.verticalHeader().setDefaultSectionSize(24)

    @cpp_slot
    def mrmlScene(self) -> Any:
        """Return the scene."""
        return self._scene

    @cpp_slot
    def setMRMLScene(self, scene: Any) -> None:
        """Take a scene; a table that is not of it is shown no more."""
        if scene is not self._scene:
            self._scene = scene
            if self._node is not None and self._node.GetScene() is not scene:
                self.setMRMLTableNode(None)
            self.mrmlSceneChanged.emit(scene)

    @cpp_slot
    def mrmlTableNode(self) -> Any:
        """Return the table node."""
        return self._node

    @cpp_slot
    def setMRMLTableNode(self, node: Any) -> None:
        """Show a table node, None for none."""
        if node is not None and not node.IsA("vtkMRMLTableNode"):
            raise TypeError(f"setMRMLTableNode takes a table node, not {node.GetClassName()}")
        forget(self._observed)
        self._node = node
        if node is not None:
            self._observed.append(observe(node, "ModifiedEvent", self, "_refresh"))
            if node.GetScene() is not None:
                self._observed.append(observe(node.GetScene(), node.GetScene().NodeRemovedEvent, self, "_forget_gone"))
        self._table_model.set_node(node)

    @cpp_slot
    def tableModel(self) -> Any:
        """Return the model of the table."""
        return self._table_model

    @cpp_slot
    def sortFilterProxyModel(self) -> Any:
        """Return the model that sorts and filters."""
        return self._proxy

    def _refresh(self) -> None:
        self._table_model.set_node(self._node)

    def _forget_gone(self) -> None:
        if self._node is not None and self._node.GetScene() is None:
            self.setMRMLTableNode(None)

    def selectionChanged(self, selected: Any, deselected: Any) -> None:
        super().selectionChanged(selected, deselected)
        self.selectedCellsChanged.emit()
