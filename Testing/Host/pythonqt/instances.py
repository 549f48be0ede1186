"""Wrappers: the Python objects and classes that stand for Qt's, with PythonQt's rules for their attributes."""

from __future__ import annotations

import enum
import re
import weakref
from typing import Any

import shiboken6
from PySide6 import QtCore

from Testing.Host.pythonqt import members
from Testing.Host.pythonqt.calls import SlotFunction
from Testing.Host.pythonqt.enums import EnumType, EnumValue
from Testing.Host.pythonqt.object_methods import OBJECT_METHODS
from Testing.Host.pythonqt.properties import read_property, write_property
from Testing.Host.pythonqt.shells import shell_class
from Testing.Host.pythonqt.signals import SignalFunction

_SNAKE = re.compile(r"[a-z]+(_[a-z]+)+$")
_classes: dict[type, type] = {}


class ClassWrapper(type):
    """The class of wrapper classes: gives enums, static methods and unbound methods of the Qt class."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **named: Any) -> Any:
        qt_bases = [base for base in bases if isinstance(base, ClassWrapper)]
        if len(qt_bases) > 1:
            raise TypeError("multiple bases have instance lay-out conflict (PythonQt: one Qt class only)")
        created = super().__new__(mcs, name, bases, namespace)
        if "_qt_class" not in namespace and bases:
            # A class of the module: attributes of its own are allowed, as in PythonQt.
            type.__setattr__(created, "_is_derived", True)
        return created

    def __getattr__(cls, name: str) -> Any:
        kind = cls.__dict__.get("_qt_class") or getattr(cls.__base__, "_qt_class", None)
        if name.startswith("_") or kind is None:
            raise AttributeError(f"type object '{cls.__name__}' has no attribute '{name}'")
        found = members.member_kind(kind, name)
        if found is None and name.endswith("_"):
            name = name.removesuffix("_")
            found = members.member_kind(kind, name)
        if found == members.ENUM_VALUE:
            return _enum_value(kind, name)
        if found == members.ENUM_TYPE:
            return EnumType(getattr(kind, name))
        if found == members.NESTED:
            return wrapper_class(getattr(kind, name))
        if found in (members.STATIC, members.SLOT):
            special = _SPECIAL_STATICS.get((kind.__name__, name))
            return special or SlotFunction(_owner_name(kind, name), getattr(kind, name), wrap, unwrap)
        raise AttributeError(_unknown(cls.__name__, kind, name))

    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        return super().__call__(*arguments, **named)


class InstanceWrapper(metaclass=ClassWrapper):
    """An object of Qt as the module sees it."""

    _qt_class: Any = None
    _is_derived = False

    def __init__(self, *arguments: Any, **named: Any) -> None:
        if named:
            raise ValueError(
                f"Called {self._qt_class.__name__}() with keyword arguments, but called slot does not support "
                "kwargs. (PythonQt passes arguments by position)"
            )
        if any(isinstance(argument, EnumValue) for argument in arguments) or not self._is_derived:
            arguments = tuple(arguments)
        kind = shell_class(type(self), self._qt_class, wrap, unwrap) if self._is_derived else self._qt_class
        made = SlotFunction(f"{self._qt_class.__name__}()", kind, lambda value: value, unwrap)(*arguments)
        _bind(self, made)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_obj":
            raise AttributeError(f"{type(self).__name__} has no attribute named '{name}' (was its __init__ called?)")
        return _read_attribute(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _write_attribute(self, name, value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, InstanceWrapper):
            return False
        return _address(self._obj) == _address(other._obj) if _is_qobject(self._obj) else self._obj == other._obj

    def __hash__(self) -> int:
        return hash(_address(self._obj))

    def __bool__(self) -> bool:
        return bool(shiboken6.isValid(self._obj))

    def __repr__(self) -> str:
        return f"{self._qt_class.__name__} ({self._qt_class.__name__} at: {_address(self._obj):#x})"

    def __add__(self, other: Any) -> Any:
        return wrap(self._obj + unwrap(other))

    def __sub__(self, other: Any) -> Any:
        return wrap(self._obj - unwrap(other))

    def __lt__(self, other: Any) -> Any:
        return self._obj < unwrap(other)

    def className(self) -> str:
        """Return the name of the Qt class."""
        return str(self._qt_class.__name__)

    def inherits(self, name: str) -> bool:
        """Return whether the Qt class is, or comes from, one of that name."""
        return any(base.__name__ == name for base in self._qt_class.__mro__)

    def delete(self) -> None:
        """Destroy the Qt object at once."""
        shiboken6.delete(self._obj)


def wrapper_class(kind: type) -> Any:
    """Return the wrapper class of a PySide6 class; all of them have one base, as in PythonQt.

    So ``isinstance(button, qt.QWidget)`` is False for a QPushButton, as it is there: ask ``inherits``.
    """
    if kind not in _classes:
        _classes[kind] = ClassWrapper(kind.__name__, (InstanceWrapper,), {"_qt_class": kind, "__module__": "PythonQt"})
    return _classes[kind]


def wrap(value: Any) -> Any:
    """Return what PythonQt hands to Python for a value that comes from Qt."""
    if value is None or isinstance(value, (str, bytes, bool, float, InstanceWrapper)):
        return value
    if isinstance(value, enum.Enum):
        return EnumValue(value)
    if isinstance(value, int):
        return value
    if isinstance(value, (list, tuple)):
        return tuple(wrap(item) for item in value)
    if isinstance(value, dict):
        return {key: wrap(item) for key, item in value.items()}
    if not isinstance(value, shiboken6.Object):
        return value
    known = getattr(value, "_host_wrapper", None)
    known = known() if isinstance(known, weakref.ref) else known
    if known is not None:
        return known
    kind = wrapper_class(next(base for base in type(value).__mro__ if not base.__dict__.get("_is_shell")))
    made = kind.__new__(kind)
    _bind(made, value)
    return made


def unwrap(value: Any) -> Any:
    """Return what PySide6 is given for a value of the module."""
    if isinstance(value, InstanceWrapper):
        return value._obj
    if isinstance(value, EnumValue):
        return value.member
    if isinstance(value, (list, tuple)):
        return [unwrap(item) for item in value]
    if isinstance(value, dict):
        return {key: unwrap(item) for key, item in value.items()}
    return value


def _bind(wrapper: InstanceWrapper, target: Any) -> None:
    object.__setattr__(wrapper, "_obj", target)
    if hasattr(target, "__dict__"):
        # A class of the module lives as long as its Qt object; a plain wrapper goes when nobody holds it.
        target._host_wrapper = wrapper if wrapper._is_derived else weakref.ref(wrapper)


def _read_attribute(wrapper: InstanceWrapper, name: str) -> Any:
    target, kind = wrapper._obj, wrapper._qt_class
    found = members.member_kind(kind, name)
    if found != members.PROPERTY and not shiboken6.isValid(target):
        raise ValueError(f"Trying to call '{name}' on a destroyed {kind.__name__} object")
    if found is None and name in OBJECT_METHODS and _is_qobject(target):
        return OBJECT_METHODS[name](target, wrap, unwrap)
    if found is None and name.endswith("_"):
        name = name.removesuffix("_")
        found = members.member_kind(kind, name)
    if found == members.PROPERTY:
        return wrap(read_property(target, members.property_name(kind, name) or name))
    if found == members.SIGNAL:
        return SignalFunction(target, name, wrap, unwrap)
    if found == members.ENUM_VALUE:
        return _enum_value(kind, name)
    if name in OBJECT_METHODS and _is_qobject(target):
        return OBJECT_METHODS[name](target, wrap, unwrap)
    if found in (members.SLOT, members.STATIC):
        return SlotFunction(_owner_name(kind, name), getattr(target, name), wrap, unwrap, target)
    if _is_qobject(target):
        if name.encode() in [bytes(item.data()) for item in target.dynamicPropertyNames()]:
            return wrap(target.property(name))
        for child in target.children():
            if child.objectName() == name:
                return wrap(child)
    raise AttributeError(_unknown(kind.__name__, kind, name))


def _write_attribute(wrapper: InstanceWrapper, name: str, value: Any) -> None:
    if "_obj" not in wrapper.__dict__:
        if wrapper._is_derived:
            object.__setattr__(wrapper, name, value)
            return
        raise AttributeError("The Qt object was not made: was __init__ of the Qt class called?")
    target, kind = wrapper._obj, wrapper._qt_class
    found = members.member_kind(kind, name)
    if found == members.PROPERTY:
        write_property(
            target, members.property_name(kind, name) or name, unwrap(value) if not isinstance(value, int) else value
        )
        return
    if found is not None:
        raise AttributeError(f"{found.capitalize()} '{name}' can not be overwritten on {kind.__name__} object")
    if _is_qobject(target) and name.encode() in [bytes(item.data()) for item in target.dynamicPropertyNames()]:
        target.setProperty(name, unwrap(value))
        return
    if wrapper._is_derived:
        object.__setattr__(wrapper, name, value)
        return
    raise AttributeError(
        f"'{name}' does not exist on {kind.__name__} and creating new attributes on C++ objects is not allowed"
    )


def _enum_value(kind: type, name: str) -> Any:
    for base in kind.__mro__:
        own = base.__dict__.get("CPP_ENUMS", {})
        if name in own:
            return own[name]
    return EnumValue(getattr(kind, name))


def _owner_name(kind: type, name: str) -> str:
    owner = next((base for base in kind.__mro__ if name in base.__dict__), kind)
    return f"{owner.__name__}.{name}"


def _unknown(owner: str, kind: type, name: str) -> str:
    text = f"{owner} has no attribute named '{name}'"
    if _SNAKE.match(name):
        words = name.split("_")
        text += f" (PythonQt knows camelCase only: {words[0]}{''.join(word.title() for word in words[1:])})"
    elif not members.is_native(kind) and hasattr(members.native_base(kind), name):
        text += " (only properties, signals, slots and invokable methods of C++ reach PythonQt)"
    return text


def _is_qobject(target: Any) -> bool:
    return isinstance(target, QtCore.QObject)


def _address(target: Any) -> int:
    return int(shiboken6.getCppPointer(target)[0])


def _single_shot(*arguments: Any) -> None:
    """``qt.QTimer.singleShot(milliseconds, callable)``: PythonQt has this form only."""
    from Testing.Host.pythonqt.faults import record_fault

    if len(arguments) != 2 or not callable(arguments[1]):
        raise ValueError("Called QTimer.singleShot with wrong arguments: it takes milliseconds and a callable")

    def shot() -> None:
        try:
            arguments[1]()
        except BaseException as error:  # noqa: BLE001 - PythonQt prints it; the host raises it later
            record_fault(error)

    QtCore.QTimer.singleShot(int(arguments[0]), shot)


_SPECIAL_STATICS = {("QTimer", "singleShot"): _single_shot}
