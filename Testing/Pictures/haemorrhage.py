"""Outlines of acute blood over slices of head phantoms: how it was found, and how it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from AIImagingLogic.images.info import describe
from AIImagingLogic.images.phantoms.head.phantom import make_head
from AIImagingLogic.images.phantoms.head.recipe import Bleeding, HeadRecipe
from AIImagingLogic.tasks.segment import segment

_WINDOW_HU = (-10.0, 100.0)
_FOUND, _TRUE = (235, 60, 50), (70, 200, 90)
_ENLARGED = 2
_KINDS: tuple[Bleeding, ...] = ("lobar", "subdural")


def photograph(folder: Path, other_states: bool = False) -> None:
    """Write the slice with most blood of two heads: plain above, found (red) and true (green) outlines below."""
    columns = []
    for seed, kind in enumerate(_KINDS):
        head = make_head(_recipe(seed, kind))
        info = describe(head.image, modality="CT", intensity_unit="HU")
        found = sitk.GetArrayFromImage(segment(head.image, info, "ct-haemorrhage").image) != 0
        true = sitk.GetArrayViewFromImage(head.truth) != 0
        at = int(np.argmax(true.sum(axis=(1, 2))))
        columns.append(_column(sitk.GetArrayViewFromImage(head.image)[at], found[at], true[at]))
    height = max(column.shape[0] for column in columns)
    padded = [np.pad(column, ((0, height - column.shape[0]), (0, 0), (0, 0))) for column in columns]
    sheet = sitk.GetImageFromArray(np.concatenate(padded, axis=1), isVector=True)
    sitk.WriteImage(sheet, str(folder / "haemorrhage.png"), useCompression=True)


def _recipe(seed: int, kind: Bleeding) -> HeadRecipe:
    return HeadRecipe(seed, kind, blood_ml=35.0, blood_hu=64.0, in_plane_mm=1.0, slice_mm=4.0, tilt_deg=6.0)


def _column(hu: np.ndarray, found: np.ndarray, true: np.ndarray) -> np.ndarray:
    low, high = _WINDOW_HU
    grey = (np.clip((hu - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    plain = _enlarged(np.stack([grey] * 3, axis=-1))
    outlined = plain.copy()
    for mask, colour in ((true, _TRUE), (found, _FOUND)):
        large = _enlarged(mask)
        outlined[large & ~ndimage.binary_erosion(large)] = colour
    return np.concatenate([plain, outlined])


def _enlarged(values: np.ndarray) -> np.ndarray:
    return values.repeat(_ENLARGED, axis=0).repeat(_ENLARGED, axis=1)
