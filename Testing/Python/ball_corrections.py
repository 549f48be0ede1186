"""Stand-in for the worker's functions of a correction: a ball around each click, in the place of a real model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.records.errors import JobFailed
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.prompts import Prompts
from AIImagingLogic.scene.segment_correction_worker import NOT_KEPT

RADIUS_MM = 4.0
DIES_AT_MM = (1e6, 1e6, 1e6)
FAILS_AT_MM = (2e6, 2e6, 2e6)
_kept: dict[str, Any] = {}


def keep_image(key: str, image: sitk.Image, info: ImageInfo) -> bool:
    """Keep the image."""
    _kept.clear()
    _kept[key] = image
    return True


def open_session(key: str, image_key: str, model: str, proposal: sitk.Image | None = None) -> bool:
    """Begin with the proposal."""
    if image_key not in _kept:
        raise JobFailed(NOT_KEPT)
    _kept[key] = (_kept[image_key], proposal)
    return True


def refine(key: str, prompts: Prompts, progress: Progress) -> sitk.Image:
    """Return the proposal with balls added and removed, cropped around the clicks; end the worker on demand."""
    if key not in _kept:
        raise JobFailed(NOT_KEPT)
    if FAILS_AT_MM in prompts.outside_mm:
        raise JobFailed("The ball burst.", "Click elsewhere.")
    if DIES_AT_MM in prompts.outside_mm and not Path(os.environ["BALL_DIED"]).exists():
        Path(os.environ["BALL_DIED"]).touch()
        os._exit(1)
    image, proposal = _kept[key]
    clicks = [point for point in prompts.outside_mm if point not in (DIES_AT_MM, FAILS_AT_MM)]
    return ball_crop(image, proposal, prompts.inside_mm, clicks)


def ball_crop(image: sitk.Image, proposal: sitk.Image | None, inside_mm: Any, outside_mm: Any) -> sitk.Image:
    """Return the proposal with balls around the points, cropped to all balls."""
    shape = image.GetSize()[::-1]
    mask = np.zeros(shape, bool) if proposal is None else sitk.GetArrayFromImage(proposal) > 0
    touched = np.zeros(shape, bool)
    indices = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)[..., ::-1]
    matrix = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    points = indices @ matrix.T + np.array(image.GetOrigin())
    for point, value in [(p, True) for p in inside_mm] + [(p, False) for p in outside_mm]:
        ball = np.linalg.norm(points - np.array(point), axis=-1) <= RADIUS_MM
        mask[ball] = value
        touched |= ball
    if not touched.any():
        touched[0, 0, 0] = True
    places = np.argwhere(touched)
    first, size = places.min(axis=0), np.ptp(places, axis=0) + 1
    label = sitk.GetImageFromArray(mask.astype(np.uint8))
    label.CopyInformation(image)
    return sitk.RegionOfInterest(label, size[::-1].tolist(), first[::-1].tolist())
