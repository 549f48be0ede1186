"""Functions and methods of plain values that expressions may call; each gives something of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from AIImagingLogic.models.bundle_config.outside_limits import OutsideLimitsError, bounded

_PLAIN = (str, int, float, bool, list, tuple, dict, set, range, type(None))
_METHODS: dict[type, tuple[str, ...]] = {
    dict: ("keys", "values", "items", "get"),
    str: ("lower", "upper", "strip", "startswith", "endswith", "split"),
    list: ("index", "count"),
    tuple: ("index", "count"),
}


def plain_method(owner: Any, name: str) -> Callable[..., Any] | None:
    """Return a harmless method of a plain value, or None."""
    if name not in _METHODS.get(type(owner), ()):
        return None
    found: Callable[..., Any] = getattr(owner, name)
    # Views of dictionaries become lists, so that all that follows sees plain values.
    return (lambda: list(found())) if name in ("keys", "values", "items") else found


def _range(*bounds: int) -> range:
    result = range(*bounds)
    if abs(result.stop - result.start) > 2**40:
        raise OutsideLimitsError("a range without end")
    bounded(len(result))
    return result


def _items(values: Iterable[Any] = ()) -> list[Any]:
    if not isinstance(values, (*_PLAIN[4:], str)) and not hasattr(values, "shape"):
        raise OutsideLimitsError(f"the items of a {type(values).__name__}")
    result = list(values)
    bounded(len(result))
    return result


def _text(value: Any) -> str:
    if not isinstance(value, (str, int, float, bool)):
        raise OutsideLimitsError(f"the text of a {type(value).__name__}")
    return str(value)


def _whole(value: Any = 0) -> int:
    if isinstance(value, str):
        bounded(len(value))
    return int(value)


PLAIN_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "bool": bool,
    "dict": lambda *pairs, **named: {**dict(*pairs), **named},
    "enumerate": lambda values: list(enumerate(_items(values))),
    "float": float,
    "int": _whole,
    "len": len,
    "list": _items,
    "max": lambda *values: max(*values),
    "min": lambda *values: min(*values),
    "range": _range,
    "reversed": lambda values: _items(values)[::-1],
    "round": round,
    "set": lambda values=(): set(_items(values)),
    "sorted": lambda values, reverse=False: sorted(_items(values), reverse=bool(reverse)),
    "str": _text,
    "sum": lambda values: sum(_items(values)),
    "tuple": lambda values=(): tuple(_items(values)),
    "zip": lambda *values: list(zip(*(_items(each) for each in values))),
}
