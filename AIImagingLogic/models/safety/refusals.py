"""Why a model file is not loaded: it is harmful or broken, or it is a program that nobody has trusted yet."""

from __future__ import annotations

from AIImagingLogic.records.errors import ModelError


class UnsafeModel(ModelError):  # noqa: N818 - named as the user is told
    """The file is broken or made to do harm: no trust changes that."""


class UntrustedModel(ModelError):  # noqa: N818 - named as the user is told
    """The package needs code of its own to run, and the user has not trusted exactly this package.

    Parameters
    ----------
    place : str
        The file, and where in it: ``model.ts`` or ``configs/inference.json network_def::act``.
    what : str
        What was found there.
    package_hash : str
        SHA-256 that the user can trust; empty when the caller of the check has to add it.
    """

    def __init__(self, place: str, what: str, package_hash: str = "") -> None:
        self.place = place
        self.found = what
        self.package_hash = package_hash
        advice = "It runs only after you trust exactly this package"
        advice += f": 'aiimaging models trust {package_hash}'." if package_hash else "."
        super().__init__(f"{place}: {what}.", advice + " Trust only what comes from people you know.")

    def with_hash(self, package_hash: str) -> UntrustedModel:
        """Return the same refusal that names the hash to trust."""
        return UntrustedModel(self.place, self.found, package_hash)


DOWNLOAD_AGAIN = "Download the package again from its publisher."
