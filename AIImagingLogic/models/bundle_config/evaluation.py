"""One walk through a configuration: references followed, expressions worked out, components built or described."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from AIImagingLogic.models.bundle_config.description import Unresolved
from AIImagingLogic.models.bundle_config.expressions import Evaluator, RefusedExpressionError, parse_expression
from AIImagingLogic.models.bundle_config.identifiers import REFERENCE, joined, made_absolute
from AIImagingLogic.models.safety.limits import limit
from AIImagingLogic.models.safety.refusals import UnsafeModel, UntrustedModel
from AIImagingLogic.records.errors import ModelError

if TYPE_CHECKING:
    from AIImagingLogic.models.bundle_config.config import BundleConfig
    from AIImagingLogic.models.bundle_config.libraries import BuildingLibrary, DescribingLibrary

_NOT_ARGUMENTS = ("_target_", "_desc_", "_requires_", "_disabled_", "_mode_")
_PLACEHOLDER = "REFERENCE_OF_THE_CONFIGURATION_"
_DISABLED = object()


class Evaluation:
    """Values of one configuration, each worked out once.

    Parameters
    ----------
    config : BundleConfig
        Where the identifiers lie.
    library : BuildingLibrary or DescribingLibrary
        What names and components become.
    describing : bool
        A value outside the safe part becomes `Unresolved` where it stands, instead of an error.
    """

    def __init__(self, config: BundleConfig, library: BuildingLibrary | DescribingLibrary, describing: bool) -> None:
        self._config = config
        self._library = library
        self._describing = describing
        self._values: dict[str, Any] = {}
        self._open: list[str] = []

    def value(self, identifier: str) -> Any:
        """Return the value of an identifier; None when its component is disabled.

        Raises
        ------
        UntrustedModel, UnsafeModel, ModelError
            As `BundleConfig.resolve`.
        """
        found = self._value("::".join(identifier.replace("#", "::").split("::")))
        return None if found is _DISABLED else found

    def _value(self, identifier: str) -> Any:
        if identifier in self._values:
            return self._values[identifier]
        if identifier in self._open or len(self._open) > limit("config_depth"):
            raise UnsafeModel(f"'{self._place(identifier)}' refers to itself.", "Check the package.")
        if len(self._values) > limit("config_nodes"):
            raise UnsafeModel(f"'{self._config.path.name}' holds too many values.", "Do not use this package.")
        try:
            raw = self._config.raw(identifier)
        except KeyError as error:
            if self._describing and self._open:
                return Unresolved(self._place(identifier), "nothing is there")
            raise ModelError(f"'{self._config.path.name}' has no '{identifier}'.", "Check the package.") from error
        self._open.append(identifier)
        try:
            self._values[identifier] = value = self._made(raw, identifier)
        except RefusedExpressionError as error:
            if not self._describing:
                raise UntrustedModel(self._place(identifier), str(error)) from error
            self._values[identifier] = value = Unresolved(self._place(identifier), str(error))
        finally:
            self._open.pop()
        return value

    def _made(self, raw: Any, identifier: str) -> Any:
        if isinstance(raw, dict):
            if "_target_" in raw:
                return self._component(raw, identifier)
            values = {key: self._value(joined(identifier, key)) for key in raw}
            return {key: value for key, value in values.items() if value is not _DISABLED}
        if isinstance(raw, list):
            items = [self._value(joined(identifier, index)) for index in range(len(raw))]
            return [item for item in items if item is not _DISABLED]
        if isinstance(raw, str):
            text = made_absolute(raw, identifier)
            if text.startswith("$"):
                return self._expression(text[1:])
            if REFERENCE.fullmatch(text):
                return self.value(text[1:])
        return raw

    def _component(self, raw: Mapping[str, Any], identifier: str) -> Any:
        target = raw["_target_"]
        if unknown := [key for key in raw if str(key).startswith("_") and key not in _NOT_ARGUMENTS]:
            raise RefusedExpressionError(f"the instruction '{unknown[0]}'")
        if "_disabled_" in raw and self._truth(joined(identifier, "_disabled_")):
            return _DISABLED
        if raw.get("_mode_", "default") != "default":
            raise RefusedExpressionError(f"the mode '{raw['_mode_']}' of a component")
        if not isinstance(target, str):
            raise RefusedExpressionError("a component whose name is no text")
        arguments = {str(key): self._value(joined(identifier, key)) for key in raw if key not in _NOT_ARGUMENTS}
        arguments = {key: value for key, value in arguments.items() if value is not _DISABLED}
        try:
            return self._library.build(target, (), arguments)
        except ModelError as error:
            if isinstance(error, (UnsafeModel, UntrustedModel)):
                raise
            raise ModelError(f"{self._place(identifier)}: {error.what}", error.advice) from error

    def _truth(self, identifier: str) -> bool:
        value = self._value(identifier)
        return value.strip().lower() == "true" if isinstance(value, str) else bool(value)

    def _expression(self, text: str) -> Any:
        values: dict[str, Any] = {}

        def placed(match: Any) -> str:
            name = f"{_PLACEHOLDER}{len(values)}"
            values[name] = match[0][1:]
            return name

        tree = parse_expression(REFERENCE.sub(placed, text))
        # Looked up when the text is known to be an expression, and each one whether it is reached or not: few are.
        for name, identifier in values.items():
            value = self.value(identifier)
            if isinstance(value, Unresolved):
                raise RefusedExpressionError(f"'{identifier}', which is outside the safe part: {value.what}")
            values[name] = value
        return Evaluator(self._library, values, self._config.aliases).value(tree)

    def _place(self, identifier: str) -> str:
        return f"{self._config.path.name} {identifier}"
