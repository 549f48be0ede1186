"""What an nnU-Net v2 package says of itself: plans.json and dataset.json, read as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from AIImagingLogic.models.formats.package_files import read_package_json
from AIImagingLogic.records.errors import ModelError

PLANS = "plans.json"
DATASET = "dataset.json"
_ADVICE = "Get the package again, or have its author export it anew."


@dataclass(frozen=True)
class NnunetPlan:
    """One configuration of a package.

    Attributes
    ----------
    name : of the configuration, such as ``3d_fullres``
    configuration : its fields, with those that it inherits
    plans, dataset : all of plans.json and dataset.json
    """

    name: str
    configuration: Mapping[str, Any]
    plans: Mapping[str, Any]
    dataset: Mapping[str, Any]

    @property
    def place(self) -> str:
        """What stands in messages about this configuration."""
        return f"{PLANS}, configuration '{self.name}'"

    @property
    def dataset_name(self) -> str:
        return str(self.plans.get("dataset_name", self.dataset.get("name", "nnU-Net")))

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Name of each input channel in the network's order.

        Raises
        ------
        ModelError
            They are not numbered from 0.
        """
        named = self.dataset.get("channel_names", self.dataset.get("modality"))
        if not isinstance(named, Mapping) or not named or {str(n) for n in range(len(named))} != set(named):
            raise ModelError(f"{DATASET}: 'channel_names' does not number the input channels from 0.", _ADVICE)
        return tuple(str(named[str(number)]) for number in range(len(named)))

    def field(self, name: str, kind: type | tuple[type, ...], default: Any = None) -> Any:
        """Return a field of the configuration.

        Raises
        ------
        ModelError
            It is missing and has no default, or is of another kind.
        """
        value = self.configuration.get(name, default)
        if value is None or not isinstance(value, kind):
            raise ModelError(f"{self.place}: '{name}' is missing or makes no sense ({str(value)[:60]}).", _ADVICE)
        return value

    def numbers(self, name: str, kind: type = float) -> tuple[Any, ...]:
        """Return a field that lists two or three positive numbers.

        Raises
        ------
        ModelError
            It does not.
        """
        values = self.field(name, list)
        if len(values) not in (2, 3) or not all(_is_number(value) and 0 < value < 1 << 14 for value in values):
            raise ModelError(f"{self.place}: '{name}' makes no sense ({str(values)[:60]}).", _ADVICE)
        return tuple(kind(value) for value in values)


def is_nnunet_model(path: Path) -> bool:
    """Whether `path` is the folder of a trained nnU-Net v2 model, its plans.json, or a folder around one."""
    return bool(model_folders(path))


def model_folders(path: Path) -> list[Path]:
    """Return the folders of trained models at `path`, or up to two folders below it."""
    if path.is_file():
        return [path.parent] if path.name == PLANS and _is_model(path.parent) else []
    for around in ("", "*/", "*/*/"):
        described = {item.parent for name in (PLANS, DATASET) for item in path.glob(around + name)}
        if found := sorted(folder for folder in described if _is_model(folder)):
            return found
    return []


def read_plan(folder: Path, configuration: str) -> NnunetPlan:
    """Read one configuration of the package in `folder`.

    Raises
    ------
    ModelError
        A file is missing or damaged, there is no such configuration, or it is one stage of a cascade.
    """
    plans, dataset = read_package_json(folder, PLANS), read_package_json(folder, DATASET)
    plan = NnunetPlan(configuration, _inherited(plans, configuration), plans, dataset)
    if plan.configuration.get("previous_stage"):
        raise ModelError(
            f"'{configuration}' refines the labels of another network: such cascades are not run here.",
            "Choose the configuration 3d_fullres, 3d_lowres or 2d of this model.",
        )
    for fields, name, known in (
        (plan.configuration, "preprocessor_name", "DefaultPreprocessor"),
        (plans, "label_manager", "LabelManager"),
    ):
        if fields.get(name, known) != known:
            raise ModelError(f"{PLANS}: '{name}' is '{fields[name]}', which is not known here.", f"Known: {known}.")
    return plan


def _is_model(folder: Path) -> bool:
    # With one of the three missing it still is one, and what is missing is said.
    present = [(folder / PLANS).is_file(), (folder / DATASET).is_file(), any(folder.glob("fold_*"))]
    return sum(present) >= 2


def _inherited(plans: Mapping[str, Any], name: str) -> dict[str, Any]:
    configurations = plans.get("configurations")
    if not isinstance(configurations, Mapping):
        raise ModelError(f"{PLANS} has no configurations.", _ADVICE)
    fields: dict[str, Any] = {}
    visited: list[str] = []
    current: Any = name
    while current is not None:
        if not isinstance(configurations.get(current), Mapping) or current in visited:
            known = ", ".join(configurations)
            raise ModelError(f"{PLANS} has no usable configuration '{current}'.", f"There are: {known}.")
        visited.append(current)
        fields = {**configurations[current], **fields}
        current = configurations[current].get("inherits_from")
    return fields


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
