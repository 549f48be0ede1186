"""`slicer.packaging`: reads and checks requirements, records what would be installed, installs nothing."""

from __future__ import annotations

import types
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement


class Packaging:
    """The module's functions, with what was asked for in `asked` and the user's answer in `allowed`."""

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[str, ...], str | None]] = []
        self.allowed = True

    def load_requirements(self, path: str | Path) -> list[Requirement]:
        """Return the requirements in a file; comments and options are left out."""
        lines = (line.strip() for line in Path(path).read_text().splitlines())
        return [Requirement(line) for line in lines if line and line[0] not in "#-"]

    def pip_check(self, req: Any) -> bool:
        """Return whether requirements are met by what is installed."""
        return not self._missing(req)

    def pip_ensure(
        self,
        requirements: Any,
        constraints: Any = None,
        skip_packages: list[str] | None = None,
        prompt_install: bool = True,
        prompt_restart: bool = True,
        requester: str | None = None,
        skip_in_testing: bool = True,
        show_progress: bool = True,
    ) -> None:
        """Record what is missing, and go on as if it had been installed.

        Raises
        ------
        RuntimeError
            The test says that the user declines (`allowed` is False) and something is missing.
        """
        missing = self._missing(requirements)
        self.asked.append((tuple(str(requirement) for requirement in missing), requester))
        if missing and not self.allowed:
            raise RuntimeError("User declined the installation of packages.")

    def pip_install(self, requirements: Any, **named: Any) -> None:
        """Record what would be installed."""
        self.asked.append((tuple(str(item) for item in _as_list(requirements)), named.get("requester")))

    def _missing(self, requirements: Any) -> list[Requirement]:
        return [item for item in _as_list(requirements) if not _is_met(item)]

    def module(self) -> types.ModuleType:
        """Return the module `slicer.packaging`."""
        module = types.ModuleType("slicer.packaging")
        for name in ("load_requirements", "pip_check", "pip_ensure", "pip_install"):
            setattr(module, name, getattr(self, name))
        module.Requirement = Requirement  # type: ignore[attr-defined]
        return module


def _as_list(requirements: Any) -> list[Requirement]:
    if isinstance(requirements, Requirement):
        return [requirements]
    items = requirements.split() if isinstance(requirements, str) else requirements
    return [item if isinstance(item, Requirement) else Requirement(item) for item in items]


def _is_met(requirement: Requirement) -> bool:
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    try:
        return requirement.specifier.contains(version(requirement.name), prereleases=True)
    except PackageNotFoundError:
        return False
