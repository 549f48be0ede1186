"""Reading .ui files with the stand-ins in them, and honouring their connections."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

from PySide6 import QtCore, QtUiTools, QtWidgets

from Testing.Host.pythonqt.instances import unwrap, wrap


class UiFileError(AssertionError):
    """A .ui file names a class, signal, slot or property that Slicer (or this host) does not have."""


class _Builder(QtUiTools.QUiLoader):
    """Makes stand-ins where Slicer's designer plugins would make widgets."""

    def __init__(self, stand_ins: dict[str, type]) -> None:
        super().__init__()
        self._stand_ins = stand_ins

    def createWidget(self, kind: str, /, parent: Any = None, name: str = "") -> Any:
        stand_in = self._stand_ins.get(kind)
        if stand_in is None:
            return super().createWidget(kind, parent, name)
        made = stand_in(parent)
        made.setObjectName(name)
        return made


class UiLoader:
    """What `qt.QUiLoader` is in the host."""

    stand_ins: dict[str, type] = {}

    def load(self, source: Any, parent: Any = None) -> Any:
        """Return the wrapped widget of an open QFile.

        Raises
        ------
        UiFileError
            The file names what does not exist.
        """
        file = unwrap(source)
        path = file.fileName()
        if not file.isOpen():
            raise UiFileError(f"{path} is not open.")
        tree = ElementTree.fromstring(bytes(file.readAll().data()))
        connections = _taken_connections(tree)
        properties = _taken_properties(tree, self.stand_ins)
        _check_classes(tree, self.stand_ins)
        buffer = QtCore.QBuffer()
        buffer.setData(ElementTree.tostring(tree))
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        builder = _Builder(self.stand_ins)
        made = builder.load(buffer, unwrap(parent))
        if made is None:
            raise UiFileError(f"{path}: {builder.errorString()}")
        wrapped = wrap(made)
        for owner, name, value in properties:
            setattr(_named(made, owner, path), name, value)
        for sender, signal, receiver, slot in connections:
            wrap(_named(made, sender, path)).connect(signal, wrap(_named(made, receiver, path)), slot)
        return wrapped


def _named(root: Any, name: str, path: str) -> Any:
    if root.objectName() == name:
        return root
    found = root.findChild(QtCore.QObject, name)
    if found is None:
        raise UiFileError(f"{path}: a connection or property names '{name}', which is not in the file.")
    return found


def _taken_connections(tree: Any) -> list[tuple[str, str, str, str]]:
    """Take the connections out: Qt would look for C++ signatures that Python classes cannot declare."""
    section = tree.find("connections")
    if section is None:
        return []
    tree.remove(section)
    parts = ("sender", "signal", "receiver", "slot")
    return [tuple((item.findtext(part) or "").strip() for part in parts) for item in section]  # type: ignore[misc]


def _taken_properties(tree: Any, stand_ins: dict[str, type]) -> list[tuple[str, str, Any]]:
    """Take the enums and flags of stand-ins out, and every property that they have of their own."""
    taken = []
    for widget in tree.iter("widget"):
        kind: Any = stand_ins.get(widget.get("class", ""))
        if kind is None:
            continue
        for item in widget.findall("property"):
            name, value = item.get("name", ""), item[0]
            dynamic = item.get("stdset") == "0"
            if not dynamic and kind.staticMetaObject.indexOfProperty(name) < 0:
                raise UiFileError(f"{kind.__name__} has no property '{name}' (or this host does not know it).")
            if value.tag in ("set", "enum") and "CPP_ENUMS" in kind.__dict__:
                widget.remove(item)
                taken.append((widget.get("name", ""), name, _flags(kind, value.text or "")))
    return taken


def _flags(kind: Any, text: str) -> int:
    total = 0
    for part in text.split("|"):
        total |= kind.CPP_ENUMS[part.strip().rpartition("::")[2]]
    return total


def _check_classes(tree: Any, stand_ins: dict[str, type]) -> None:
    declared = {item.findtext("class") for item in tree.iter("customwidget")}
    for widget in tree.iter("widget"):
        name = widget.get("class", "")
        if name in stand_ins and name not in declared:
            raise UiFileError(f"The .ui file uses {name} but does not list it under <customwidgets>.")
        if name not in stand_ins and not hasattr(QtWidgets, name):
            raise UiFileError(f"The .ui file has a {name}, which this host has no stand-in for.")
