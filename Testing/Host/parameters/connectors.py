"""Which widget shows which type of parameter, as in Slicer: exact classes only."""

from __future__ import annotations

import enum
import pathlib
from collections.abc import Callable
from typing import Any

from Testing.Host.parameters.annotations import (
    Choice,
    Decimals,
    Maximum,
    Minimum,
    SingleStep,
    WithinRange,
    first_of,
    split_annotations,
)
from Testing.Host.parameters.serializers import is_node, union_members

_PATH_KINDS = (pathlib.Path, pathlib.PurePath, pathlib.PosixPath, pathlib.PurePosixPath)


class Connector:
    """Reads and writes a widget's value, and tells when the user changed it."""

    def __init__(self, widget: Any, signal: str | None, read: Callable[[], Any], write: Callable[[Any], None]) -> None:
        self.widget, self.read, self.write = widget, read, write
        self._signal = signal
        self._function: Callable[[], None] | None = None

    def on_changed(self, function: Callable[[], None] | None) -> None:
        """Call a function at every change; None: no more."""
        if self._signal is None:
            return
        if self._function is not None:
            self.widget.disconnect(self._signal, self._function)
        self._function = function
        if function is not None:
            self.widget.connect(self._signal, function)


def make_connector(widget: Any, annotated: Any) -> Connector:
    """Return the connector of a widget and a (possibly annotated) type.

    Raises
    ------
    RuntimeError
        Slicer connects no such pair.
    """
    kind, notes = split_annotations(annotated)
    name = type(widget).__name__ if not type(widget)._is_derived else "a class of its own"
    made = _plain(widget, name, kind) or _number(widget, name, kind, notes) or _choice(widget, name, kind, notes)
    if made is None and name == "qMRMLNodeComboBox" and _nodes(kind):
        widget.nodeTypes = [node().GetClassName() for node in _nodes(kind)]
        made = Connector(widget, "currentNodeChanged(vtkMRMLNode*)", widget.currentNode, widget.setCurrentNode)
    if made is None:
        raise RuntimeError(f"Unable to create GUI connector from datatype '{kind}' to widget type '{name}'.")
    return made


def _property(widget: Any, signal: str | None, name: str, convert: Callable[[Any], Any] = lambda v: v) -> Connector:
    return Connector(widget, signal, lambda: getattr(widget, name), lambda value: setattr(widget, name, convert(value)))


def _plain(widget: Any, name: str, kind: Any) -> Connector | None:
    if kind is bool and name in ("QCheckBox", "ctkCheckBox"):
        return _property(widget, "toggled(bool)", "checked")
    if kind is bool and name in ("QPushButton", "ctkCheckablePushButton"):
        widget.checkable = True
        return _property(widget, "toggled(bool)", "checked")
    if kind is str and name == "QLineEdit":
        return Connector(
            widget,
            "textChanged(QString)",
            lambda: widget.text,
            # Writing moves the cursor; a text that is there already is left alone.
            lambda value: None if value == widget.text else setattr(widget, "text", value),
        )
    if kind is str and name == "QLabel":
        return _property(widget, None, "text")
    if kind is str and name == "QTextEdit":
        return Connector(widget, "textChanged()", widget.toPlainText, widget.setPlainText)
    if kind in _PATH_KINDS and name == "ctkPathLineEdit":
        made = _property(widget, "currentPathChanged(QString)", "currentPath", str)
        made.read = lambda: kind(widget.currentPath)
        return made
    if kind in _PATH_KINDS and name == "ctkDirectoryButton":
        made = _property(widget, "directoryChanged(QString)", "directory", str)
        made.read = lambda: kind(widget.directory)
        return made
    return None


def _number(widget: Any, name: str, kind: Any, notes: list[Any]) -> Connector | None:
    whole = name in ("QSlider", "QSpinBox")
    real = name in ("QDoubleSpinBox", "ctkSliderWidget", "ctkDoubleSpinBox")
    if not ((kind is int and whole) or (kind in (int, float) and real)):
        return None
    span, low, high = (first_of(notes, note) for note in (WithinRange, Minimum, Maximum))
    bounded = span is not None or (low is not None and high is not None)
    if name in ("QSlider", "ctkSliderWidget") and not bounded:
        raise RuntimeError(f"Cannot have a connection to {name} where the type is unbounded.")
    extreme = 2**31 - 1 if whole else 1e300
    widget.minimum = span.minimum if span else (low.minimum if low else -extreme)
    widget.maximum = span.maximum if span else (high.maximum if high else extreme)
    decimals, step = first_of(notes, Decimals), first_of(notes, SingleStep)
    if real and (kind is int or decimals is not None):
        widget.decimals = 0 if kind is int else decimals.value
    if step is not None:
        widget.singleStep = step.value
    made = _property(widget, "valueChanged(int)" if whole else "valueChanged(double)", "value", kind)
    made.read = lambda: kind(widget.value)
    return made


def _choice(widget: Any, name: str, kind: Any, notes: list[Any]) -> Connector | None:
    if name not in ("QComboBox", "ctkComboBox"):
        return None
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        label = getattr(kind, "label", None)
        values, texts = list(kind), [label(member) if label else member.name for member in kind]
    elif kind in (int, float, str, bool):
        choice = first_of(notes, Choice)
        if choice is None:
            raise RuntimeError("A combo box requires the Choice annotation.")
        values, texts = list(choice.choices), [str(value) for value in choice.choices]
    else:
        return None
    widget.clear()
    for text in texts:
        widget.addItem(text)
    return Connector(
        widget,
        "currentIndexChanged(int)",
        lambda: values[widget.currentIndex],
        lambda value: setattr(widget, "currentIndex", values.index(value)),
    )


def _nodes(kind: Any) -> list[Any]:
    members = union_members(kind) or (kind,)
    return [member for member in members if is_node(member)]
