"""The module `SampleData`: records the data sets that a module offers, checked as Slicer would check them."""

from __future__ import annotations

import re
import types
from typing import Any

_CHECKSUM = re.compile(r"(SHA256|SHA512|MD5|SHA1|SHA224|SHA384):[0-9a-fA-F]+$", re.IGNORECASE)


class SampleDataError(AssertionError):
    """A data set was registered with arguments that Slicer could not use."""


class SampleData:
    """What was registered, by category."""

    def __init__(self) -> None:
        self.sources: dict[str, list[dict[str, Any]]] = {}

    def register(
        self,
        category: str = "Custom",
        sampleName: Any = None,
        uris: Any = None,
        fileNames: Any = None,
        nodeNames: Any = None,
        customDownloader: Any = None,
        thumbnailFileName: Any = None,
        loadFileTypes: Any = None,
        loadFiles: Any = None,
        loadFileProperties: Any = None,
        checksums: Any = None,
        loadFileType: Any = None,
    ) -> None:
        """Record one data set.

        Raises
        ------
        SampleDataError
            There is no name, lists differ in length, or a checksum is not ``SHA256:...``.
        """
        if not sampleName:
            raise SampleDataError("A sample needs a name.")
        if uris is None and customDownloader is None:
            raise SampleDataError(f"'{sampleName}' has neither uris nor a customDownloader.")
        lengths = {len(value) for value in (uris, fileNames, checksums) if isinstance(value, (list, tuple))}
        if len(lengths) > 1:
            raise SampleDataError(f"'{sampleName}': uris, fileNames and checksums differ in length.")
        listed = [] if checksums is None else [checksums] if isinstance(checksums, str) else checksums
        if not all(_CHECKSUM.match(text) for text in listed):
            raise SampleDataError(f"'{sampleName}': a checksum is written as SHA256:<digits>.")
        known = {key: value for key, value in locals().items() if key not in ("self", "category", "lengths", "listed")}
        if all(source["sampleName"] != sampleName for source in self.sources.setdefault(category, [])):
            self.sources[category].append(known)

    def module(self) -> types.ModuleType:
        """Return the module `SampleData`."""
        module = types.ModuleType("SampleData")
        logic = type("SampleDataLogic", (), {"registerCustomSampleDataSource": staticmethod(self.register)})
        module.SampleDataLogic = logic  # type: ignore[attr-defined]
        return module
