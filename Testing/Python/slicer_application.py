"""Stands in for the parts of Slicer's application that slicer-core lacks, so that a module's panel code can run."""

from __future__ import annotations

import sys
import types
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest


class Widget:
    """A widget that remembers what was set, and calls what was connected."""

    def __init__(self) -> None:
        self.text, self.toolTip, self.currentPath = "", "", ""
        self.enabled, self.visible, self.value = True, True, 0
        self.table: Any = None
        self._slots: dict[str, Any] = {}

    def connect(self, signal: str, slot: Any) -> None:
        self._slots[signal] = slot

    def emit(self, signal: str, *values: Any) -> None:
        self._slots[signal](*values)

    def setMRMLTableNode(self, node: Any) -> None:  # noqa: N802 - Qt's name
        self.table = node

    def setMRMLScene(self, scene: Any) -> None:  # noqa: N802 - Qt's name
        pass


class Application:
    """What a test sees of the application: the messages shown, and a hook where events are processed."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.on_events: Any = lambda: None


def stand_in_for_application(monkeypatch: pytest.MonkeyPatch, module: Path, scene: Any) -> Application:
    """Put stand-ins where `module` (a folder) looks for the application, and the folder on Python's path."""
    import slicer
    import slicer.util

    application = Application()
    loadable = types.ModuleType("slicer.ScriptedLoadableModule")
    loadable.ScriptedLoadableModuleLogic = _Logic
    loadable.ScriptedLoadableModuleWidget = type("_ModuleWidget", (_Panel,), {"folder": module})
    wrapper = types.ModuleType("slicer.parameterNodeWrapper")
    wrapper.parameterNodeWrapper = _with_parameters
    translation = types.ModuleType("slicer.i18n")
    translation.tr = lambda text: text
    for stand_in in (loadable, wrapper, translation):
        monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
    for name in [name for name in sys.modules if name.split(".")[0] == f"{module.name}Lib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(module))
    app = types.SimpleNamespace(processEvents=lambda: application.on_events())
    monkeypatch.setattr(slicer, "app", app, raising=False)
    monkeypatch.setattr(slicer, "mrmlScene", scene, raising=False)
    monkeypatch.setattr(slicer.util, "loadUI", _load_ui)
    monkeypatch.setattr(slicer.util, "childWidgetVariables", lambda panel: panel)
    monkeypatch.setattr(slicer.util, "errorDisplay", application.errors.append)
    return application


class _Logic:
    def __init__(self, parent: Any = None) -> None:
        self._node: Any = None

    def getParameterNode(self) -> Any:  # noqa: N802 - Slicer's name
        return self


class _Panel:
    folder: Path

    def __init__(self, parent: Any = None) -> None:
        self.parent = types.SimpleNamespace(isEntered=True)
        self.layout = types.SimpleNamespace(addWidget=lambda widget: None)

    def setup(self) -> None:
        pass

    def resourcePath(self, name: str) -> str:  # noqa: N802 - Slicer's name
        return str(self.folder / "Resources" / name)


def _load_ui(path: str) -> Any:
    """Return an object with the widgets of a .ui file, and no others."""
    panel = types.SimpleNamespace(setMRMLScene=lambda scene: None)
    for widget in ElementTree.parse(path).getroot().iter("widget"):
        setattr(panel, widget.get("name"), Widget())
    return panel


def _with_parameters(declared: type) -> type:
    """Return a class that holds the declared parameters on a real MRML node: the same node gives the same values."""
    import vtk

    def make(node: Any) -> Any:
        if node._node is None:
            values = {name: "" if kind is str else None for name, kind in declared.__annotations__.items()}
            node._node = _Parameters(values, vtk.vtkObject())
        return node._node

    return make


class _Parameters:
    def __init__(self, values: dict[str, Any], observed: Any) -> None:
        self.__dict__.update(values, _observed=observed)

    def __setattr__(self, name: str, value: Any) -> None:
        assert name in self.__dict__, f"no such parameter: {name}"
        self.__dict__[name] = value
        self._observed.Modified()

    def AddObserver(self, *arguments: Any) -> int:  # noqa: N802 - VTK's name
        return self._observed.AddObserver(*arguments)

    def RemoveObserver(self, tag: int) -> None:  # noqa: N802 - VTK's name
        self._observed.RemoveObserver(tag)

    def connectGui(self, ui: Any) -> int:  # noqa: N802 - Slicer's name
        """Show the selectors their nodes, which makes them emit, as Slicer does."""
        for widget in vars(ui).values():
            if isinstance(widget, Widget) and "currentNodeChanged(vtkMRMLNode*)" in widget._slots:
                widget.emit("currentNodeChanged(vtkMRMLNode*)", None)
        return 1

    def disconnectGui(self, tag: int) -> None:  # noqa: N802 - Slicer's name
        pass
