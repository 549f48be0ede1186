"""Modules as the application knows them: `slicer.modules.<name>` and the module manager."""

from __future__ import annotations

import types
from typing import Any

from PySide6 import QtCore, QtGui

from Testing.Host.pythonqt.members import cpp_slot
from Testing.Host.widgets.declared import kept_property

# Logics of C++ modules that slicer-core brings.
_LOGICS = {
    "colors": "vtkSlicerColorLogic",
    "cropvolume": "vtkSlicerCropVolumeLogic",
    "markups": "vtkSlicerMarkupsLogic",
    "models": "vtkSlicerModelsLogic",
    "plots": "vtkSlicerPlotsLogic",
    "segmentations": "vtkSlicerSegmentationsModuleLogic",
    "sequences": "vtkSlicerSequencesLogic",
    "tables": "vtkSlicerTablesLogic",
    "terminologies": "vtkSlicerTerminologiesModuleLogic",
    "texts": "vtkSlicerTextsLogic",
    "transforms": "vtkSlicerTransformLogic",
    "units": "vtkSlicerUnitsLogic",
    "viewcontrollers": "vtkSlicerViewControllersLogic",
    "volumes": "vtkSlicerVolumesLogic",
}


class qSlicerScriptedLoadableModule(QtCore.QObject):
    """What a module file fills in: title, categories, help."""

    title = kept_property(str, "title", "")
    categories = kept_property("QStringList", "categories", [])
    contributors = kept_property("QStringList", "contributors", [])
    dependencies = kept_property("QStringList", "dependencies", [])
    associatedNodeTypes = kept_property("QStringList", "associatedNodeTypes", [])
    helpText = kept_property(str, "helpText", "")
    acknowledgementText = kept_property(str, "acknowledgementText", "")
    hidden = kept_property(bool, "hidden", False)
    index = kept_property(int, "index", -1)

    def __init__(self, name: str, path: str) -> None:
        super().__init__()
        self._name, self._path, self._icon = name, path, QtGui.QIcon()
        self._widget: Any = None

    def _set_icon(self, icon: QtGui.QIcon) -> None:
        self._icon = icon

    icon = QtCore.Property(QtGui.QIcon, lambda self: self._icon, _set_icon)
    name = QtCore.Property(str, lambda self: self._name)
    path = QtCore.Property(str, lambda self: self._path)

    @cpp_slot
    def widgetRepresentation(self) -> Any:
        """Return the widget that holds the panel."""
        return self._widget

    @cpp_slot
    def logic(self) -> Any:
        """Return None: a scripted module has its logic in its panel."""
        return None

    def hold(self, widget: Any) -> None:
        """Take the widget that holds the panel."""
        self._widget = widget


class qSlicerLoadableModule(QtCore.QObject):
    """A C++ module: only its logic."""

    def __init__(self, name: str, logic: Any) -> None:
        super().__init__()
        self._name, self._logic = name, logic

    name = QtCore.Property(str, lambda self: self._name)

    @cpp_slot
    def logic(self) -> Any:
        """Return the logic."""
        return self._logic


class qSlicerModuleManager(QtCore.QObject):
    """Knows the modules that were opened."""

    moduleAboutToBeUnloaded = QtCore.Signal(str)
    moduleLoaded = QtCore.Signal(str)
    CPP_SIGNALS = {
        "moduleAboutToBeUnloaded(QString)": "moduleAboutToBeUnloaded(QString)",
        "moduleLoaded(QString)": "moduleLoaded(QString)",
    }

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._modules: dict[str, Any] = {}

    @cpp_slot
    def module(self, name: str) -> Any:
        """Return a module by name, None where there is none."""
        return self._modules.get(name)

    @cpp_slot
    def modulesNames(self) -> list[str]:
        """Return the names of the modules."""
        return list(self._modules)

    def add(self, name: str, module: Any) -> None:
        """Know one more module."""
        self._modules[name] = module
        self.moduleLoaded.emit(name)


class Modules(types.SimpleNamespace):
    """`slicer.modules`: scripted modules that were opened, and the logics of C++ modules."""

    def __getattr__(self, name: str) -> Any:
        import slicer

        from Testing.Host.pythonqt.instances import wrap

        if name not in _LOGICS:
            raise AttributeError(f"module 'modules' has no attribute '{name}'")
        logic = getattr(slicer, _LOGICS[name])()
        if hasattr(logic, "SetMRMLScene"):
            logic.SetMRMLScene(slicer.mrmlScene)
        module = wrap(qSlicerLoadableModule(name, logic))
        setattr(self, name, module)
        return module

    def release(self) -> None:
        """Let the logics go of the scene."""
        import vtk

        # The logic of segmentations warns when it has no scene; that is meant here.
        shown = vtk.vtkObject.GetGlobalWarningDisplay()
        vtk.vtkObject.SetGlobalWarningDisplay(0)
        for module in list(vars(self).values()):
            logic: Any = module.logic() if hasattr(module, "logic") else None
            if hasattr(logic, "SetMRMLScene"):
                logic.SetMRMLScene(None)
        vars(self).clear()
        vtk.vtkObject.SetGlobalWarningDisplay(shown)
