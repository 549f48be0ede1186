"""A module's panel, as a test drives it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6 import QtCore, QtGui, QtWidgets

from Testing.Host.pythonqt import unwrap

if TYPE_CHECKING:
    from Testing.Host.host import Host

# Slicer's module panel is about this wide; pictures are taken at twice the resolution.
_WIDTH, _RATIO = 480, 2


class Panel:
    """A panel that was opened.

    Attributes
    ----------
    widget : the module's widget object (``AIFollowUpWidget``)
    parent : the Qt widget that holds the panel
    module : what `slicer.modules.<name>` is
    """

    def __init__(self, host: Host, widget: Any, parent: Any, module: Any) -> None:
        self._host, self.widget, self.parent, self.module = host, widget, parent, module

    @property
    def ui(self) -> Any:
        """The widgets of the .ui file by name."""
        return self.widget.ui

    @property
    def logic(self) -> Any:
        """The module's logic."""
        return self.widget.logic

    def find(self, name: str) -> Any:
        """Return a widget of the panel by its object name.

        Raises
        ------
        LookupError
            There is none.
        """
        found = unwrap(self.parent).findChild(QtCore.QObject, name)
        if found is None:
            raise LookupError(f"The panel has no widget named '{name}'.")
        from Testing.Host.pythonqt import wrap

        return wrap(found)

    def click(self, name: str) -> None:
        """Click a button, as a person can: it must be shown and enabled.

        Raises
        ------
        AssertionError
            It cannot be clicked, or a slot raised.
        """
        button = unwrap(self.find(name))
        if not button.isEnabled():
            raise AssertionError(f"'{name}' is disabled: {button.toolTip() or button.text()}")
        if not button.isVisibleTo(unwrap(self.parent)):
            raise AssertionError(f"'{name}' is hidden.")
        button.click()
        self._host.process_events()

    def choose(self, name: str, value: Any) -> None:
        """Choose a node in a node selector, an item's text in a combo box, or set a text, path, number or check."""
        widget = self.find(name)
        target = unwrap(widget)
        if hasattr(target, "setCurrentNode"):
            widget.setCurrentNode(value)
            if target.currentNode() is not value:
                raise AssertionError(f"'{name}' does not offer {value.GetName() if value is not None else None!r}.")
        elif isinstance(target, QtWidgets.QComboBox):
            index = target.findText(value)
            if index < 0:
                raise AssertionError(f"'{name}' does not offer {value!r}.")
            target.setCurrentIndex(index)
            target.activated.emit(index)
        elif isinstance(target, QtWidgets.QLineEdit):
            target.setText(value)
            target.textEdited.emit(value)
            target.editingFinished.emit()
        elif isinstance(target, QtWidgets.QAbstractButton):
            if target.isChecked() != value:
                target.click()
        else:
            setattr(widget, "currentPath" if hasattr(widget, "currentPath") else "value", value)
        self._host.process_events()

    def enter(self) -> None:
        """The user opens the module."""
        self.parent.enter()
        self._host.process_events()

    def exit(self) -> None:
        """The user goes to another module."""
        self.parent.exit()
        self._host.process_events()

    def photograph(self, path: str | Path, width: int = _WIDTH) -> Path:
        """Write a PNG of the panel, `width` points wide, as tall as it needs, two pixels a point; return its path."""
        target = unwrap(self.parent)
        layout = target.layout()
        target.setFixedWidth(width)
        target.ensurePolished()
        layout.activate()
        self._host.process_events()
        height = layout.heightForWidth(width) if layout.hasHeightForWidth() else target.sizeHint().height()
        target.resize(width, max(height, target.minimumSizeHint().height(), 60))
        layout.activate()
        self._host.process_events()
        picture = QtGui.QPixmap(target.size() * _RATIO)
        picture.setDevicePixelRatio(_RATIO)
        picture.fill(target.palette().color(QtGui.QPalette.ColorRole.Window))
        target.render(picture)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if not picture.save(str(path), "PNG"):
            raise OSError(f"The picture could not be written to {path}.")
        return Path(path)
