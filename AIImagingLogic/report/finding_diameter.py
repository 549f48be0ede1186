"""The one diameter that tables of other programs have for a finding."""

from __future__ import annotations

import numpy as np

from AIImagingLogic.records.finding import Finding


def finding_diameter_mm(finding: Finding) -> float:
    """Return the mean diameter; where it was not measured that of a ball of the volume, else the mean box edge."""
    mean = finding.value("mean_diameter")
    if mean is not None:
        return mean
    volume = finding.value("volume")
    if volume is not None:
        return float((6.0 * volume / np.pi) ** (1.0 / 3.0))
    return float(np.mean(finding.box.size_mm))
