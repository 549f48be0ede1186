"""A bundle's configuration: parts of it are built, or described, by their identifiers."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from AIImagingLogic.models.bundle_config.evaluation import Evaluation
from AIImagingLogic.models.bundle_config.identifiers import macro_of, made_absolute, parts_of
from AIImagingLogic.models.bundle_config.libraries import BuildingLibrary, DescribingLibrary
from AIImagingLogic.models.bundle_config.reading import read_config
from AIImagingLogic.models.safety.limits import limit
from AIImagingLogic.models.safety.refusals import UnsafeModel
from AIImagingLogic.records.errors import ModelError

_ALWAYS_KNOWN = ("torch", "monai", "numpy", "os", "math", "json", "pathlib", "copy", "glob")


class BundleConfig:
    """A configuration of a MONAI bundle.

    Parameters
    ----------
    path : Path
        ``.json`` or ``.yaml``.
    package : Path, optional
        Folder of the package, which is its ``bundle_root``; the folder above ``configs`` unless given.

    Raises
    ------
    UnsafeModel, ModelError
        As `read_config`; or it is not a dictionary.
    """

    def __init__(self, path: Path, package: Path | None = None) -> None:
        self.path = path
        self.package = package or (path.parent.parent if path.parent.name == "configs" else path.parent)
        self._files: dict[Path, Any] = {}
        content = read_config(path)
        if not isinstance(content, dict):
            raise ModelError(f"'{path.name}' is not a configuration.", "Check the package.")
        self._content = {**content, "bundle_root": str(self.package)}
        self.aliases = _aliases(content.get("imports"))

    def __contains__(self, identifier: str) -> bool:
        try:
            self.raw(identifier)
        except KeyError:
            return False
        return True

    def raw(self, identifier: str) -> Any:
        """Return what is written at an identifier, ``%`` macros replaced by what they name.

        Raises
        ------
        KeyError
            Nothing is there.
        UnsafeModel
            Macros lead in a circle or out of the package.
        """
        return self._raw(self._content, identifier, 0)

    def resolve(
        self,
        identifier: str,
        notes: list[str] | None = None,
        replacements: Mapping[str, Callable[..., Any]] | None = None,
    ) -> Any:
        """Return what an identifier stands for, its components built.

        Parameters
        ----------
        identifier : str
            Such as ``network_def``.
        notes : list of str, optional
            Gets what was set aside, such as a download of other weights.
        replacements : Mapping of str to callable, optional
            What is built in place of a component of that name (``TorchVisionFCModel``), with the same arguments.

        Raises
        ------
        UntrustedModel
            A part is outside the safe part of the language; its place and what it is are named.
        UnsafeModel
            Something is absurdly large, deep or circular.
        ModelError
            Something is missing, or a component cannot be built.
        """
        library = BuildingLibrary(self.package, replacements)
        value = Evaluation(self, library, describing=False).value(identifier)
        if notes is not None:
            notes.extend(library.notes)
        return value

    def describe(self, identifier: str) -> Any:
        """Return what an identifier stands for, as data: neither MONAI nor PyTorch is imported.

        Returns
        -------
        Any
            Plain values, and `Component`, `MethodCall`, `Symbol`, `Function`; `Unresolved` where a value is outside
            the safe part of the language. Disabled components are left out.

        Raises
        ------
        UnsafeModel, ModelError
            As `resolve`.
        """
        return Evaluation(self, DescribingLibrary(self.package), describing=True).value(identifier)

    def _raw(self, content: Any, identifier: str, depth: int, here: str = "") -> Any:
        value = self._expanded(content, "", depth)
        walked: list[str] = []
        for part in parts_of(identifier):
            walked.append(part)
            if isinstance(value, dict):
                key: Any = part if part in value else _number(part)
                if key not in value:
                    raise KeyError(identifier)
                value = value[key]
            elif isinstance(value, list) and _number(part) is not None and int(part) < len(value):
                value = value[int(part)]
            else:
                raise KeyError(identifier)
            value = self._expanded(value, "::".join(walked), depth)
        return value

    def _expanded(self, value: Any, here: str, depth: int) -> Any:
        while isinstance(value, str) and value.startswith("%"):
            depth += 1
            if depth > limit("config_depth") // 2:
                raise UnsafeModel(f"'{self.path.name}' has macros in a circle: {value[:80]}.", "Check the package.")
            file, wanted = macro_of(made_absolute(value, here))
            try:
                value = self._raw(self._other(file) if file else self._content, wanted, depth)
            except KeyError as error:
                raise ModelError(f"'{self.path.name}' names '{value[:80]}', which is not there.") from error
        return value

    def _other(self, name: str) -> Any:
        root = self.package.resolve()
        for folder in (self.path.parent, self.package):
            found = (folder / name).resolve()
            if found.is_relative_to(root) and found.is_file():
                if found not in self._files:
                    if len(self._files) > limit("config_depth"):
                        raise UnsafeModel(f"'{self.path.name}' reads too many files.", "Check the package.")
                    self._files[found] = read_config(found)
                return self._files[found]
        raise UnsafeModel(f"'{self.path.name}' names '{name[:80]}', which is not in the package.", "Check the package.")


def _number(part: str) -> int | None:
    return int(part) if part.isascii() and part.isdigit() and len(part) < 10 else None


def _aliases(imports: Any) -> dict[str, str]:
    """Return what imported names stand for; nothing is imported."""
    aliases = {**{name: name for name in _ALWAYS_KNOWN}, "np": "numpy"}
    for line in imports if isinstance(imports, list) else []:
        text = str(line).removeprefix("$").strip()
        try:
            statements = ast.parse(text[: limit("expression_characters")]).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for statement in statements:
            if isinstance(statement, ast.Import):
                aliases.update(
                    {each.asname: each.name for each in statement.names if each.asname}
                    | {each.name.split(".")[0]: each.name.split(".")[0] for each in statement.names if not each.asname}
                )
            elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
                aliases.update(
                    {each.asname or each.name: f"{statement.module}.{each.name}" for each in statement.names}
                )
    return aliases
