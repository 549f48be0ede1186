"""A package that the user trusts may run code of its own: MONAI's parser reads its configuration, its scripts run."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from pydoc import ErrorDuringImport
from typing import Any

from AIImagingLogic.models.bundle_config.config import BundleConfig
from AIImagingLogic.models.safety.refusals import UntrustedModel
from AIImagingLogic.models.safety.trust import package_hash, trusted
from AIImagingLogic.records.errors import ModelError

_OWN_MODULES = ("scripts",)
# Code of a package may fail in any way; these are what Python and PyTorch raise for wrong code and wrong input.
_ERRORS = (
    *(ImportError, AttributeError, TypeError, ValueError, RuntimeError, LookupError, OSError, NameError),
    *(ArithmeticError, AssertionError, SyntaxError, ErrorDuringImport),
)


def resolve_trusted(config: BundleConfig, identifier: str) -> Any:
    """Return what an identifier stands for, the package's own code run where it is named.

    Parameters
    ----------
    config : BundleConfig
        Of a package that the user trusts.
    identifier : str
        Such as ``network_def``.

    Raises
    ------
    UntrustedModel
        The user does not trust exactly this package; the hash to trust is named.
    ModelError
        Its code fails, or nothing is at `identifier`.
    """
    found = package_hash(config.package)
    if not trusted(found):
        raise UntrustedModel(f"{config.path.name} {identifier}", "it needs code of the package's own", found)
    if identifier not in config:
        raise ModelError(f"'{config.path.name}' has no '{identifier}'.", "Check the package.")
    from monai.bundle import ConfigParser

    with own_code(config.package):
        try:
            parser = ConfigParser()
            parser.read_config(str(config.path))
            parser["bundle_root"] = str(config.package)
            return parser.get_parsed_content(identifier)
        except _ERRORS as error:
            said = " ".join(str(error).split())[:200]
            what = f"The code of the package '{config.package.name}' failed at '{identifier}': {said}"
            raise ModelError(what, "Check that the packages it needs are installed.") from error


@contextlib.contextmanager
def own_code(package: Path) -> Iterator[None]:
    """Let imports of ``scripts`` find this package's, and no other package's afterwards.

    Call it only for a package that the user trusts.
    """
    _forget_own_modules()
    sys.path.insert(0, str(package))
    # Bytecode beside the scripts would change the package and so end the trust in it.
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.dont_write_bytecode = before
        sys.path.remove(str(package))
        _forget_own_modules()


def _forget_own_modules() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in _OWN_MODULES]:
        del sys.modules[name]
