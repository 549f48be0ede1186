"""How a result came to be."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata

from AIImagingLogic import __version__
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.json_form import Record


@dataclass(frozen=True)
class StageCost(Record):
    """Seconds and peak resident memory (GB, 1e9 bytes) of one stage of a run."""

    name: str
    seconds: float
    peak_gb: float


@dataclass(frozen=True)
class ModelUse(Record):
    """Which model, exactly: its id, version and the SHA-256 of its package (of its card, for a built-in engine)."""

    model_id: str
    version: str
    sha256: str


@dataclass(frozen=True)
class InputIdentity(Record):
    """Which image a result was made from, without who the patient is."""

    content_hash: str
    modality: str
    series_uid: str
    study_uid: str
    acquired: datetime | None


@dataclass(frozen=True)
class Provenance(Record):
    """Models, inputs, parameters, versions, device, seed and costs behind a result."""

    task: str
    models: tuple[ModelUse, ...]
    inputs: tuple[InputIdentity, ...]
    parameters: Mapping[str, str]
    versions: Mapping[str, str]
    device: str
    created: datetime
    seed: int | None = None
    stages: tuple[StageCost, ...] = ()
    notes: tuple[str, ...] = ()


_PACKAGES = ("numpy", "scipy", "SimpleITK", "pydicom", "highdicom")


def make_provenance(
    task: str,
    models: Sequence[ModelUse],
    inputs: Sequence[ImageInfo],
    parameters: Mapping[str, object] | None = None,
    stages: Sequence[StageCost] = (),
    notes: Sequence[str] = (),
    seed: int | None = None,
    device: str = "CPU",
) -> Provenance:
    """Return the provenance of a result made now, on this machine."""
    return Provenance(
        task=task,
        models=tuple(models),
        inputs=tuple(
            InputIdentity(info.content_hash, info.modality, info.series_uid, info.study_uid, info.acquired)
            for info in inputs
        ),
        parameters={key: str(value) for key, value in (parameters or {}).items()},
        versions={"aiimaging": __version__, "python": sys.version.split()[0], **_package_versions()},
        device=f"{device} ({platform.machine()})",
        created=datetime.now(UTC),
        seed=seed,
        stages=tuple(stages),
        notes=tuple(notes),
    )


def _package_versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
