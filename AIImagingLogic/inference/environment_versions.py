"""Whether a version lies in a range. What compares versions may itself be missing in a broken environment."""

from __future__ import annotations

import re
from typing import Any


def canonical_name(name: str) -> str:
    """Return a package's name as pip compares it: ``Scikit_Learn`` is ``scikit-learn``."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement_name(requirement: str) -> str:
    """Return ``dask`` of ``dask[distributed]>=2024.8``."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    return match.group() if match else requirement


def can_compare() -> bool:
    """Return whether versions can be compared at all."""
    return _requirements_module() is not None


def is_met(requirement: str, version: str) -> bool:
    """Return whether `version` satisfies `requirement`; True where this cannot be known.

    A requirement for another platform or for an extra that was not asked for counts as met.
    """
    module = _requirements_module()
    if module is None:
        return True
    try:
        parsed = module.Requirement(requirement)
        if parsed.marker is not None and not parsed.marker.evaluate({"extra": ""}):
            return True
        return bool(parsed.specifier.contains(version, prereleases=True))
    except ValueError:
        # All that packaging raises for what it cannot read is a ValueError.
        return True


def applies_here(requirement: str) -> bool:
    """Return whether `requirement` is for this platform and asked for without extras."""
    module = _requirements_module()
    if module is None:
        return False
    try:
        parsed = module.Requirement(requirement)
        return parsed.marker is None or bool(parsed.marker.evaluate({"extra": ""}))
    except ValueError:
        return False


def _requirements_module() -> Any:
    try:
        from packaging import requirements
    except ImportError:
        try:
            from pip._vendor.packaging import requirements  # type: ignore[no-redef]
        except ImportError:
            return None
    return requirements
