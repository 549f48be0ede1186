"""Images on other grids: on that of a reference, or with another spacing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.geometry import grid_size, grid_spacing, index_to_world

_INTERPOLATORS = {
    "nearest": sitk.sitkNearestNeighbor,
    "linear": sitk.sitkLinear,
    "cubic": sitk.sitkBSpline,
    "sinc": sitk.sitkLanczosWindowedSinc,
}
# Full width at half maximum of a Gaussian, in standard deviations.
_FWHM_PER_SIGMA = 2.0 * float(np.sqrt(2.0 * np.log(2.0)))
_RECURSIVE_GAUSSIAN_MINIMUM = 4


def resample_like(
    image: sitk.Image,
    reference: sitk.Image,
    transform: sitk.Transform | None = None,
    interpolation: str = "linear",
    outside: float | None = None,
) -> sitk.Image:
    """Return `image` on the grid of `reference`.

    Parameters
    ----------
    image : 3D image; labels need ``nearest``
    reference : gives size, spacing, origin and direction
    transform : takes points of `reference` to points of `image` (LPS mm); none: both lie in one space
    interpolation : ``nearest``, ``linear``, ``cubic`` or ``sinc``
    outside : value where `image` has no voxel; default: 0 for ``nearest``, else the smallest value of `image`

    Returns
    -------
    sitk.Image
        Of the voxel type of `image`.
    """
    return sitk.Resample(
        image,
        reference,
        transform or sitk.Transform(3, sitk.sitkIdentity),
        _INTERPOLATORS[interpolation],
        _outside(image, interpolation, outside),
        image.GetPixelID(),
    )


def resample_to_spacing(
    image: sitk.Image,
    spacing_mm: float | Sequence[float],
    interpolation: str = "linear",
    outside: float | None = None,
) -> sitk.Image:
    """Return `image` with another spacing and the same field of view, axes and centre.

    Parameters
    ----------
    image : 3D image; labels need ``nearest``
    spacing_mm : one for all axes or one for each of i, j, k; mm
    interpolation, outside : as in `resample_like`

    Notes
    -----
    Along axes that become coarser, intensities are first smoothed by the Gaussian whose width (FWHM) is what the new
    spacing adds to the old one in quadrature, so that fine detail does not fold into coarse patterns. The field of view
    is covered by whole voxels: it may end up to half a new voxel beyond the old one on each side.
    """
    old, size = grid_spacing(image), grid_size(image)
    new = np.broadcast_to(np.asarray(spacing_mm, dtype=float), 3)
    # The small allowance keeps a size that divides evenly from growing by rounding.
    new_size = np.maximum(np.ceil(size * old / new - 1e-6), 1).astype(int)
    if interpolation != "nearest":
        image = _smoothed_for(image, new)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    center = index_to_world(image, (size - 1) / 2)
    origin = center - direction @ ((new_size - 1) / 2 * new)
    return sitk.Resample(
        image,
        [int(n) for n in new_size],
        sitk.Transform(3, sitk.sitkIdentity),
        _INTERPOLATORS[interpolation],
        origin.tolist(),
        new.tolist(),
        image.GetDirection(),
        _outside(image, interpolation, outside),
        image.GetPixelID(),
        useNearestNeighborExtrapolator=outside is None,
    )


def _smoothed_for(image: sitk.Image, spacing_mm: np.ndarray) -> sitk.Image:
    pixel_id, smoothed = image.GetPixelID(), image
    for axis, (old, new, count) in enumerate(zip(image.GetSpacing(), spacing_mm, image.GetSize(), strict=True)):
        # Fewer voxels than the recursive filter needs hold no detail that could fold.
        if new > old * 1.001 and count >= _RECURSIVE_GAUSSIAN_MINIMUM:
            sigma_mm = float(np.sqrt(new**2 - old**2)) / _FWHM_PER_SIGMA
            smoothed = sitk.RecursiveGaussian(sitk.Cast(smoothed, sitk.sitkFloat32), sigma_mm, direction=axis)
    if smoothed is image or pixel_id in (sitk.sitkFloat32, sitk.sitkFloat64):
        return sitk.Cast(smoothed, pixel_id)
    return sitk.Cast(sitk.Round(smoothed), pixel_id)


def _outside(image: sitk.Image, interpolation: str, outside: float | None) -> float:
    if outside is not None:
        return outside
    if interpolation == "nearest":
        return 0.0
    return float(sitk.GetArrayViewFromImage(image).min())
