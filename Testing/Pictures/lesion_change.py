"""Changed brain lesions of a real patient: both visits and their difference, our outlines beside the expert's.

python -m Testing.Pictures.lesion_change [OUT.png]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from Testing.Benchmarks.lesion_change import LEAST_MM3, changed, in_common_space, read_real_pair
from Testing.Benchmarks.reporting import shared_data

matplotlib.use("Agg")
from matplotlib import pyplot

_DOCS = Path(__file__).resolve().parents[2] / "Docs" / "Pictures" / "lesion_change.png"
_HALF_WIDTH = 50
_EXPERT, _OURS = "#ffd000", "#00c8ff"
_MOST_SD = 8.0
_MISSED_SHOWN = 2


def main() -> None:
    """Run the comparison and draw it."""
    parser = argparse.ArgumentParser(prog="python -m Testing.Pictures.lesion_change", description=__doc__)
    parser.add_argument("output", nargs="?", type=Path, default=_DOCS)
    output = parser.parse_args().output
    real = read_real_pair(shared_data() / "brain_mr")
    result = changed(real.earlier, real.later)
    expert = sitk.GetArrayFromImage(real.expert) > 0
    ours = sitk.GetArrayFromImage(in_common_space(real, result.segmentation.image)) > 0
    earlier = sitk.GetArrayFromImage(sitk.Resample(real.earlier, real.expert, real.to_earlier, sitk.sitkLinear))
    later = sitk.GetArrayFromImage(in_common_space(real, real.later, sitk.sitkLinear))
    noise = sitk.GetArrayFromImage(in_common_space(real, result.significance, sitk.sitkLinear))
    places = _places(expert, ours, float(np.prod(real.expert.GetSpacing())))
    figure, rows = pyplot.subplots(len(places), 3, figsize=(7.2, 2.4 * len(places)), facecolor="black", squeeze=False)
    pictures = ((earlier, "Earlier", 0.0, None), (later, "Later", 0.0, None), (noise, "Later - earlier", -_MOST_SD, 1))
    for row, (place, said) in zip(rows, places, strict=True):
        k, j, i = place
        cut = (k, slice(max(0, j - _HALF_WIDTH), j + _HALF_WIDTH), slice(max(0, i - _HALF_WIDTH), i + _HALF_WIDTH))
        for axes, (values, heading, low, signed) in zip(row, pictures, strict=True):
            high = _MOST_SD if signed else float(np.percentile(values[values > 0], 99.7))
            axes.imshow(values[cut], cmap="gray", vmin=low, vmax=high, interpolation="nearest")
            for mask, colour in ((expert, _EXPERT), (ours, _OURS)):
                if mask[cut].any():
                    axes.contour(mask[cut], [0.5], colors=colour, linewidths=1.0)
            axes.set_title(heading, color="white", fontsize=9, pad=3)
            axes.set_axis_off()
        row[0].text(2, 8, said, color="white", fontsize=8)
    figure.subplots_adjust(0.005, 0.005, 0.995, 0.975, 0.02, 0.1)
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, dpi=110, facecolor="black")


def _places(
    expert: NDArray[np.bool_], ours: NDArray[np.bool_], voxel_mm3: float
) -> list[tuple[tuple[int, int, int], str]]:
    """Return slice and middle of what is shown: lesions outlined by both, the largest missed, and what is ours only."""
    everywhere = np.ones((3, 3, 3))
    labels, count = ndimage.label(expert, everywhere)
    parts, part_count = ndimage.label(ours, everywhere)
    least = LEAST_MM3 / voxel_mm3
    sizes = np.bincount(labels.ravel())
    order = [number for number in np.argsort(-sizes[1:]) + 1 if sizes[number] >= least]
    hits = [number for number in order if ours[labels == number].mean() >= 0.1]
    missed = [number for number in order if number not in hits][:_MISSED_SHOWN]
    alone = [
        number
        for number in range(1, part_count + 1)
        if not expert[parts == number].any() and (parts == number).sum() >= least
    ]
    shown = [(labels == number, "both") for number in hits]
    shown += [(labels == number, "expert only") for number in missed]
    shown += [(parts == number, "ours only") for number in alone]
    return [(_middle(mask), said) for mask, said in shown]


def _middle(mask: NDArray[np.bool_]) -> tuple[int, int, int]:
    k = int(np.argmax(mask.sum(axis=(1, 2))))
    j, i = (int(round(value)) for value in np.argwhere(mask[k]).mean(axis=0))
    return k, j, i


if __name__ == "__main__":
    main()
