"""The parts of a MONAI bundle that matter for inference, found by what they are and not by their names alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from AIImagingLogic.models.bundle_config.config import BundleConfig
from AIImagingLogic.models.bundle_config.description import Component, MethodCall, Unresolved
from AIImagingLogic.models.formats.package_files import read_package_json
from AIImagingLogic.records.errors import ModelError

_CONFIGS = ("inference.json", "inference.yaml", "inference.yml")
_ADVICE = "Get the package again, or ask its author for a configuration of inference."


@dataclass(frozen=True)
class BundleParts:
    """Where the parts of a bundle lie.

    Attributes
    ----------
    folder : of the bundle
    config : its configuration of inference
    metadata : content of metadata.json
    network, inferer, preprocessing, postprocessing : identifiers in `config`; empty: there is none
    """

    folder: Path
    config: BundleConfig
    metadata: Mapping[str, Any]
    network: str
    inferer: str
    preprocessing: str
    postprocessing: str

    @property
    def name(self) -> str:
        """The bundle's name."""
        return str(self.metadata.get("name") or self.folder.name)

    @property
    def network_component(self) -> Component | Unresolved:
        """The network as the configuration describes it."""
        found = self.config.describe(self.network)
        while isinstance(found, MethodCall):
            found = found.on
        if isinstance(found, (Component, Unresolved)):
            return found
        return Unresolved(f"{self.config.path.name} {self.network}", "no network is described there")

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the input's channels, as metadata.json gives them; empty when it does not."""
        return tuple(_ordered(self._format("inputs").get("channel_def")))

    @property
    def output_names(self) -> dict[int, str]:
        """What each channel of the output means, by its number."""
        names: Any = self._format("outputs").get("channel_def")
        return {int(key): str(names[key]) for key in names} if _numbered(names) else {}

    @property
    def output_format(self) -> str:
        """What metadata.json calls the output: ``image segmentation``, ``probabilities classes``."""
        found = self._format("outputs")
        return f"{found.get('type', '')} {found.get('format', '')}"

    def dimensions(self, otherwise: int) -> int:
        """Return how many dimensions the network sees; `otherwise` where neither it nor metadata.json says it."""
        component = self.network_component
        stated = component.arguments.get("spatial_dims") if isinstance(component, Component) else None
        shape = self._format("inputs").get("spatial_shape")
        counted = len(shape) if isinstance(shape, list) else None
        return next((each for each in (stated, counted) if each in (2, 3)), otherwise)

    def channels(self, of: str) -> int:
        """Return how many channels the network takes (``inputs``) or gives (``outputs``).

        Raises
        ------
        ModelError
            Neither the network's arguments nor metadata.json say it.
        """
        component = self.network_component
        names = _INPUT_ARGUMENTS if of == "inputs" else _OUTPUT_ARGUMENTS
        stated = [component.arguments.get(name) for name in names] if isinstance(component, Component) else []
        for value in (*stated, self._format(of).get("num_channels")):
            if isinstance(value, int) and value > 0:
                return value
        raise ModelError(f"The bundle '{self.name}' does not say how many channels its {of} have.", _ADVICE)

    def _format(self, of: str) -> Mapping[str, Any]:
        described = self.metadata.get("network_data_format")
        parts = described.get(of) if isinstance(described, Mapping) else None
        if not isinstance(parts, Mapping):
            return {}
        wanted = "image" if of == "inputs" else "pred"
        # Of several outputs none stands for the labels.
        found: Any = parts.get(wanted) or (next(iter(parts.values())) if len(parts) == 1 else {})
        return found if isinstance(found, Mapping) else {}


_INPUT_ARGUMENTS = ("in_channels", "n_input_channels")
_OUTPUT_ARGUMENTS = ("out_channels", "num_classes", "out_classes")


def bundle_config_file(folder: Path) -> Path | None:
    """Return the configuration of inference of the bundle in `folder`, or None."""
    return next((folder / "configs" / name for name in _CONFIGS if (folder / "configs" / name).is_file()), None)


def bundle_folder(path: Path) -> Path | None:
    """Return the folder of the bundle at `path`: itself, or the only folder in it, as archives have it; or None."""
    if not path.is_dir():
        return None
    inner = [item for item in path.iterdir() if item.is_dir() and not item.is_symlink()]
    folders = [path, *(inner if len(inner) == 1 else [])]
    return next((folder for folder in folders if (folder / "configs" / "metadata.json").is_file()), None)


def is_bundle(path: Path) -> bool:
    """Whether a MONAI bundle is at `path`."""
    return bundle_folder(path) is not None


def find_parts(path: Path) -> BundleParts:
    """Return the parts of the bundle at `path`.

    Raises
    ------
    ModelError
        It has no configuration of inference, metadata.json is missing or broken, or no network is described.
    """
    folder = bundle_folder(path) or path
    metadata = read_package_json(folder, "configs/metadata.json")
    file = bundle_config_file(folder)
    if file is None:
        raise ModelError(f"The bundle '{folder.name}' has no configuration of inference ({_CONFIGS[0]}).", _ADVICE)
    config = BundleConfig(file, folder)
    evaluator = _first(config, "Evaluator")
    parts = BundleParts(
        folder=folder,
        config=config,
        metadata=metadata,
        network=_within(config, evaluator, "network") or _named(config, ("network", "network_def", "net")),
        inferer=_within(config, evaluator, "inferer") or _named(config, ("inferer",)),
        preprocessing=_chain_of_dataset(config) or _named(config, ("preprocessing", "transforms")),
        postprocessing=_within(config, evaluator, "postprocessing") or _named(config, ("postprocessing",)),
    )
    if not parts.network:
        raise ModelError(f"{file.name} of the bundle '{folder.name}' describes no network.", _ADVICE)
    return parts


def components(config: BundleConfig, identifier: str = "", raw: Any = None) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield identifier and content of every component below an identifier."""
    content = config.raw(identifier) if raw is None else raw
    if isinstance(content, Mapping) and "_target_" in content:
        yield identifier, content
    children = content.items() if isinstance(content, Mapping) else ()
    if isinstance(content, list):
        children = enumerate(content)  # type: ignore[assignment]
    for key, value in children:
        if isinstance(value, (Mapping, list)):
            yield from components(config, f"{identifier}::{key}" if identifier else str(key), value)


def _first(config: BundleConfig, ending: str) -> str:
    for identifier, content in components(config):
        if str(content["_target_"]).rsplit(".", 1)[-1].endswith(ending):
            return identifier
    return ""


def _chain_of_dataset(config: BundleConfig) -> str:
    """Return the identifier of the chain that a dataset runs; one with an identifier of its own comes first."""
    datasets = [name for name, content in components(config) if str(content["_target_"]).endswith("Dataset")]
    chains = [chain for name in datasets if (chain := _within(config, name, "transform"))]
    return min(chains, key=lambda chain: chain.count("::"), default="")


def _within(config: BundleConfig, owner: str, key: str) -> str:
    """Return the identifier that an argument of a component stands for: what it refers to, or the argument itself."""
    identifier = f"{owner}::{key}"
    if not owner or identifier not in config:
        return ""
    raw = config.raw(identifier)
    return raw[1:] if isinstance(raw, str) and raw.startswith("@") and raw[1:] in config else identifier


def _named(config: BundleConfig, names: tuple[str, ...]) -> str:
    return next((name for name in names if name in config), "")


def _numbered(names: Any) -> bool:
    return isinstance(names, Mapping) and all(str(key).isdigit() for key in names)


def _ordered(names: Any) -> list[str]:
    return [str(names[key]) for key in sorted(names, key=int)] if _numbered(names) else []
