"""Plain values of a package's description: numbers, words, lists and objects of a size that makes sense."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def is_plain_value(value: Any, limits: Mapping[str, int], depth: int = 0) -> bool:
    """Whether a value is made of numbers, words, lists and objects within the limits.

    Parameters
    ----------
    value : as read from JSON
    limits : `depth` of lists in lists, `list` for the items of one, `text` for characters, `integer` for numbers
    depth : at which the value stands
    """
    if depth > limits["depth"]:
        return False
    if isinstance(value, (list, Mapping)):
        items = value.values() if isinstance(value, Mapping) else value
        return len(value) <= limits["list"] and all(is_plain_value(item, limits, depth + 1) for item in items)
    if isinstance(value, (int, float)):
        return abs(value) <= limits["integer"]
    return value is None or (isinstance(value, str) and len(value) <= limits["text"])
