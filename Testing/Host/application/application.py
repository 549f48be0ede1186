"""`slicer.app`: a Qt application with the parts of qSlicerApplication that modules use."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from Testing.Host.application.layout_manager import qMRMLLayoutManager
from Testing.Host.application.modules import qSlicerModuleManager
from Testing.Host.pythonqt.members import cpp_slot
from Testing.Host.widgets.declared import kept_property

# Qt allows one application a process; it must not go when a host does.
_made: list[Any] = []


class qSlicerApplication(QtWidgets.QApplication):
    """The application of the host: no main window, no event loop of its own."""

    aboutToQuit = QtCore.Signal()
    startupCompleted = QtCore.Signal()
    CPP_SIGNALS = {"aboutToQuit()": "aboutToQuit()", "startupCompleted()": "startupCompleted()"}

    slicerHome = kept_property(str, "slicerHome", "")
    temporaryPath = kept_property(str, "temporaryPath", "")
    cachePath = kept_property(str, "cachePath", "")
    extensionsInstallPath = kept_property(str, "extensionsInstallPath", "")
    slicerUserSettingsFilePath = kept_property(str, "slicerUserSettingsFilePath", "")
    revision = QtCore.Property(str, lambda self: "34045")
    majorVersion = QtCore.Property(int, lambda self: 5)
    minorVersion = QtCore.Property(int, lambda self: 12)
    isInstalled = QtCore.Property(bool, lambda self: True)
    documentationBaseUrl = QtCore.Property(str, lambda self: "https://slicer.readthedocs.io/en/latest")
    platform = QtCore.Property(str, lambda self: "linux-amd64")

    def begin(self, scene: Any, folder: Path) -> None:
        """Start afresh with a scene and a folder for files."""
        import slicer

        self._scene = scene
        self._testing = False
        self.slicerHome = str(folder)
        self.temporaryPath = str(folder / "temporary")
        self.cachePath = str(folder / "cache")
        self.slicerUserSettingsFilePath = str(folder / "Slicer.ini")
        for path in (self.temporaryPath, self.cachePath):
            Path(path).mkdir(exist_ok=True)
        self._settings = QtCore.QSettings(self.slicerUserSettingsFilePath, QtCore.QSettings.Format.IniFormat)
        self._logic = slicer.vtkSlicerApplicationLogic()
        self._logic.SetMRMLScene(scene)
        self._modules = qSlicerModuleManager(self)
        self._layout = qMRMLLayoutManager(self)
        self._layout.setMRMLScene(scene)
        self._layout.share_with(self._logic)

    def end(self) -> None:
        """Let go of the scene and of what observes it."""
        self._layout.release()
        self._logic.SetMRMLScene(None)
        self._logic = self._scene = None

    @cpp_slot
    def mrmlScene(self) -> Any:
        """Return the scene."""
        return self._scene

    @cpp_slot
    def applicationLogic(self) -> Any:
        """Return the logic that knows the selection and the slice logics."""
        return self._logic

    @cpp_slot
    def layoutManager(self) -> Any:
        """Return the layout manager."""
        return self._layout

    @cpp_slot
    def moduleManager(self) -> Any:
        """Return the module manager."""
        return self._modules

    @cpp_slot
    def testingEnabled(self) -> bool:
        """Return whether Slicer runs its own tests; False: messages are meant for a person."""
        return self._testing

    @cpp_slot
    def settings(self) -> Any:
        """Return the settings, kept in the host's folder."""
        return self._settings

    @cpp_slot
    def userSettings(self) -> Any:
        """Return the settings."""
        return self._settings

    @cpp_slot
    def moduleDocumentationUrl(self, name: str) -> str:
        """Return where a module is documented."""
        return f"{self.documentationBaseUrl}/user_guide/modules/{name.lower()}.html"

    @cpp_slot
    def translate(self, context: str, text: str) -> str:
        """Return the text itself: the host knows no other language."""
        return text

    @cpp_slot
    def openNodeModule(self, node: Any) -> None:
        """Open the module of a node; the host has no module selector."""

    @cpp_slot
    def resumeRender(self) -> None:
        """Draw again; the host draws nothing by itself."""

    @cpp_slot
    def pauseRender(self) -> None:
        """Draw nothing for a while."""


def make_application() -> Any:
    """Return the one Qt application of this process, made on the first call, without a screen."""
    if _made:
        return _made[0]
    if QtWidgets.QApplication.instance() is not None:
        raise RuntimeError("Another Qt application is running in this process.")
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    QtCore.qInstallMessageHandler(_log)
    application = qSlicerApplication(["Slicer"])
    application.setApplicationName("Slicer")
    application.setApplicationVersion("5.12.4")
    application.setOrganizationName("NA-MIC")
    application.setQuitOnLastWindowClosed(False)
    application.setStyle("Fusion")
    application.setFont(QtGui.QFont("DejaVu Sans", 9))
    application.setPalette(_light())
    _made.append(application)
    return application


def _log(kind: Any, context: Any, text: str) -> None:
    """Log what Qt says, but for what is true of every program without a screen."""
    if "propagateSizeHints" not in text:
        logging.getLogger("Qt").warning(text)


def _light() -> QtGui.QPalette:
    """Return the colours of Slicer's light style, whatever the machine's are."""
    palette = QtGui.QPalette(QtGui.QColor(239, 239, 239))
    palette.setColor(QtGui.QPalette.ColorRole.Highlight, QtGui.QColor(48, 140, 198))
    disabled, gray = QtGui.QPalette.ColorGroup.Disabled, QtGui.QColor(150, 150, 150)
    for role in (QtGui.QPalette.ColorRole.ButtonText, QtGui.QPalette.ColorRole.Text):
        palette.setColor(disabled, role, gray)
    return palette
