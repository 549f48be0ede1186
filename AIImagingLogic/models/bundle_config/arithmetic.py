"""Operators of expressions, bounded: a short text must not ask for a number or a list without end."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from AIImagingLogic.models.bundle_config.growth import refuse_growth
from AIImagingLogic.models.bundle_config.outside_limits import OutsideLimitsError, bounded
from AIImagingLogic.models.safety.limits import limit

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Invert: operator.invert,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}


def binary(kind: ast.operator, left: Any, right: Any) -> Any:
    """Return ``left kind right``.

    Raises
    ------
    OutsideLimitsError
        The operator is unknown, or its result would be absurdly large.
    """
    act = _BINARY.get(type(kind))
    if act is None:
        raise OutsideLimitsError(f"the operator {type(kind).__name__}")
    refuse_growth((left, right))
    if isinstance(left, (str, bytes)) and isinstance(kind, ast.Mod):
        raise OutsideLimitsError("text put together by %")
    if isinstance(kind, ast.Mult):
        for many, times in ((left, right), (right, left)):
            if isinstance(many, (str, bytes, list, tuple)) and isinstance(times, int):
                bounded(len(many) * max(times, 0))
    if isinstance(kind, ast.Pow) and isinstance(right, int) and isinstance(left, int) and abs(left) > 1:
        _digits(abs(left).bit_length() * abs(right))
    result = act(left, right)
    if isinstance(result, int) and not isinstance(result, bool):
        _digits(result.bit_length())
    elif isinstance(result, (str, bytes, list, tuple)):
        bounded(len(result))
    return result


def unary(kind: ast.unaryop, value: Any) -> Any:
    """Return ``kind value``."""
    return _UNARY[type(kind)](value)


def compare(kind: ast.cmpop, left: Any, right: Any) -> Any:
    """Return ``left kind right``."""
    refuse_growth((left, right))
    return _COMPARE[type(kind)](left, right)


def _digits(bits: int) -> None:
    if bits > limit("expression_digits") * 4:
        raise OutsideLimitsError("a number of too many digits")
