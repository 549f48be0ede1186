"""The decorator `parameterNodeWrapper`: a class of typed parameters over a vtkMRMLScriptedModuleNode."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from typing import Any

import slicer
import vtk

from Testing.Host.parameters import annotations as beside_types
from Testing.Host.parameters.annotations import Default, first_of, split_annotations
from Testing.Host.parameters.connectors import Connector, make_connector
from Testing.Host.parameters.serializers import Serializer, make_serializer

NAME_PROPERTY = "SlicerParameterName"


class _Parameter:
    def __init__(self, name: str, annotated: Any, default: Any) -> None:
        self.name, self.annotated, self.default = name, annotated, default
        self.serializer: Serializer = make_serializer(annotated)


class _Methods:
    """What every parameter node wrapper can do besides its parameters."""

    allParameters: dict[str, _Parameter]

    def __init__(self, parameterNode: Any, prefix: str | None = None) -> None:
        self.parameterNode = parameterNode
        self._prefix = prefix or ""
        self._guis: dict[int, tuple[dict[str, Connector], int]] = {}
        self._next_tag = 0
        self._updating = False
        for parameter in self.allParameters.values():
            if not parameter.serializer.is_in(parameterNode, self._prefix + parameter.name):
                self.setValue(parameter.name, self._default_of(parameter))

    def _default_of(self, parameter: _Parameter) -> Any:
        return parameter.default.value if parameter.default else parameter.serializer.default()

    def _known(self, name: str) -> _Parameter:
        if name not in self.allParameters:
            raise ValueError(f"Cannot find a param with the given name: {name}; found {sorted(self.allParameters)}")
        return self.allParameters[name]

    def default(self, name: str) -> Default:
        return self._known(name).default or Default(self._known(name).serializer.default())

    @classmethod
    def dataType(cls, name: str) -> Any:
        return cls.allParameters[name].annotated

    def getValue(self, name: str) -> Any:
        parameter = self._known(name)
        if not parameter.serializer.is_in(self.parameterNode, self._prefix + name):
            self.setValue(name, self._default_of(parameter))
        return parameter.serializer.read(self.parameterNode, self._prefix + name)

    def setValue(self, name: str, value: Any) -> None:
        with slicer.util.NodeModify(self.parameterNode):
            self._known(name).serializer.write(self.parameterNode, self._prefix + name, value)

    def connectGui(self, gui: Any) -> int:
        """Show every parameter in the widget whose SlicerParameterName is its name; return a tag."""
        import qt

        found = gui.findChildren(qt.QWidget) if hasattr(gui, "isWidgetType") else gui.__dict__.values()
        named = {widget.property(NAME_PROPERTY): widget for widget in found if widget.property(NAME_PROPERTY)}
        return self.connectParametersToGui(named)

    def connectParametersToGui(self, mapping: dict[str, Any]) -> int:
        """Show parameters in widgets given by parameter name; return a tag."""
        for name in mapping:
            self._known(name)
        connectors = {name: make_connector(widget, self.dataType(name)) for name, widget in mapping.items()}
        tag, self._next_tag = self._next_tag, self._next_tag + 1
        observed = self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: self._show())
        self._guis[tag] = (connectors, observed)
        for name, connector in connectors.items():
            connector.write(self.getValue(name))
            connector.on_changed(self._taker(name, connector))
        return tag

    def _taker(self, name: str, connector: Connector) -> Callable[[], None]:
        def take() -> None:
            if not self._updating:
                self.setValue(name, connector.read())

        return take

    def _show(self) -> None:
        if self._updating:
            return
        self._updating = True
        try:
            with slicer.util.NodeModify(self):
                for connectors, _ in list(self._guis.values()):
                    for name, connector in connectors.items():
                        connector.write(self.getValue(name))
        finally:
            self._updating = False

    def disconnectGui(self, tag: int) -> None:
        """Show the parameters of a tag no more."""
        if tag in self._guis:
            connectors, observed = self._guis.pop(tag)
            self.RemoveObserver(observed)
            for connector in connectors.values():
                connector.on_changed(None)

    def StartModify(self) -> int:
        return int(self.parameterNode.StartModify())

    def EndModify(self, modified: int) -> None:
        self.parameterNode.EndModify(modified)

    def AddObserver(self, event: Any, callback: Any, priority: float = 0.0) -> int:
        return int(self.parameterNode.AddObserver(event, callback, priority))

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def Modified(self) -> None:
        self.parameterNode.Modified()


def parameterNodeWrapper(classtype: Any = None) -> Any:
    """Make a class of annotated names into a wrapper of parameter nodes."""
    return _processed(classtype) if classtype is not None else _processed


def _processed(kind: type) -> type:
    parameters = {}
    for name, annotated in typing.get_type_hints(kind, include_extras=True).items():
        notes = split_annotations(annotated)[1]
        default = Default(getattr(kind, name)) if hasattr(kind, name) else first_of(notes, Default)
        try:
            parameters[name] = _Parameter(name, annotated, default)
        except Exception as error:
            raise Exception(f"Unable to create serializer for {kind} member {name}") from error  # noqa: TRY002
        setattr(kind, name, _parameter_property(name))
    for name, member in vars(_Methods).items():
        if name == "__init__" or not name.startswith("__"):
            if name != "__init__" and hasattr(kind, name):
                raise ValueError(f"Cannot use reserved name '{name}' in a parameterNodeWrapper")
            setattr(kind, name, member)
    kind.allParameters = parameters  # type: ignore[attr-defined]
    kind._is_parameter_node_wrapper = True  # type: ignore[attr-defined]
    return kind


def _parameter_property(name: str) -> property:
    return property(lambda self: self.getValue(name), lambda self, value: self.setValue(name, value))


def _is_wrapper(value: Any) -> bool:
    return bool(getattr(value, "_is_parameter_node_wrapper", False))


def _pack(*_: Any) -> Any:
    raise NotImplementedError("The host has no parameterPack: write the parameters out.")


def make_module() -> types.ModuleType:
    """Return the module `slicer.parameterNodeWrapper`."""
    module = types.ModuleType("slicer.parameterNodeWrapper")
    names = ("Default", "Validator", "WithinRange", "Minimum", "Maximum", "Choice", "Exclude", "NotNone")
    for name in (*names, "Decimals", "SingleStep"):
        setattr(module, name, getattr(beside_types, name))
    module.parameterNodeWrapper = parameterNodeWrapper  # type: ignore[attr-defined]
    module.parameterPack = _pack  # type: ignore[attr-defined]
    module.isParameterNodeWrapper = _is_wrapper  # type: ignore[attr-defined]
    module.SlicerParameterNamePropertyName = NAME_PROPERTY  # type: ignore[attr-defined]
    return module
