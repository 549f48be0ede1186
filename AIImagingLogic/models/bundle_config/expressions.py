"""The safe part of the ``$`` expressions: read as a tree and worked out here, never given to Python to run."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from AIImagingLogic.models.bundle_config import arithmetic
from AIImagingLogic.models.bundle_config.outside_limits import OutsideLimitsError, bounded
from AIImagingLogic.models.bundle_config.plain_functions import PLAIN_FUNCTIONS, plain_method
from AIImagingLogic.models.safety.limits import limit


class RefusedExpressionError(Exception):
    """An expression is outside the safe part of the language; the text says what of it."""


class Library(Protocol):
    """What the names of libraries in an expression stand for."""

    def name(self, full: str) -> Any:
        """Return the value of a dotted name, such as ``torch.float32``."""

    def call(self, full: str, positional: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        """Return what a function of a library gives."""

    def check_call(self, full: str) -> None:
        """Refuse a function of a library that `call` would refuse whatever its arguments are."""

    def method(self, value: Any, name: str, positional: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        """Return what a method of an object gives."""

    def attribute(self, value: Any, name: str) -> Any:
        """Return an attribute of an object."""

    def function(self, source: str, body: Callable[..., Any]) -> Any:
        """Return what stands for a function written in the configuration."""


def parse_expression(text: str) -> ast.expr:
    """Return the tree of an expression.

    Raises
    ------
    RefusedExpressionError
        It is no expression, or too long or complex.
    """
    if len(text) > limit("expression_characters"):
        raise RefusedExpressionError(f"an expression of {len(text)} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise RefusedExpressionError("text that is not an expression") from error
    nodes = list(ast.walk(tree))
    if len(nodes) > limit("expression_nodes"):
        raise RefusedExpressionError("an expression of too many parts")
    for node in nodes:
        # Here too, so that a function is refused when it is written, not only when it is called.
        if isinstance(node, ast.Attribute):
            _public(node.attr)
    return tree


class Evaluator:
    """Works out one expression.

    Parameters
    ----------
    library : Library
        Stands for imported names.
    values : Mapping of str to Any
        Names that the configuration gives, such as placeholders of references.
    aliases : Mapping of str to str
        Imported names and what they stand for, such as ``np``: ``numpy``.
    """

    def __init__(self, library: Library, values: Mapping[str, Any], aliases: Mapping[str, str]) -> None:
        self._library = library
        self._values = dict(values)
        self._aliases = aliases
        self._steps = 0

    def value(self, node: ast.expr) -> Any:
        """Return the value of a tree.

        Raises
        ------
        RefusedExpressionError
            It uses what is outside the safe part, asks for too much, or cannot be worked out.
        """
        try:
            return self._value(node, self._values)
        except OutsideLimitsError as error:
            raise RefusedExpressionError(str(error)) from error
        except (TypeError, ValueError, KeyError, IndexError, ArithmeticError, AttributeError) as error:
            raise RefusedExpressionError(f"a value that cannot be worked out ({error})") from error
        except (RuntimeError, RecursionError, MemoryError) as error:
            raise RefusedExpressionError(f"a value that cannot be worked out ({type(error).__name__})") from error

    def _value(self, node: ast.AST, names: Mapping[str, Any]) -> Any:
        act = getattr(self, f"_{type(node).__name__.lower()}", None)
        if act is None:
            raise RefusedExpressionError(f"the construct {type(node).__name__}")
        result = act(node, names)
        # Items count as steps: many lists of many items are as much as one list without end.
        self._steps += 1 + (len(result) if isinstance(result, (str, list, tuple, set, dict)) else 0)
        if self._steps > limit("expression_items"):
            raise OutsideLimitsError("too many steps or items")
        return result

    def _constant(self, node: ast.Constant, names: Mapping[str, Any]) -> Any:
        return node.value

    def _name(self, node: ast.Name, names: Mapping[str, Any]) -> Any:
        if node.id in names:
            return names[node.id]
        return self._library.name(self._full(node.id))

    def _attribute(self, node: ast.Attribute, names: Mapping[str, Any]) -> Any:
        full = self._dotted(node, names)
        if full:
            return self._library.name(full)
        _public(node.attr)
        return self._library.attribute(self._value(node.value, names), node.attr)

    def _call(self, node: ast.Call, names: Mapping[str, Any]) -> Any:
        positional = tuple(self._items(node.args, names))
        named: dict[str, Any] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                named.update(self._value(keyword.value, names))
            else:
                named[keyword.arg] = self._value(keyword.value, names)
        function = node.func
        if isinstance(function, ast.Name) and function.id not in names:
            return self._named_call(function.id, positional, named)
        full = self._dotted(function, names)
        if full:
            return self._library.call(full, positional, named)
        if isinstance(function, ast.Attribute):
            _public(function.attr)
            owner = self._value(function.value, names)
            if (found := plain_method(owner, function.attr)) is not None:
                return found(*positional, **named)
            return self._library.method(owner, function.attr, positional, named)
        raise RefusedExpressionError("a call of a computed function")

    def _named_call(self, name: str, positional: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        if name in self._aliases:
            return self._library.call(self._full(name), positional, named)
        if name not in PLAIN_FUNCTIONS:
            raise RefusedExpressionError(f"the function '{name}'")
        return PLAIN_FUNCTIONS[name](*positional, **named)

    def _check_function(self, function: ast.expr, names: set[str]) -> None:
        inner = dict.fromkeys(names)
        if isinstance(function, ast.Name) and not {function.id} & {*names, *self._aliases, *PLAIN_FUNCTIONS}:
            raise RefusedExpressionError(f"the function '{function.id}'")
        if isinstance(function, ast.Attribute) and (full := self._dotted(function, inner)):
            self._library.check_call(full)

    def _full(self, name: str) -> str:
        if name not in self._aliases:
            raise RefusedExpressionError(f"the name '{name}'")
        return self._aliases[name]

    def _dotted(self, node: ast.expr, names: Mapping[str, Any]) -> str:
        """Return ``torch.nn.X`` for such a tree, with its alias replaced; empty when it starts at a value."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not parts or not isinstance(node, ast.Name) or node.id in names:
            return ""
        for part in parts:
            _public(part)
        return ".".join([self._full(node.id), *reversed(parts)])

    def _binop(self, node: ast.BinOp, names: Mapping[str, Any]) -> Any:
        return arithmetic.binary(node.op, self._value(node.left, names), self._value(node.right, names))

    def _unaryop(self, node: ast.UnaryOp, names: Mapping[str, Any]) -> Any:
        return arithmetic.unary(node.op, self._value(node.operand, names))

    def _boolop(self, node: ast.BoolOp, names: Mapping[str, Any]) -> Any:
        wanted = isinstance(node.op, ast.Or)
        result: Any = None
        for part in node.values:
            result = self._value(part, names)
            if bool(result) is wanted:
                break
        return result

    def _compare(self, node: ast.Compare, names: Mapping[str, Any]) -> Any:
        left = self._value(node.left, names)
        result: Any = True
        for kind, part in zip(node.ops, node.comparators):
            right = self._value(part, names)
            result = arithmetic.compare(kind, left, right)
            if len(node.ops) > 1 and not result:
                break
            left = right
        return result

    def _ifexp(self, node: ast.IfExp, names: Mapping[str, Any]) -> Any:
        return self._value(node.body if self._value(node.test, names) else node.orelse, names)

    def _subscript(self, node: ast.Subscript, names: Mapping[str, Any]) -> Any:
        return self._value(node.value, names)[self._value(node.slice, names)]

    def _slice(self, node: ast.Slice, names: Mapping[str, Any]) -> slice:
        return slice(*(part and self._value(part, names) for part in (node.lower, node.upper, node.step)))

    def _tuple(self, node: ast.Tuple, names: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(self._items(node.elts, names))

    def _list(self, node: ast.List, names: Mapping[str, Any]) -> list[Any]:
        return list(self._items(node.elts, names))

    def _set(self, node: ast.Set, names: Mapping[str, Any]) -> set[Any]:
        return set(self._items(node.elts, names))

    def _dict(self, node: ast.Dict, names: Mapping[str, Any]) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for key, part in zip(node.keys, node.values):
            value = self._value(part, names)
            result.update(value if key is None else {self._value(key, names): value})
        return result

    def _items(self, nodes: list[ast.expr], names: Mapping[str, Any]) -> Iterator[Any]:
        for node in nodes:
            if isinstance(node, ast.Starred):
                items = list(self._value(node.value, names))
                bounded(len(items))
                yield from items
            else:
                yield self._value(node, names)

    def _listcomp(self, node: ast.ListComp, names: Mapping[str, Any]) -> list[Any]:
        return [self._value(node.elt, inner) for inner in self._rounds(node.generators, names)]

    _generatorexp = _listcomp

    def _setcomp(self, node: ast.SetComp, names: Mapping[str, Any]) -> set[Any]:
        return {self._value(node.elt, inner) for inner in self._rounds(node.generators, names)}

    def _dictcomp(self, node: ast.DictComp, names: Mapping[str, Any]) -> dict[Any, Any]:
        rounds = self._rounds(node.generators, names)
        return {self._value(node.key, inner): self._value(node.value, inner) for inner in rounds}

    def _rounds(self, generators: list[ast.comprehension], names: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        if not generators:
            yield names
            return
        first, *others = generators
        for item in self._value(first.iter, names):
            inner = {**names, **_bound(first.target, item)}
            if all(self._value(test, inner) for test in first.ifs):
                yield from self._rounds(others, inner)

    def _lambda(self, node: ast.Lambda, names: Mapping[str, Any]) -> Any:
        arguments = node.args
        if arguments.defaults or arguments.kw_defaults or arguments.vararg or arguments.kwarg or arguments.kwonlyargs:
            raise RefusedExpressionError("a function with defaults or any number of arguments")
        wanted = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
        for part in ast.walk(node.body):
            if isinstance(part, ast.Call):
                self._check_function(part.func, {*names, *wanted})

        def body(*given: Any) -> Any:
            if len(given) != len(wanted):
                raise TypeError(f"{len(given)} arguments instead of {len(wanted)}")
            # Every call has its own count of steps.
            return Evaluator(self._library, {**names, **dict(zip(wanted, given))}, self._aliases).value(node.body)

        return self._library.function(ast.unparse(node), body)


def _bound(target: ast.expr, item: Any) -> dict[str, Any]:
    if isinstance(target, ast.Name):
        return {target.id: item}
    if isinstance(target, (ast.Tuple, ast.List)):
        items = list(item)
        if len(items) != len(target.elts):
            raise RefusedExpressionError("names that do not match their values")
        bound: dict[str, Any] = {}
        for part, each in zip(target.elts, items):
            bound.update(_bound(part, each))
        return bound
    raise RefusedExpressionError("a loop over something other than names")


def _public(name: str) -> None:
    if name.startswith("_"):
        raise RefusedExpressionError(f"the private name '{name}'")
