"""The free-response curve of a detector as PNG."""

from __future__ import annotations

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from AIImagingLogic.evaluation.detection_study import DetectionStudy
from AIImagingLogic.records.atomic_files import written_atomically

_INK, _LINE, _GRID = "#28323c", "#1f6fb2", "#e3e7eb"
_SIZE_INCHES, _DOTS_PER_INCH = (6.4, 4.4), 150


def write_froc_png(study: DetectionStudy, path: Path) -> None:
    """Draw the sensitivity against false positives per scan, with the 95% interval at the metric's seven points.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    figure = Figure(figsize=_SIZE_INCHES, dpi=_DOTS_PER_INCH, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    first, last = study.rates[0], study.rates[-1]
    rates = [0.0, *(rate for _, rate, _ in study.curve)]
    values = [0.0, *(value for _, _, value in study.curve)]
    # Beyond the last mark the sensitivity stays what it was.
    axes.plot([*rates, max(last, *rates)], [*values, values[-1]], color=_LINE, linewidth=1.8)
    low = [value - interval[0] for value, interval in zip(study.sensitivity, study.sensitivity_interval)]
    high = [interval[1] - value for value, interval in zip(study.sensitivity, study.sensitivity_interval)]
    # A percentile interval need not hold the estimate.
    errors = [[max(one, 0.0) for one in low], [max(one, 0.0) for one in high]]
    axes.errorbar(study.rates, study.sensitivity, errors, fmt="o", color=_LINE, ecolor=_INK, elinewidth=1, capsize=3)
    axes.set_xscale("log", base=2)
    axes.set_xlim(first * 0.9, last * 1.1)
    axes.set_xticks(study.rates, ["1/8", "1/4", "1/2", "1", "2", "4", "8"])
    axes.minorticks_off()
    axes.set_ylim(0.0, 1.02)
    axes.set_xlabel("False positives per scan")
    axes.set_ylabel("Sensitivity")
    axes.grid(color=_GRID)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    from_to = "{:.3f} to {:.3f}".format(*study.competition_metric_interval)
    axes.set_title(
        f"Mean sensitivity (CPM) {study.competition_metric:.3f}, 95% {from_to}\n"
        f"{len(study.lesions)} lesions, {study.scans} scans, {study.patients} patients",
        fontsize=10,
        color=_INK,
        loc="left",
    )
    with written_atomically(path) as temporary:
        canvas.print_png(str(temporary))
