"""The nine views of a real nodule and of vessels that score lower: `python -m Testing.Pictures.nine_views OUT.png`.

The CT is the held-out patient's; the detector's score is the one that was fitted without that patient.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib
import numpy as np
import SimpleITK as sitk

from AIImagingLogic.models.builtin.candidate_score import ScoreWeights
from AIImagingLogic.models.builtin.multi_view_network import DARKEST_HU, SIDE, SPACINGS_MM
from AIImagingLogic.models.builtin.multi_view_score import views_of
from AIImagingLogic.models.catalogue import load_model
from AIImagingLogic.models.protocols import Candidate
from AIImagingLogic.records.progress import Progress
from Testing.Benchmarks.real_ct import CROPS, read_truth
from Testing.Benchmarks.reporting import shared_data
from Testing.Training.multi_view import DETECTOR, HELD_OUT_DETECTOR
from Testing.Training.multi_view_samples import candidates_of
from Testing.Training.nodule_score_cases import make_case

matplotlib.use("Agg")
from matplotlib import pyplot

_NAMES = ("axial", "coronal", "sagittal", *["diagonal"] * 6)
_BRIGHTEST_HU = 250.0
_DPI, _INCHES = 100, 1.25
_SCALE_BAR_MM = 10.0


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(prog="python -m Testing.Pictures.nine_views", description=__doc__)
    parser.add_argument("output", type=Path)
    output = parser.parse_args().output
    folder = shared_data() / "chest_ct"
    position, diameter_mm = read_truth(folder)
    image = sitk.ReadImage(str(folder / CROPS[1]))
    weights = ScoreWeights.from_content(json.loads(HELD_OUT_DETECTOR.read_text(encoding="utf-8")))
    found = candidates_of(make_case("", "", True, image, []), weights)
    anew = load_model("lung-nodule-views").scores(image, found, DETECTOR, Progress())
    apart = np.array([np.linalg.norm(np.subtract(candidate.position_mm, position)) for candidate in found])
    nodule = int(np.argmin(apart))
    lowered = [
        candidate.score - score if far > diameter_mm else 0.0 for candidate, score, far in zip(found, anew, apart)
    ]
    shown = [("nodule", nodule), ("false mark, vessels beside the mediastinum", int(np.argmax(lowered)))]
    draw([(name, found[number], float(anew[number])) for name, number in shown], image, output)


def draw(rows: list[tuple[str, Candidate, float]], image: sitk.Image, output: Path) -> None:
    """Draw the views of candidates, a row each, near by and around, with the score before and after.

    Parameters
    ----------
    rows : what it is, the candidate with the detector's score, the score after the stage
    """
    figure, axes = pyplot.subplots(
        2 * len(rows), 9, figsize=(9 * _INCHES, 2 * len(rows) * _INCHES * 1.08), facecolor="black", squeeze=False
    )
    figure.subplots_adjust(0.005, 0.005, 0.995, 0.95, 0.03, 0.16)
    for row, (name, candidate, score) in enumerate(rows):
        views = views_of(image, np.array([candidate.position_mm]))[0]
        for view, channel in np.ndindex(views.shape[:2]):
            panel = axes[2 * row + channel, view]
            panel.imshow(views[view, channel], cmap="gray", vmin=DARKEST_HU, vmax=_BRIGHTEST_HU)
            panel.set_axis_off()
            if channel == 1:
                panel.set_title(_NAMES[view], color="0.8", fontsize=7, pad=2)
            if view == 0:
                length = _SCALE_BAR_MM / SPACINGS_MM[channel]
                panel.plot((1, 1 + length), (SIDE - 3, SIDE - 3), color="white", linewidth=2)
        said = f"{name}: detector {candidate.score:.2f}, with the views {score:.2f}"
        axes[2 * row, 0].set_title(said, color="#ffd000", fontsize=9, loc="left", pad=3)
    figure.savefig(output, dpi=_DPI, facecolor="black")
    pyplot.close(figure)


if __name__ == "__main__":
    main()
