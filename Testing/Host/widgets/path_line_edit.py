"""ctkPathLineEdit and ctkDirectoryButton: a path, typed or chosen."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtWidgets

from Testing.Host.pythonqt.members import cpp_slot
from Testing.Host.widgets.declared import kept_property

# The bits of QDir::Filter, which CTK takes over.
_FILTERS = {"Dirs": 0x1, "Files": 0x2, "Drives": 0x4, "NoSymLinks": 0x8, "Readable": 0x10, "Writable": 0x20}
_FILTERS |= {"Executable": 0x40, "Hidden": 0x100, "System": 0x200, "AllEntries": 0x7, "NoFilter": -1}


class ctkPathLineEdit(QtWidgets.QWidget):
    """An editable combo box with a button to browse."""

    currentPathChanged = QtCore.Signal(str)
    validInputChanged = QtCore.Signal(bool)
    CPP_SIGNALS = {
        "currentPathChanged(QString)": "currentPathChanged(QString)",
        "validInputChanged(bool)": "validInputChanged(bool)",
    }
    CPP_ENUMS = _FILTERS

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._box = QtWidgets.QComboBox(self)
        self._box.setEditable(True)
        button = QtWidgets.QToolButton(self)
        button.setText("…")
        button.clicked.connect(lambda *_: self.browse())
        row.addWidget(self._box, 1)
        row.addWidget(button)
        self._box.editTextChanged.connect(self._changed)

    def _changed(self, path: str) -> None:
        self.currentPathChanged.emit(path)

    def _path(self) -> str:
        return self._box.currentText()

    @cpp_slot
    def setCurrentPath(self, path: str) -> None:
        """Show a path."""
        if path != self._path():
            self._box.setEditText(path)

    currentPath = QtCore.Property(str, _path, setCurrentPath)
    label = kept_property(str, "label", "")
    settingKey = kept_property(str, "settingKey", "")
    filters = kept_property(int, "filters", 0x7)
    options = kept_property(int, "options", 0)
    nameFilters = kept_property("QStringList", "nameFilters", [])
    showBrowseButton = kept_property(bool, "showBrowseButton", True)
    showHistoryButton = kept_property(bool, "showHistoryButton", True)
    minimumContentsLength = kept_property(int, "minimumContentsLength", 0)

    @cpp_slot
    def browse(self) -> None:
        """Ask for a path; the host's answer is taken."""
        from Testing.Host.pythonqt.calls import intercepts

        chosen = intercepts["QFileDialog.getExistingDirectory"](None, self)
        if chosen:
            self.setCurrentPath(chosen)

    @cpp_slot
    def retrieveHistory(self) -> None:
        """Read earlier paths; the host keeps none."""

    @cpp_slot
    def addCurrentPathToHistory(self) -> None:
        """Keep the path among earlier ones."""
        path = self._path()
        if path and self._box.findText(path) < 0:
            self._box.addItem(path)

    @cpp_slot
    def comboBox(self) -> Any:
        """Return the combo box."""
        return self._box


class ctkDirectoryButton(QtWidgets.QWidget):
    """A button that shows a folder and asks for another."""

    directoryChanged = QtCore.Signal(str)
    directorySelected = QtCore.Signal(str)
    CPP_SIGNALS = {
        "directoryChanged(QString)": "directoryChanged(QString)",
        "directorySelected(QString)": "directorySelected(QString)",
    }

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._button = QtWidgets.QPushButton(self)
        row.addWidget(self._button)
        self._folder = ""

    def _directory(self) -> str:
        return self._folder

    def _set_directory(self, path: str) -> None:
        if path != self._folder:
            self._folder = path
            self._button.setText(path)
            self.directoryChanged.emit(path)

    directory = QtCore.Property(str, _directory, _set_directory)
    caption = kept_property(str, "caption", "")
    text = kept_property(str, "text", "")
