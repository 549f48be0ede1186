"""qMRMLCheckableNodeComboBox: several nodes of the scene, each checked or not."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from Testing.Host.pythonqt.members import cpp_slot
from Testing.Host.widgets.node_combo_box import qMRMLNodeComboBox

_CHECKED, _UNCHECKED = QtCore.Qt.CheckState.Checked, QtCore.Qt.CheckState.Unchecked


class qMRMLCheckableNodeComboBox(qMRMLNodeComboBox):
    """A node selector in which every node has a check box."""

    checkedNodesChanged = QtCore.Signal()
    CPP_SIGNALS = {"checkedNodesChanged()": "checkedNodesChanged()"}

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._checked: list[Any] = []
        self._box.paintEvent = self._paint_names  # type: ignore[method-assign]

    def _paint_names(self, event: Any) -> None:
        """Paint the names of all checked nodes, as CTK's combo box does."""
        option = QtWidgets.QStyleOptionComboBox()
        self._box.initStyleOption(option)
        option.currentText = ", ".join(node.GetName() for node in self.checkedNodes())
        painter = QtWidgets.QStylePainter(self._box)
        painter.drawComplexControl(QtWidgets.QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QtWidgets.QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()

    @cpp_slot
    def checkedNodes(self) -> list[Any]:
        """Return the checked nodes, in the scene's order."""
        return [node for node in self._offered() if node in self._checked]

    @cpp_slot
    def uncheckedNodes(self) -> list[Any]:
        """Return the others."""
        return [node for node in self._offered() if node not in self._checked]

    @cpp_slot
    def allChecked(self) -> bool:
        """Return whether all are checked."""
        return not self.uncheckedNodes()

    @cpp_slot
    def noneChecked(self) -> bool:
        """Return whether none is checked."""
        return not self.checkedNodes()

    @cpp_slot
    def checkState(self, node: Any) -> Any:
        """Return whether a node is checked."""
        return _CHECKED if node in self._checked else _UNCHECKED

    @cpp_slot
    def setCheckState(self, node: Any, state: Any) -> None:
        """Check or uncheck a node."""
        checked = QtCore.Qt.CheckState(state) == _CHECKED
        if checked != (node in self._checked):
            self._checked = [known for known in self._checked if known is not node] + ([node] if checked else [])
            self._show_checks()
            self.checkedNodesChanged.emit()

    @cpp_slot
    def check(self, node: Any) -> None:
        """Check a node."""
        self.setCheckState(node, _CHECKED)

    @cpp_slot
    def uncheck(self, node: Any) -> None:
        """Uncheck a node."""
        self.setCheckState(node, _UNCHECKED)

    def _show_checks(self) -> None:
        model = self._box.model()
        first = int(bool(self.noneEnabled))
        for row, node in enumerate(self._offered()):
            item = model.item(first + row) if isinstance(model, QtGui.QStandardItemModel) else None
            if item is not None:
                item.setCheckState(self.checkState(node))
        self._box.update()

    def _refresh(self) -> None:
        super()._refresh()
        if "_checked" in self.__dict__:
            gone = [node for node in self._checked if node not in self._offered()]
            self._checked = [node for node in self._checked if node not in gone]
            self._show_checks()
            if gone:
                self.checkedNodesChanged.emit()
