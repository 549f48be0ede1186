"""Stand-ins for what Slicer gives a scripted effect of the Segment Editor: only what it has, and nothing drawn."""

# ruff: noqa: N802, N803

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any


class ScriptedEffect:
    """`qSlicerSegmentEditorScriptedEffect`, tied to an editor node and its logic."""

    NotConfirmed, ConfirmedWithoutDialog, ConfirmedWithDialog = range(3)
    registered: list[Any] = []

    def __init__(self, parent: Any = None) -> None:
        self.name = self.title = ""
        self.perSegment = self.requireSegments = True
        self.confirmed = self.ConfirmedWithoutDialog
        self.actors: list[Any] = []
        self.widgets: list[Any] = []
        self._node: Any = None
        self._logic: Any = None
        self._self: Any = None

    def edit(self, node: Any, logic: Any) -> None:
        """Become the effect of an editor."""
        self._node, self._logic = node, logic

    def setPythonSource(self, path: str) -> bool:
        """Make the class of the file: of the package that its folder names, when that is loaded."""
        file = Path(path)
        package = sys.modules[file.parent.name]
        self._self = getattr(package, file.stem)(self)
        return True

    def self(self) -> Any:
        """Return the Python object."""
        return self._self

    def parameterSetNode(self) -> Any:
        """Return the editor's node."""
        return self._node

    def setParameterDefault(self, name: str, value: Any) -> None:
        """Set a parameter that the editor's node does not have yet."""
        if self._node.GetAttribute(f"{self.name}.{name}") is None:
            self.setParameter(name, value)

    def setParameter(self, name: str, value: Any) -> None:
        """Set a parameter on the editor's node; the widgets follow."""
        self._node.SetAttribute(f"{self.name}.{name}", str(value))
        self._self.updateGUIFromMRML()

    def integerParameter(self, name: str) -> int:
        """Return a parameter of the editor's node, 0 where there is none."""
        return int(self._node.GetAttribute(f"{self.name}.{name}") or 0)

    def saveStateForUndo(self) -> None:
        """Save the segmentation."""
        self._logic.SaveStateForUndo()

    def confirmCurrentSegmentVisible(self) -> int:
        """Return what the user answered."""
        return self.confirmed

    def addOptionsWidget(self, widget: Any) -> None:
        """Show a widget among the options."""
        self.widgets.append(widget)

    def addActor2D(self, view: Any, actor: Any) -> None:
        """Show an actor in a view."""
        self.actors.append(actor)

    def removeActor2D(self, view: Any, actor: Any) -> None:
        """Take it away."""
        self.actors.remove(actor)


class AbstractScriptedSegmentEditorEffect:
    """The Python base class of scripted effects."""

    def __init__(self, scriptedEffect: Any) -> None:
        self.scriptedEffect = scriptedEffect

    def register(self) -> None:
        """Make it known to the editor."""
        ScriptedEffect.registered.append(self.scriptedEffect)

    def xyToRas(self, xy: Any, viewWidget: Any) -> list[float]:
        """Return where a pixel of a slice view lies, RAS mm of the world."""
        matrix = viewWidget.sliceLogic().GetSliceNode().GetXYToRAS()
        return list(matrix.MultiplyPoint((xy[0], xy[1], 0.0, 1.0))[:3])


class SliceView:
    """A slice widget with a real slice node; nothing is drawn."""

    def __init__(self, node: Any) -> None:
        self._node = node
        self.renders = 0

    def className(self) -> str:
        """Return the name of the widget's class."""
        return "qMRMLSliceWidget"

    def sliceLogic(self) -> Any:
        """Return what holds the slice node."""
        return types.SimpleNamespace(GetSliceNode=lambda: self._node)

    def sliceView(self) -> Any:
        """Return the view."""
        return types.SimpleNamespace(scheduleRender=self._render)

    def _render(self) -> None:
        self.renders += 1


class Interactor:
    """What the mouse and the keyboard do."""

    def __init__(self, xy: Any = (0, 0), control: bool = False, shift: bool = False, key: str = "") -> None:
        self._xy, self._control, self._shift, self._key = xy, control, shift, key

    def GetEventPosition(self) -> Any:
        """Return the pixel."""
        return self._xy

    def GetControlKey(self) -> int:
        """Return whether it is pressed."""
        return int(self._control)

    def GetShiftKey(self) -> int:
        """Return whether it is pressed."""
        return int(self._shift)

    def GetAltKey(self) -> int:
        """Return whether it is pressed."""
        return 0

    def GetKeySym(self) -> str:
        """Return the key's name."""
        return self._key


def modules() -> dict[str, types.ModuleType]:
    """Return the modules that an effect imports, by name."""
    effects = types.ModuleType("SegmentEditorEffects")
    effects.AbstractScriptedSegmentEditorEffect = AbstractScriptedSegmentEditorEffect  # type: ignore[attr-defined]
    adaptor = types.ModuleType("qSlicerSegmentationsEditorEffectsPythonQt")
    adaptor.qSlicerSegmentEditorScriptedEffect = ScriptedEffect  # type: ignore[attr-defined]
    return {module.__name__: module for module in (effects, adaptor)}
