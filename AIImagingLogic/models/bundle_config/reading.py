"""A configuration file becomes plain data: JSON or YAML, bounded in size, depth and number of values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from AIImagingLogic.models.safety.limits import limit
from AIImagingLogic.models.safety.refusals import DOWNLOAD_AGAIN, UnsafeModel
from AIImagingLogic.records.errors import ModelError


def read_config(path: Path) -> Any:
    """Return the content of a ``.json``, ``.yaml`` or ``.yml`` file.

    Raises
    ------
    UnsafeModel
        It is broken, tagged with classes, or absurdly large or deep, aliases of YAML counted as often as they stand.
    ModelError
        It is missing, of another kind, or PyYAML is needed and not installed.
    """
    try:
        if path.stat().st_size > limit("config_bytes"):
            raise UnsafeModel(f"'{path.name}' has {path.stat().st_size} bytes.", "Do not use this package.")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ModelError(f"'{path}' is missing from the package.", DOWNLOAD_AGAIN) from error
    except UnicodeDecodeError as error:
        raise UnsafeModel(f"'{path.name}' is not text.", DOWNLOAD_AGAIN) from error
    suffix = path.suffix.lower()
    if suffix not in (".json", ".yaml", ".yml"):
        raise ModelError(f"'{path.name}' is not a configuration (.json, .yaml).", "Import the package's folder.")
    try:
        content = json.loads(text) if suffix == ".json" else _yaml(text, path.name)
    except (ValueError, RecursionError, OverflowError) as error:
        raise UnsafeModel(f"'{path.name}' cannot be read: {_line(error)}.", DOWNLOAD_AGAIN) from error
    refuse_absurd(content, path.name)
    return content


def refuse_absurd(content: Any, place: str) -> None:
    """Refuse data that is too deep, or has too many values when shared parts are counted wherever they stand.

    Raises
    ------
    UnsafeModel
        It is.
    """
    todo = [(content, 0)]
    count = 0
    while todo:
        value, depth = todo.pop()
        count += 1
        if depth > limit("config_depth"):
            raise UnsafeModel(
                f"'{place}' is nested more than {limit('config_depth')} deep.", "Do not use this package."
            )
        if count > limit("config_nodes"):
            raise UnsafeModel(f"'{place}' holds more than {limit('config_nodes')} values.", "Do not use this package.")
        if isinstance(value, dict):
            todo.extend((item, depth + 1) for item in value.values())
        elif isinstance(value, (list, tuple, set)):
            todo.extend((item, depth + 1) for item in value)


def _yaml(text: str, place: str) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise ModelError(f"'{place}' is YAML, which needs PyYAML.", "Install the package 'pyyaml'.") from error
    depth = 0
    try:
        # Depth is counted before anything is built: the builder calls itself for each level.
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > limit("config_depth"):
                raise UnsafeModel(f"'{place}' is nested too deeply.", "Do not use this package.")
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(_line(error)) from error


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
