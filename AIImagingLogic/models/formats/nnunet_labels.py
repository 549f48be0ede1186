"""What the output channels of an nnU-Net v2 network mean: labels, or regions that are painted one over the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from AIImagingLogic.inference.recipe import Output
from AIImagingLogic.models.formats.nnunet_plan import DATASET, NnunetPlan
from AIImagingLogic.records.errors import ModelError

_ADVICE = "Get the package again, or have its author export it anew."
_IGNORE = "ignore"
_MOST = 1 << 12


@dataclass(frozen=True)
class NnunetLabels:
    """Output channels.

    Attributes
    ----------
    names, values : of each channel
    output : softmax for labels, sigmoid for regions
    """

    names: tuple[str, ...]
    values: tuple[int, ...]
    output: Output


def read_labels(plan: NnunetPlan) -> NnunetLabels:
    """Return the labels that dataset.json declares.

    Raises
    ------
    ModelError
        There are none, they are not numbered from 0, or regions are not ordered.
    """
    declared = plan.dataset.get("labels")
    if not isinstance(declared, dict) or not 1 < len(declared) <= _MOST:
        raise ModelError(f"{DATASET} declares no labels.", _ADVICE)
    labels = {str(name): _values(name, value) for name, value in declared.items() if name != _IGNORE}
    if any(len(values) > 1 for values in labels.values()):
        return _regions(plan, labels)
    named = {values[0]: name for name, values in labels.items()}
    if sorted(named) != list(range(len(labels))):
        raise ModelError(f"{DATASET}: the labels are not numbered from 0 on ({sorted(named)[:8]}).", _ADVICE)
    values = tuple(sorted(named))
    return NnunetLabels(tuple(named[value] for value in values), values, "softmax")


def _regions(plan: NnunetPlan, labels: dict[str, tuple[int, ...]]) -> NnunetLabels:
    names = tuple(name for name, values in labels.items() if set(values) != {0})
    order = plan.dataset.get("regions_class_order")
    fits = isinstance(order, list) and len(order) == len(names) == len({str(value) for value in order})
    if not fits or not all(type(value) is int and 0 < value < 1 << 16 for value in order or ()):
        raise ModelError(f"{DATASET}: 'regions_class_order' does not give each region its label.", _ADVICE)
    return NnunetLabels(names, tuple(order or ()), "sigmoid")


def _values(name: Any, value: Any) -> tuple[int, ...]:
    values = value if isinstance(value, list) else [value]
    try:
        found = tuple(int(each) for each in values)
    except (TypeError, ValueError) as error:
        raise ModelError(f"{DATASET}: the label '{name}' makes no sense ({str(value)[:60]}).", _ADVICE) from error
    if not found or min(found) < 0 or max(found) >= 1 << 16:
        raise ModelError(f"{DATASET}: the label '{name}' makes no sense ({str(value)[:60]}).", _ADVICE)
    return found
