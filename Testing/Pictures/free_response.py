"""The free-response curve of made-up marks, for the user guide: ``python -m Testing.Pictures.free_response FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from AIImagingLogic.evaluation.detection_files import TrueLesion
from AIImagingLogic.evaluation.detection_study import study_detection
from AIImagingLogic.report.froc_plot import write_froc_png
from Testing.Benchmarks.froc_oracle import made_up_scans

SCANS = 60


def main() -> None:
    """Write free_response.png."""
    scans = {f"scan {number}": scan for number, scan in enumerate(made_up_scans(np.random.default_rng(1), SCANS))}
    marks = {name: marks for name, (marks, _) in scans.items()}
    lesions = {name: [TrueLesion(target) for target in targets] for name, (_, targets) in scans.items()}
    write_froc_png(study_detection(list(scans), marks, lesions), Path(sys.argv[1]) / "free_response.png")


if __name__ == "__main__":
    main()
