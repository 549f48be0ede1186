"""qMRMLNodeComboBox: chooses a node of the scene."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtWidgets

from Testing.Host.pythonqt.members import cpp_slot
from Testing.Host.widgets.declared import kept_property
from Testing.Host.widgets.node_filter import matching_nodes
from Testing.Host.widgets.scene_observers import forget, observe

_NODE_SIGNALS = ("nodeActivated", "nodeAdded", "nodeAddedByUser", "nodeAddedByUserAction", "nodeAboutToBeRemoved")


class qMRMLNodeComboBox(QtWidgets.QWidget):
    """Offers the nodes of the chosen types that are in the scene and not hidden."""

    currentNodeChanged = QtCore.Signal(object)
    currentNodeIsValid = QtCore.Signal(bool)
    currentNodeIDChanged = QtCore.Signal(str)
    currentNodeRenamed = QtCore.Signal(str)
    nodeActivated = QtCore.Signal(object)
    nodeAdded = QtCore.Signal(object)
    nodeAddedByUser = QtCore.Signal(object)
    nodeAddedByUserAction = QtCore.Signal(object)
    nodeAboutToBeRemoved = QtCore.Signal(object)
    CPP_SIGNALS = {
        "currentNodeChanged(vtkMRMLNode*)": "currentNodeChanged(PyObject)",
        "currentNodeChanged(bool)": "currentNodeIsValid(bool)",
        "currentNodeIDChanged(QString)": "currentNodeIDChanged(QString)",
        "currentNodeRenamed(QString)": "currentNodeRenamed(QString)",
        **{f"{name}(vtkMRMLNode*)": f"{name}(PyObject)" for name in _NODE_SIGNALS},
    }

    nodeTypes = kept_property("QStringList", "nodeTypes", [], after="_refresh")
    showHidden = kept_property(bool, "showHidden", False, after="_refresh")
    showChildNodeTypes = kept_property(bool, "showChildNodeTypes", True, after="_refresh")
    hideChildNodeTypes = kept_property("QStringList", "hideChildNodeTypes", [], after="_refresh")
    noneEnabled = kept_property(bool, "noneEnabled", False, after="_refresh")
    noneDisplay = kept_property(str, "noneDisplay", "None", after="_refresh")
    addEnabled = kept_property(bool, "addEnabled", True)
    removeEnabled = kept_property(bool, "removeEnabled", True)
    editEnabled = kept_property(bool, "editEnabled", False)
    renameEnabled = kept_property(bool, "renameEnabled", False)
    baseName = kept_property(str, "baseName", "")
    selectNodeUponCreation = kept_property(bool, "selectNodeUponCreation", True)
    interactionNodeSingletonTag = kept_property(str, "interactionNodeSingletonTag", "")

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._scene: Any = None
        self._current: Any = None
        self._attributes: dict[str, dict[str, Any]] = {}
        self._observed: list[tuple[Any, int]] = []
        self._watched: list[tuple[Any, int]] = []
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._box = QtWidgets.QComboBox(self)
        self._box.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        row.addWidget(self._box)
        self._box.activated.connect(self._activated)
        self._refresh()

    @cpp_slot
    def mrmlScene(self) -> Any:
        """Return the scene."""
        return self._scene

    @cpp_slot
    def setMRMLScene(self, scene: Any) -> None:
        """Offer the nodes of a scene, None for none."""
        if scene is self._scene:
            return
        forget(self._observed)
        self._scene = scene
        if scene is not None:
            for event in (
                scene.NodeAddedEvent,
                scene.NodeRemovedEvent,
                scene.EndBatchProcessEvent,
                scene.EndCloseEvent,
            ):
                self._observed.append(observe(scene, event, self, "_refresh"))
        self._refresh()

    @cpp_slot
    def currentNode(self) -> Any:
        """Return the chosen node or None."""
        return self._current

    @cpp_slot
    def setCurrentNode(self, node: Any) -> None:
        """Choose a node, or the one with an identifier; one that is not offered chooses none."""
        if isinstance(node, str):
            node = self._scene.GetNodeByID(node) if self._scene is not None and node else None
        self._choose(node if node is not None and node in self._offered() else None)

    @cpp_slot
    def setCurrentNodeID(self, identifier: str) -> None:
        """Choose the node with an identifier."""
        self.setCurrentNode(identifier)

    @cpp_slot
    def setCurrentNodeIndex(self, index: int) -> None:
        """Choose the node at a place."""
        self._choose(self.nodeFromIndex(index))

    def _current_id(self) -> str:
        return "" if self._current is None else str(self._current.GetID() or "")

    currentNodeID = QtCore.Property(str, _current_id, setCurrentNodeID)

    @cpp_slot
    def nodeCount(self) -> int:
        """Return how many nodes are offered."""
        return len(self._offered())

    @cpp_slot
    def nodeFromIndex(self, index: int) -> Any:
        """Return the node at a place, None where there is none."""
        offered = self._offered()
        return offered[index] if 0 <= index < len(offered) else None

    @cpp_slot
    def addAttribute(self, node_type: str, name: str, value: Any = None) -> None:
        """Offer only nodes of a type that have an attribute (with that value)."""
        self._attributes.setdefault(node_type, {})[name] = value
        self._refresh()

    @cpp_slot
    def removeAttribute(self, node_type: str, name: str) -> None:
        """Ask for an attribute no more."""
        self._attributes.get(node_type, {}).pop(name, None)
        self._refresh()

    @cpp_slot
    def addNode(self, node_type: str = "") -> Any:
        """Make a node, as the user does with 'Create new …', and choose it."""
        kind = node_type or self.nodeTypes[0]
        label = self.baseName or kind.removeprefix("vtkMRML").removesuffix("Node")
        node = self._scene.AddNewNodeByClass(kind, self._scene.GenerateUniqueName(label))
        self.nodeAdded.emit(node)
        self.nodeAddedByUser.emit(node)
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        return node

    @cpp_slot
    def removeCurrentNode(self) -> None:
        """Remove the chosen node from the scene."""
        if self._current is not None:
            self._scene.RemoveNode(self._current)

    def _offered(self) -> list[Any]:
        children, without = self.showChildNodeTypes, self.hideChildNodeTypes
        return matching_nodes(self._scene, self.nodeTypes, children, without, self.showHidden, self._attributes)

    def _default(self) -> Any:
        offered = [] if self.noneEnabled else self._offered()
        return offered[0] if offered else None

    def _refresh(self) -> None:
        if "_box" not in self.__dict__ or (self._scene is not None and self._scene.IsBatchProcessing()):
            return
        offered = self._offered()
        forget(self._watched)
        for node in offered:
            self._watched.append(observe(node, "ModifiedEvent", self, "_show_names"))
        self._show_names()
        if self._current is None or self._current not in offered:
            self._choose(self._default())

    def _show_names(self) -> None:
        names = ([self.noneDisplay] if self.noneEnabled else []) + [node.GetName() or "" for node in self._offered()]
        if names != [self._box.itemText(row) for row in range(self._box.count())]:
            self._box.blockSignals(True)
            self._box.clear()
            self._box.addItems(names)
            self._box.blockSignals(False)
        self._show_current()

    def _show_current(self) -> None:
        offered = self._offered()
        row = offered.index(self._current) + bool(self.noneEnabled) if self._current in offered else -1
        if self._current is None and self.noneEnabled:
            row = 0
        self._box.blockSignals(True)
        self._box.setCurrentIndex(row)
        self._box.blockSignals(False)

    def _choose(self, node: Any) -> None:
        changed = node is not self._current
        self._current = node
        self._show_current()
        if changed:
            self.currentNodeChanged.emit(node)
            self.currentNodeIsValid.emit(node is not None)
            self.currentNodeIDChanged.emit(self._current_id())

    def _activated(self, row: int) -> None:
        node = self.nodeFromIndex(row - bool(self.noneEnabled))
        self._choose(node)
        self.nodeActivated.emit(node)
