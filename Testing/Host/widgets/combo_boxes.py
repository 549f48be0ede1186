"""ctkComboBox, ctkCheckableComboBox and smaller stand-ins that are Qt classes under CTK's names."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtWidgets

from Testing.Host.pythonqt.members import cpp_slot
from Testing.Host.widgets.declared import kept_property

_CHECKED, _UNCHECKED = QtCore.Qt.CheckState.Checked, QtCore.Qt.CheckState.Unchecked


class ctkComboBox(QtWidgets.QComboBox):
    """A combo box with a text for when nothing is chosen."""

    def _set_default(self) -> None:
        self.setPlaceholderText(self.defaultText)

    defaultText = kept_property(str, "defaultText", "", after="_set_default")
    forceDefault = kept_property(bool, "forceDefault", False)


class ctkCheckableComboBox(QtWidgets.QComboBox):
    """A combo box whose items can be checked."""

    checkedIndexesChanged = QtCore.Signal()
    CPP_SIGNALS = {"checkedIndexesChanged()": "checkedIndexesChanged()"}

    @cpp_slot
    def setCheckState(self, index: QtCore.QModelIndex, state: Any) -> None:
        """Check or uncheck an item."""
        self.model().setData(index, QtCore.Qt.CheckState(state), QtCore.Qt.ItemDataRole.CheckStateRole)
        self.checkedIndexesChanged.emit()

    @cpp_slot
    def checkState(self, index: QtCore.QModelIndex) -> Any:
        """Return whether an item is checked."""
        return QtCore.Qt.CheckState(self.model().data(index, QtCore.Qt.ItemDataRole.CheckStateRole) or 0)

    @cpp_slot
    def checkedIndexes(self) -> list[QtCore.QModelIndex]:
        """Return the checked items."""
        indexes = [self.model().index(row, 0) for row in range(self.count())]
        return [index for index in indexes if self.checkState(index) == _CHECKED]

    @cpp_slot
    def allChecked(self) -> bool:
        """Return whether all are checked."""
        return len(self.checkedIndexes()) == self.count()

    @cpp_slot
    def noneChecked(self) -> bool:
        """Return whether none is checked."""
        return not self.checkedIndexes()

    @cpp_slot
    def checkableModel(self) -> Any:
        """Return the model."""
        return self.model()


class ctkCheckBox(QtWidgets.QCheckBox):
    """A check box."""


class ctkCheckablePushButton(QtWidgets.QPushButton):
    """A push button with a check box."""

    checkBoxControlsButton = kept_property(bool, "checkBoxControlsButton", True)
    checkBoxControlsButtonToggleState = kept_property(bool, "checkBoxControlsButtonToggleState", False)


class ctkCollapsibleGroupBox(QtWidgets.QGroupBox):
    """A group box that can be folded."""

    def _fold(self) -> None:
        for child in self.findChildren(QtWidgets.QWidget, options=QtCore.Qt.FindChildOption.FindDirectChildrenOnly):
            child.setVisible(not self.collapsed)

    collapsed = kept_property(bool, "collapsed", False, after="_fold")
    collapsedHeight = kept_property(int, "collapsedHeight", 14)


class ctkMessageBox(QtWidgets.QMessageBox):
    """A message box that can be told not to come again."""

    dontShowAgain = kept_property(bool, "dontShowAgain", False)
    dontShowAgainVisible = kept_property(bool, "dontShowAgainVisible", False)
    dontShowAgainSettingsKey = kept_property(str, "dontShowAgainSettingsKey", "")
