"""ctkCollapsibleButton: a header that shows and hides what lies in it."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from Testing.Host.widgets.declared import kept_property

_HEADER = 26


class ctkCollapsibleButton(QtWidgets.QAbstractButton):
    """A button whose children are its contents."""

    contentsCollapsed = QtCore.Signal(bool)
    CPP_SIGNALS = {"contentsCollapsed(bool)": "contentsCollapsed(bool)"}

    def __init__(self, *arguments: Any) -> None:
        text = [value for value in arguments if isinstance(value, str)]
        super().__init__(*(value for value in arguments if not isinstance(value, str)))
        self.setText(text[0] if text else "")
        self.setCheckable(True)
        self.setChecked(True)
        self.setContentsMargins(0, _HEADER, 0, 0)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Preferred, QtWidgets.QSizePolicy.Policy.Preferred)
        self.toggled.connect(self._show_contents)

    def _is_collapsed(self) -> bool:
        return not self.isChecked()

    def _set_collapsed(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    collapsed = QtCore.Property(bool, _is_collapsed, _set_collapsed)
    flat = kept_property(bool, "flat", False)
    collapsedHeight = kept_property(int, "collapsedHeight", 0)
    contentsFrameShape = kept_property(int, "contentsFrameShape", 0)
    contentsLineWidth = kept_property(int, "contentsLineWidth", 1)

    def _show_contents(self, shown: bool) -> None:
        for child in self.children():
            if isinstance(child, QtWidgets.QWidget):
                child.setVisible(shown)
        self.setMaximumHeight(16777215 if shown else _HEADER)
        self.updateGeometry()
        self.contentsCollapsed.emit(not shown)

    def hitButton(self, position: QtCore.QPoint) -> bool:
        return bool(position.y() < _HEADER)

    def childEvent(self, event: QtCore.QChildEvent) -> None:
        child = event.child()
        if event.added() and not self.isChecked() and isinstance(child, QtWidgets.QWidget):
            child.hide()
        super().childEvent(event)

    def sizeHint(self) -> QtCore.QSize:
        layout = self.layout()
        inner = layout.totalSizeHint() if layout and self.isChecked() else QtCore.QSize(200, _HEADER)
        return QtCore.QSize(inner.width(), max(inner.height(), _HEADER))

    def minimumSizeHint(self) -> QtCore.QSize:
        layout = self.layout()
        return layout.totalMinimumSize() if layout and self.isChecked() else QtCore.QSize(60, _HEADER)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        header = QtCore.QRect(0, 0, self.width(), _HEADER)
        painter.fillRect(header, self.palette().color(QtGui.QPalette.ColorRole.Midlight))
        painter.setPen(self.palette().color(QtGui.QPalette.ColorRole.Mid))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        option.rect = QtCore.QRect(6, 7, 12, 12)
        element = QtWidgets.QStyle.PrimitiveElement
        arrow = element.PE_IndicatorArrowDown if self.isChecked() else element.PE_IndicatorArrowRight
        self.style().drawPrimitive(arrow, option, painter, self)
        group = QtGui.QPalette.ColorGroup.Normal if self.isEnabled() else QtGui.QPalette.ColorGroup.Disabled
        painter.setPen(self.palette().color(group, QtGui.QPalette.ColorRole.ButtonText))
        painter.drawText(header.adjusted(24, 0, -6, 0), QtCore.Qt.AlignmentFlag.AlignVCenter, self.text())
        painter.end()
