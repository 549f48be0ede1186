"""What is measured of a lesion on a map of apparent diffusion coefficients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.records.errors import GeometryError
from AIImagingLogic.records.measurement import Measurement, measurement

_PERCENTILES = {"adc_percentile_10": 10, "adc_median": 50, "adc_percentile_90": 90}
_BIN = 50.0


@dataclass(frozen=True)
class AdcHistogram:
    """How many voxels have which diffusion.

    Attributes
    ----------
    edges : (n + 1,) 1e-6 mm2/s
    counts : (n,) voxels; their sum is that of the region
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]


def measure_diffusion(adc: sitk.Image, mask: sitk.Image) -> tuple[Measurement, ...]:
    """Measure a region: mean, spread, 10th, 50th and 90th percentile, least and largest ADC.

    Parameters
    ----------
    adc : 1e-6 mm2/s
    mask : non-zero inside, on the grid of `adc`

    Returns
    -------
    tuple of Measurement
        Named as in Resources/measurements.json. Voxels of value 0 or less, where no diffusion could be fitted, do not
        count: `share_measured` says how many of the region did.

    Raises
    ------
    GeometryError
        The region holds no voxel with a diffusion.
    """
    inside = sitk.GetArrayViewFromImage(mask) != 0
    values = _values(adc, mask)
    found = {"adc_mean": float(values.mean()), "adc_sd": float(values.std())}
    found |= {name: float(np.percentile(values, share)) for name, share in _PERCENTILES.items()}
    found |= {"adc_min": float(values.min()), "adc_max": float(values.max())}
    found |= {"share_measured": 100.0 * len(values) / int(inside.sum())}
    return tuple(measurement(name, value) for name, value in found.items())


def adc_histogram(adc: sitk.Image, mask: sitk.Image, bin_width: float = _BIN) -> AdcHistogram:
    """Return the histogram of a region, see `measure_diffusion`.

    Parameters
    ----------
    bin_width : 1e-6 mm2/s; the first bin begins at a multiple of it
    """
    if bin_width <= 0:
        raise ValueError("A bin is wider than 0.")
    values = _values(adc, mask)
    first = int(np.floor(values.min() / bin_width))
    last = int(np.floor(values.max() / bin_width)) + 1
    numbers = np.clip(np.floor(values / bin_width).astype(int) - first, 0, last - first - 1)
    counts = np.bincount(numbers, minlength=last - first)
    edges = tuple(float(number * bin_width) for number in range(first, last + 1))
    return AdcHistogram(edges, tuple(int(count) for count in counts))


def _values(adc: sitk.Image, mask: sitk.Image) -> np.ndarray:
    inside = sitk.GetArrayViewFromImage(mask) != 0
    values = np.asarray(sitk.GetArrayViewFromImage(adc)[inside], dtype=np.float64)
    values = values[np.isfinite(values) & (values > 0)]
    if not len(values):
        raise GeometryError("The region holds no voxel with a diffusion.", "Draw it where the ADC map shows tissue.")
    return values
