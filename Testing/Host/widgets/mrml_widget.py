"""qMRMLWidget and what Slicer derives from it: widgets that know the scene."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtWidgets

from Testing.Host.pythonqt.members import cpp_slot

_SCENE_SIGNAL = {"mrmlSceneChanged(vtkMRMLScene*)": "mrmlSceneChanged(PyObject)"}


class qMRMLWidget(QtWidgets.QWidget):
    """A widget that hands its scene on to what lies in it."""

    mrmlSceneChanged = QtCore.Signal(object)
    CPP_SIGNALS = _SCENE_SIGNAL

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._scene: Any = None

    @cpp_slot
    def mrmlScene(self) -> Any:
        """Return the scene."""
        return self._scene

    @cpp_slot
    def setMRMLScene(self, scene: Any) -> None:
        """Take a scene and tell it to all that listen."""
        if scene is not self._scene:
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)


class qSlicerWidget(qMRMLWidget):
    """A widget of a module."""


class qSlicerScriptedLoadableModuleWidget(qSlicerWidget):
    """What holds the panel of a scripted module in the application."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._entered = False
        self._python: Any = None
        self.setLayout(QtWidgets.QVBoxLayout())

    isEntered = QtCore.Property(bool, lambda self: self._entered)
    moduleName = QtCore.Property(str, lambda self: getattr(self._python, "moduleName", ""))

    @cpp_slot
    def self(self) -> Any:
        """Return the Python object of the panel."""
        return self._python

    @cpp_slot
    def enter(self) -> None:
        """The user has opened the module."""
        if not self._entered:
            self._entered = True
            if hasattr(self._python, "enter"):
                self._python.enter()

    @cpp_slot
    def exit(self) -> None:
        """The user has gone to another module."""
        if self._entered:
            self._entered = False
            if hasattr(self._python, "exit"):
                self._python.exit()
