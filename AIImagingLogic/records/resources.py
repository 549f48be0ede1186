"""Where the data that travels with the code lies: catalogue, rule tables, terminology, templates."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).resolve().parent.parent


def resource_path(relative: str) -> Path:
    """Return the path of a file in Resources, in a source tree, an installed wheel or a Slicer install.

    Raises
    ------
    FileNotFoundError
        The file is in neither place.
    """
    for root in (_PACKAGE / "Resources", _PACKAGE.parent / "Resources"):
        path = root / relative
        if path.exists():
            return path
    raise FileNotFoundError(f"Resources/{relative} is missing from this installation of AI Imaging.")


@cache
def load_resource(relative: str) -> Any:
    """Return the content of a JSON file in Resources. Do not change what it returns: it is shared."""
    return json.loads(resource_path(relative).read_text(encoding="utf-8"))
