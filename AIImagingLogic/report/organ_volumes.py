"""Volumes of the organs at each visit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.records.timeline import Timeline
from AIImagingLogic.report.number_format import percent_change, rounded

_MM3_A_ML = 1000.0


@dataclass(frozen=True)
class OrganVolume:
    """An organ's volume at each visit (ml, as text; empty where it was not outlined) and its change in percent."""

    name: str
    volumes: tuple[str, ...]
    change: str


def organ_volumes(timeline: Timeline) -> tuple[OrganVolume, ...]:
    """Return the volume of every organ that is outlined at any visit."""
    by_visit = organ_volumes_ml(timeline)
    names = dict.fromkeys(name for volumes in by_visit for name in volumes)
    return tuple(_organ(name, [volumes.get(name) for volumes in by_visit]) for name in names)


def organ_volumes_ml(timeline: Timeline) -> tuple[dict[str, float], ...]:
    """Return the volume (ml) of every organ by its name, for each visit; none where no organ was outlined."""
    return tuple({} if visit.organs is None else _volumes_ml(visit.organs) for visit in timeline.visits)


def _organ(name: str, volumes_ml: list[float | None]) -> OrganVolume:
    texts = tuple("" if volume is None else f"{rounded(volume, 0)} ml" for volume in volumes_ml)
    first, last = volumes_ml[0], volumes_ml[-1]
    change = "" if not first or last is None or len(volumes_ml) < 2 else percent_change(100.0 * (last / first - 1.0))
    return OrganVolume(name, texts, change)


def _volumes_ml(organs: Segmentation) -> dict[str, float]:
    voxels = sitk.GetArrayViewFromImage(organs.image)
    voxel_ml = math.prod(organs.image.GetSpacing()) / _MM3_A_ML
    return {segment.name: np.count_nonzero(voxels == segment.value) * voxel_ml for segment in organs.segments}
