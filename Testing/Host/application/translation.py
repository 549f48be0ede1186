"""`slicer.i18n`: texts as they are, after a check that they can be translated."""

from __future__ import annotations

import types


def tr(text: str) -> str:
    """Return the text.

    Raises
    ------
    TypeError
        It is no text: Slicer would fail when it looks for its placeholders.
    """
    if not isinstance(text, str):
        raise TypeError(f"expected string or bytes-like object, got {type(text).__name__}")
    return text


def translate(context: str, text: str) -> str:
    """Return the text of a context."""
    return tr(text)


def make_module() -> types.ModuleType:
    """Return the module `slicer.i18n`."""
    module = types.ModuleType("slicer.i18n")
    module.tr, module.translate = tr, translate  # type: ignore[attr-defined]
    return module
