"""What is measured of a lesion or organ on a PET image in SUV."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.measure.peak_sphere import peak_in_sphere
from AIImagingLogic.records.measurement import Measurement, measurement


def measure_uptake(suv: sitk.Image, mask: sitk.Image, lean_share: float | None = None) -> tuple[Measurement, ...]:
    """Measure a region: SUVmax, mean, spread and peak, metabolic volume, total lesion glycolysis, and SUL.

    Parameters
    ----------
    suv : SUV by body weight, g/ml
    mask : non-zero inside, on the grid of `suv`: of a segment, or of a finding (uncropped)
    lean_share : SUL over SUVbw (`SuvImage.lean_share`), None when height or sex are not known: no SUL then

    Returns
    -------
    tuple of Measurement
        Named as in Resources/measurements.json; the volume alone, 0, for an empty mask.

    References
    ----------
    Wahl RL, et al. From RECIST to PERCIST. J Nucl Med 2009, 50(S1), 122S-150S (SULpeak, TLG = mean x volume).
    DICOM PS3.16: 126401 SUVbw, 126405 SUVlbm(Janma), 126032 Metabolic Volume, 126033 Total Lesion Glycolysis.
    """
    inside = sitk.GetArrayViewFromImage(mask) != 0
    volume_ml = float(inside.sum()) * float(np.prod(suv.GetSpacing())) / 1000
    values = np.asarray(sitk.GetArrayViewFromImage(suv)[inside], dtype=np.float64)
    peak = peak_in_sphere(suv, mask)
    if peak is None:
        return (measurement("metabolic_volume", 0.0),)
    mean = float(values.mean())
    found = {
        "suv_max": float(values.max()),
        "suv_mean": mean,
        "suv_sd": float(values.std()),
        "suv_peak": peak[0],
        "metabolic_volume": volume_ml,
        "total_lesion_glycolysis": mean * volume_ml,
    }
    if lean_share is not None:
        found |= {
            "sul_max": found["suv_max"] * lean_share,
            "sul_mean": mean * lean_share,
            "sul_sd": found["suv_sd"] * lean_share,
            "sul_peak": peak[0] * lean_share,
            "total_lesion_glycolysis_sul": found["total_lesion_glycolysis"] * lean_share,
        }
    return tuple(measurement(name, value) for name, value in found.items())
