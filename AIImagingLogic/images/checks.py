"""Whether an image makes physical sense for a task; each check says what is wrong and what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.records.errors import GeometryError, WrongImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.resources import load_resource

_LOOKED_AT = 1_000_000


def require_hounsfield(image: sitk.Image, info: ImageInfo, task_name: str) -> None:
    """Refuse an image that is no CT in Hounsfield units.

    Parameters
    ----------
    image : the voxels judge when the file does not say what it is, and also when it does
    info : its modality and intensity unit
    task_name : stands in the message

    Raises
    ------
    WrongImageError
        The file says another modality or unit, or the voxels are no Hounsfield units.
    """
    refuse_stated_otherwise(info, task_name)
    reason = _not_hounsfield_because(image)
    if reason:
        raise WrongImageError(f"{task_name} needs Hounsfield units, but {reason}.", "Choose a CT image in HU.")


def refuse_stated_otherwise(info: ImageInfo, task_name: str) -> None:
    """Refuse an image whose file says that it is no CT, or not in Hounsfield units.

    Raises
    ------
    WrongImageError
        Says what it is instead.
    """
    if info.modality not in ("", "CT"):
        raise WrongImageError(f"{task_name} needs a CT image; this one is {info.modality}.", "Choose a CT series.")
    if info.intensity_unit not in ("", "HU"):
        raise WrongImageError(
            f"{task_name} needs Hounsfield units; this image is in {info.intensity_unit}.", "Choose a CT series in HU."
        )


def looks_like_hounsfield(image: sitk.Image) -> bool:
    """Whether the voxels alone can be a CT in Hounsfield units: air or lung, and soft tissue, in plausible range."""
    return not _not_hounsfield_because(image)


def require_finite(image: sitk.Image) -> None:
    """Refuse an image with voxels that are not-a-number or infinite.

    Raises
    ------
    WrongImageError
        Says how many there are.
    """
    values = sitk.GetArrayViewFromImage(image)
    if values.dtype.kind in "iub" or np.isfinite(values.sum(dtype=np.float64)):
        return
    broken = int(values.size - np.count_nonzero(np.isfinite(values)))
    raise WrongImageError(
        f"{broken} of {values.size} voxels are not-a-number or infinite.",
        "Replace them, such as air outside the field of view by -1024, and try again.",
    )


def require_volume(image: sitk.Image, minimum_slices: int) -> None:
    """Refuse an image that is flat, or has fewer than `minimum_slices` voxels along an axis.

    Raises
    ------
    GeometryError
        Says how large it is.
    """
    size = image.GetSize()
    if len(size) != 3 or min(size) < minimum_slices:
        shown = " x ".join(str(n) for n in size)
        raise GeometryError(
            f"The image has {shown} voxels; at least {minimum_slices} slices are needed.", "Choose a whole volume."
        )


def require_sane_spacing(image: sitk.Image) -> None:
    """Refuse a voxel spacing that no scanner makes: the file's unit or header is wrong.

    Raises
    ------
    GeometryError
        Says what the spacing is.
    """
    limits = load_resource("image_limits.json")["spacing_mm"]
    spacing = image.GetSpacing()
    if not all(limits["minimum"] <= value <= limits["maximum"] for value in spacing):
        shown = " x ".join(f"{value:.4g}" for value in spacing)
        raise GeometryError(
            f"The voxel spacing of {shown} mm makes no sense.", "Check that the file's unit is mm, and export it again."
        )


def _not_hounsfield_because(image: sitk.Image) -> str:
    """Return why the voxels cannot be Hounsfield units, empty when they can."""
    limits = load_resource("image_limits.json")["hounsfield"]
    values = _sample(sitk.GetArrayViewFromImage(image))
    if not values.size:
        return "no voxel is a number"
    low, high = float(values.min()), float(values.max())
    # One value far below air is what scanners write outside their round field of view.
    if low <= limits["padding_hu_maximum"]:
        values = values[values != low]
    if (
        high > limits["highest_hu"]
        or _share(values, -np.inf, limits["lowest_hu"]) > limits["below_lowest_share_maximum"]
    ):
        return f"{_range_words(image)}, beyond what tissue has"
    if _share(values, *limits["air_or_lung_hu"]) < limits["air_or_lung_share_minimum"]:
        return f"{_range_words(image)} without any air near -1000"
    if _share(values, *limits["soft_tissue_hu"]) < limits["soft_tissue_share_minimum"]:
        return f"{_range_words(image)} without soft tissue near 0"
    return ""


def _range_words(image: sitk.Image) -> str:
    """Return the range of all voxels in words: what is told is true of the image, not of a sample."""
    values = sitk.GetArrayViewFromImage(image)
    values = values[np.isfinite(values)]
    return f"its values run from {float(values.min()):.4g} to {float(values.max()):.4g}"


def _sample(values: NDArray[Any]) -> NDArray[Any]:
    """Return about a million voxels spread over the image, those that are numbers."""
    flat = values.reshape(-1)
    # A step that is odd does not fall into line with rows of an even length.
    step = max(1, flat.size // _LOOKED_AT) | 1
    part = flat[::step]
    return part[np.isfinite(part)]


def _share(values: NDArray[Any], low: float, high: float) -> float:
    return float(np.mean((values >= low) & (values < high))) if values.size else 0.0
