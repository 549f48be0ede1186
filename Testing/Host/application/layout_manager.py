"""`slicer.app.layoutManager()`: the real layout and slice logics, with widgets that show no picture."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtWidgets

from Testing.Host.pythonqt.members import cpp_slot


class qMRMLSliceWidget(QtWidgets.QWidget):
    """A slice view: its node and logic are real, nothing is drawn."""

    def __init__(self, logic: Any) -> None:
        super().__init__()
        self._logic = logic

    @cpp_slot
    def sliceLogic(self) -> Any:
        """Return the slice logic."""
        return self._logic

    @cpp_slot
    def mrmlSliceNode(self) -> Any:
        """Return the slice node."""
        return self._logic.GetSliceNode()

    @cpp_slot
    def mrmlSliceCompositeNode(self) -> Any:
        """Return the node of the slice's layers."""
        return self._logic.GetSliceCompositeNode()

    @cpp_slot
    def fitSliceToBackground(self) -> None:
        """Show the whole background volume."""
        self._logic.FitSliceToBackground()


class qMRMLThreeDView(QtWidgets.QWidget):
    """A 3D view that draws nothing."""

    def __init__(self, node: Any) -> None:
        super().__init__()
        self._node = node
        self.focal_resets = 0

    @cpp_slot
    def mrmlViewNode(self) -> Any:
        """Return the view node."""
        return self._node

    @cpp_slot
    def resetFocalPoint(self) -> None:
        """Look at the middle of what is shown."""
        self.focal_resets += 1

    @cpp_slot
    def resetCamera(self) -> None:
        """Show all of it."""
        self.focal_resets += 1

    @cpp_slot
    def forceRender(self) -> None:
        """Draw now."""


class qMRMLThreeDWidget(QtWidgets.QWidget):
    """Holds a 3D view."""

    def __init__(self, node: Any) -> None:
        super().__init__()
        self._view = qMRMLThreeDView(node)

    @cpp_slot
    def threeDView(self) -> Any:
        """Return the view."""
        return self._view

    @cpp_slot
    def mrmlViewNode(self) -> Any:
        """Return the view node."""
        return self._view.mrmlViewNode()


class qMRMLLayoutManager(QtCore.QObject):
    """Makes the views that the layout node asks for, through Slicer's own layout logic."""

    layoutChanged = QtCore.Signal(int)
    CPP_SIGNALS = {"layoutChanged(int)": "layoutChanged(int)"}

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._layouts: Any = None
        self._slices: dict[str, qMRMLSliceWidget] = {}
        self._threes: dict[str, qMRMLThreeDWidget] = {}
        self._collection: Any = None
        self._views: Any = None

    @cpp_slot
    def setMRMLScene(self, scene: Any) -> None:
        """Make the views of a scene."""
        import slicer
        import vtk

        self._scene = scene
        self._collection = vtk.vtkCollection()
        self._views = vtk.vtkCollection()
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
        self._layouts = slicer.vtkMRMLLayoutLogic()
        self._layouts.SetMRMLScene(scene)
        node = self._layouts.GetLayoutNode()
        node.SetViewArrangement(node.SlicerLayoutFourUpView)
        self.make_views()

    def share_with(self, logic: Any) -> None:
        """Let the application's logic know the slice logics, as selection and jumps need them."""
        logic.SetSliceLogics(self._collection)
        logic.SetViewLogics(self._views)

    def make_views(self) -> None:
        """Make a widget and a logic for every slice and 3D node that has none."""
        import slicer

        for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
            if node.GetLayoutName() not in self._slices:
                logic = slicer.vtkMRMLSliceLogic()
                logic.SetMRMLScene(self._scene)
                logic.SetSliceNode(node)
                self._collection.AddItem(logic)
                self._slices[node.GetLayoutName()] = qMRMLSliceWidget(logic)
        for node in slicer.util.getNodesByClass("vtkMRMLViewNode"):
            if node.GetLayoutName() not in self._threes:
                self._threes[node.GetLayoutName()] = qMRMLThreeDWidget(node)

    def release(self) -> None:
        """Let go of the scene."""
        for widget in self._slices.values():
            widget.sliceLogic().SetMRMLScene(None)
        self._slices.clear()
        self._threes.clear()
        self._collection.RemoveAllItems()
        self._layouts.SetMRMLScene(None)
        self._layouts = self._scene = None

    def forget_views(self) -> None:
        """Drop the widgets of nodes that a closed scene has taken along."""
        for name, widget in list(self._slices.items()):
            if widget.mrmlSliceNode() is None or widget.mrmlSliceNode().GetScene() is None:
                self._collection.RemoveItem(widget.sliceLogic())
                widget.sliceLogic().SetMRMLScene(None)
                del self._slices[name]
        self.make_views()

    @cpp_slot
    def layoutLogic(self) -> Any:
        """Return the layout logic."""
        return self._layouts

    def _layout(self) -> int:
        return int(self._layouts.GetLayoutNode().GetViewArrangement())

    @cpp_slot
    def setLayout(self, layout: int) -> None:
        """Show another layout."""
        self._layouts.GetLayoutNode().SetViewArrangement(int(layout))
        self.make_views()
        self.layoutChanged.emit(int(layout))

    layout = QtCore.Property(int, _layout, setLayout)
    threeDViewCount = QtCore.Property(int, lambda self: len(self._threes))

    @cpp_slot
    def sliceViewNames(self) -> list[str]:
        """Return the names of the slice views."""
        self.make_views()
        return list(self._slices)

    @cpp_slot
    def sliceWidget(self, name: str) -> Any:
        """Return a slice view by name, None where there is none."""
        self.make_views()
        return self._slices.get(name)

    @cpp_slot
    def threeDWidget(self, which: Any) -> Any:
        """Return a 3D view by number or name."""
        self.make_views()
        if isinstance(which, str):
            return self._threes.get(which)
        return list(self._threes.values())[which] if 0 <= which < len(self._threes) else None

    @cpp_slot
    def mrmlSliceLogics(self) -> Any:
        """Return the slice logics as a vtkCollection."""
        self.make_views()
        return self._collection

    @cpp_slot
    def resetSliceViews(self) -> None:
        """Fit every slice view to its background."""
        for widget in self._slices.values():
            widget.fitSliceToBackground()

    @cpp_slot
    def resetThreeDViews(self) -> None:
        """Look at the middle of what is shown in every 3D view."""
        for widget in self._threes.values():
            widget.threeDView().resetFocalPoint()
