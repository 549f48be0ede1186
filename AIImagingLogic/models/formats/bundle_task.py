"""What a bundle does: segment, classify or detect."""

from __future__ import annotations

from typing import Literal

from AIImagingLogic.models.bundle_config.description import Component
from AIImagingLogic.models.formats.bundle_parts import BundleParts, components
from AIImagingLogic.records.resources import load_resource

Task = Literal["segment", "classify", "detect", "other"]


def bundle_task(parts: BundleParts) -> Task:
    """Return what a bundle does, by its network where it is known, else by what metadata.json says of its output."""
    rules = load_resource("model_formats/bundles.json")
    targets = {str(content["_target_"]).rsplit(".", 1)[-1] for _, content in components(parts.config)}
    if targets & set(rules["detectors"]):
        return "detect"
    network = parts.network_component
    if isinstance(network, Component) and network.name in rules["classifiers"]:
        return "classify"
    said = f"{parts.metadata.get('task', '')} {parts.output_format}".lower()
    found = [task for task, words in rules["words"].items() if any(word in said for word in words)]
    return found[0] if found else "other"
