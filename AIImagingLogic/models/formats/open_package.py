"""Opens a model package of any format that this version reads."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.formats.described_network import is_described_network, open_described_network
from AIImagingLogic.models.formats.layers_model import is_layers_model, open_layers_model
from AIImagingLogic.models.formats.monai_bundle import is_monai_bundle, open_monai_bundle
from AIImagingLogic.models.formats.nnunet_model import is_nnunet_model, open_nnunet_model
from AIImagingLogic.models.package import LoadedPackage
from AIImagingLogic.models.safety.trust import trusted
from AIImagingLogic.records.errors import ModelError

_Open = Callable[[Path, ModelCard | None], LoadedPackage]

_FORMATS = (
    (is_described_network, open_described_network),
    (is_layers_model, open_layers_model),
    (is_monai_bundle, open_monai_bundle),
    (is_nnunet_model, open_nnunet_model),
)
_READ = (
    "MONAI bundles, trained models of nnU-Net v2, TensorFlow.js layers models (model.json), and networks with a "
    "network.json"
)
_KEPT = 2


def open_package(path: Path, card: ModelCard | None = None) -> LoadedPackage:
    """Open the package at `path`. The last ones stay open until a file of theirs changes, or trust in them ends.

    Parameters
    ----------
    path : its folder, or the file that describes it
    card : of the catalogue; None: found by the hash of its files, else made from what the package says

    Raises
    ------
    ModelError
        There is no package, it is damaged, its format is not read, or PyTorch is not installed.
    """
    path = path.expanduser().resolve()
    if find_spec("torch") is None:
        raise ModelError(
            "Model packages need PyTorch, which is not installed.",
            "In Slicer install it with the PyTorch extension, elsewhere with: pip install torch.",
        )
    if not path.exists():
        raise ModelError(f"There is no model package '{path}'.", "Check the path.")
    opened = next((opened for fits, opened in _FORMATS if fits(path)), None)
    if opened is None:
        raise ModelError(f"'{path.name}' is no model package that can be read.", f"Those read are: {_READ}.")
    state = _state(path)
    package = _opened(opened, path, card, state)
    if package.trusted_as and not trusted(package.trusted_as):
        # What was opened because it was trusted is not used any more: without trust it is opened anew, or refused.
        _opened.cache_clear()
        package = _opened(opened, path, card, state)
    return package


@lru_cache(maxsize=_KEPT)
def _opened(
    opened: _Open, path: Path, card: ModelCard | None, state: tuple[tuple[str, int, int], ...]
) -> LoadedPackage:
    return opened(path, card)


def _state(path: Path) -> tuple[tuple[str, int, int], ...]:
    """Return names, sizes and dates of the package's files: another state is another package."""
    folder = path if path.is_dir() else path.parent
    files = sorted(item for item in folder.rglob("*") if item.is_file())
    found = [(item, item.stat()) for item in files]
    return tuple((str(item), stat.st_size, stat.st_mtime_ns) for item, stat in found)
