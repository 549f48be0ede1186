"""The post-processing of a bundle, as data: how channels become labels, and which parts of them are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

from AIImagingLogic.inference.recipe import Output
from AIImagingLogic.models.bundle_config.config import BundleConfig
from AIImagingLogic.models.bundle_config.description import Component, Function, Unresolved
from AIImagingLogic.models.formats.bundle_feeding import canonical, chain_of
from AIImagingLogic.models.formats.bundle_refusal import is_no, refused

_WITHOUT_EFFECT = (
    *("SaveImaged", "EnsureTyped", "CastToTyped", "ToTensord", "ToNumpyd", "ToDeviced", "FromMetaTensord"),
    *("DeleteItemsd", "SelectItemsd", "SaveClassificationd", "Identityd", "SqueezeDimd"),
)
# So many combinations of channels are tried with a function of the bundle.
_MOST_CHANNELS = 6


@dataclass(frozen=True)
class Reading:
    """What a bundle does with its network's output.

    Attributes
    ----------
    output : as of `NetworkRecipe`; empty: the bundle does not say
    threshold : of a probability
    order : channels of the network, in the order in which they are painted, later over earlier
    values : label of each of these
    activated : softmax or sigmoid is applied; otherwise channels are compared as they are
    largest_of : of each of these labels only the largest part is kept
    largest_part_only : of all labels together only the largest part is kept
    notes : one sentence each
    """

    output: Output | str
    threshold: float
    order: tuple[int, ...]
    values: tuple[int, ...]
    activated: bool
    largest_of: tuple[int, ...] = ()
    largest_part_only: bool = False
    notes: tuple[str, ...] = ()


def read_reading(config: BundleConfig, identifier: str, channels: int) -> Reading:
    """Translate a chain of transforms of the network's output.

    Parameters
    ----------
    config : the bundle's
    identifier : of the chain; empty: there is none
    channels : of the network's output

    Raises
    ------
    UntrustedModel
        A transform, or an argument of one, has no counterpart here; it and its place are named.
    """
    steps = chain_of(config.describe(identifier), identifier) if identifier else []
    reader = _Reader(config, identifier, channels)
    for number, step in enumerate(steps):
        reader.take(step, number)
    return reader.result()


class _Reader:
    def __init__(self, config: BundleConfig, identifier: str, channels: int) -> None:
        self._config, self._identifier, self._channels = config, identifier, channels
        self._activation, self._decision = "", ""
        self._threshold = 0.5
        self._one_hot = False
        self._functions: list[Any] = []
        self._largest_of: tuple[int, ...] = ()
        self._largest_part_only = False
        self._notes: list[str] = []

    def take(self, step: Any, number: int) -> None:
        place = f"{self._identifier}::{number}"
        if isinstance(step, Unresolved):
            raise step.refusal()
        if not isinstance(step, Component):
            raise refused(place, "what is there is no transform")
        name, arguments = canonical(step.name), step.arguments
        if "pred" not in _names(arguments.get("keys", "pred")) or name in _WITHOUT_EFFECT:
            return
        if name == "Activationsd":
            self._activate(arguments, place)
        elif name == "AsDiscreted":
            self._decide(arguments, place)
        elif name == "Invertd":
            self._invert(arguments)
        elif name == "KeepLargestConnectedComponentd":
            self._keep_largest(arguments, place)
        elif name == "Lambdad" and isinstance(arguments.get("func"), Function):
            if not self._decision:
                raise refused(place, "a function of probabilities")
            self._functions.append(self._function(number, place))
        else:
            raise refused(place, f"the transform '{step.name}' is not among those that are translated")

    def result(self) -> Reading:
        output: Output | str = {"argmax": "softmax", "threshold": "sigmoid"}.get(self._decision, self._activation)
        if self._decision == "threshold" and self._activation != "sigmoid":
            raise refused(self._identifier, f"a threshold of {self._activation or 'the output as it is'}")
        order, values = self._labels(output)
        return Reading(
            output=output,
            threshold=self._threshold,
            order=order,
            values=values,
            activated=bool(self._activation),
            largest_of=self._largest_of,
            largest_part_only=self._largest_part_only,
            notes=tuple(self._notes),
        )

    def _activate(self, arguments: Any, place: str) -> None:
        if not is_no(arguments.get("other")):
            raise refused(place, "an activation of its own")
        chosen = [kind for kind in ("softmax", "sigmoid") if _single(arguments.get(kind)) is True]
        if len(chosen) != 1 or self._activation:
            raise refused(place, "more than one activation, or none")
        self._activation = chosen[0]

    def _decide(self, arguments: Any, place: str) -> None:
        threshold = _single(arguments.get("threshold"))
        if _single(arguments.get("argmax")) is True and is_no(threshold):
            self._decision = "argmax"
        elif isinstance(threshold, (int, float)) and 0 < threshold < 1:
            self._decision, self._threshold = "threshold", float(threshold)
        else:
            raise refused(place, "AsDiscreted that is neither argmax nor a threshold of probabilities")
        if not is_no(arguments.get("rounding")):
            raise refused(place, "AsDiscreted that rounds")
        self._one_hot = not is_no(_single(arguments.get("to_onehot")))

    def _invert(self, arguments: Any) -> None:
        if self._decision:
            self._notes.append(
                "The bundle decides on labels before they are brought back to the image; here they are decided after."
            )

    def _keep_largest(self, arguments: Any, place: str) -> None:
        if arguments.get("num_components", 1) != 1 or arguments.get("connectivity") not in (None, 3):
            raise refused(place, "KeepLargestConnectedComponentd of several parts, or of parts that share a face only")
        labels = arguments.get("applied_labels")
        count = 2 if self._channels == 1 else self._channels
        wanted = (labels,) if isinstance(labels, int) else tuple(range(1, count)) if labels is None else tuple(labels)
        if arguments.get("independent", True) is True:
            self._largest_of = tuple(int(value) for value in wanted if value)
        elif labels is None:
            self._largest_part_only = True
        else:
            raise refused(place, "KeepLargestConnectedComponentd of some labels together")

    def _function(self, number: int, place: str) -> Any:
        for identifier in (f"{self._identifier}::transforms::{number}::func", f"{self._identifier}::{number}::func"):
            if identifier in self._config:
                return self._config.resolve(identifier)
        raise refused(place, "a function whose place is not known")

    def _labels(self, output: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the order in which channels are painted, and their labels."""
        count = self._channels
        plain = tuple(range(count))
        if output != "sigmoid":
            if not self._functions:
                return plain, plain
            labels = {number: self._label_of(_one(number, count)) for number in plain}
            return plain, tuple(labels[number] for number in plain)
        if not self._functions:
            if count > 1:
                self._notes.append("Where labels overlap, the later one is shown.")
            return plain, tuple(range(1, count + 1))
        if count > _MOST_CHANNELS:
            raise refused(self._identifier, f"a function of {count} channels")
        wanted = {on: self._label_of(on) for on in product((0, 1), repeat=count)}
        values = [wanted[_one(number, count)] for number in plain]
        for order in permutations(plain):
            if all(label == _painted(on, order, values) for on, label in wanted.items()):
                return order, tuple(values[number] for number in order)
        raise refused(self._identifier, "a function that does not paint one channel over the other")

    def _label_of(self, on: Sequence[int]) -> int:
        """Return the label that the bundle's functions make of channels that are on or off."""
        import torch

        decided = self._decision == "argmax" and not self._one_hot
        values = [float(list(on).index(1))] if decided else [float(each) for each in on]
        found: Any = torch.tensor(values).reshape(-1, 1, 1, 1)
        for function in self._functions:
            found = function(found)
        flat = found.flatten()
        if len(flat) != 1:
            raise refused(self._identifier, "a function that gives several channels")
        return int(round(float(flat[0])))


def _one(number: int, count: int) -> tuple[int, ...]:
    return tuple(int(each == number) for each in range(count))


def _painted(on: Sequence[int], order: Sequence[int], values: Sequence[int]) -> int:
    label = 0
    for number in order:
        label = values[number] if on[number] else label
    return label


def _names(keys: Any) -> list[str]:
    return [keys] if isinstance(keys, str) else [str(key) for key in keys or ()]


def _single(value: Any) -> Any:
    return value[0] if isinstance(value, (list, tuple)) and value else value
