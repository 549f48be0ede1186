"""`aiimaging phantom`: two DICOM series of a chest CT phantom, and the truth beside them."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from typing import Any

from AIImagingLogic.cli.output_folder import whole_folder
from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.images.dicom_writing import write_ct_series
from AIImagingLogic.images.phantoms.chest_pair import demo_recipe, make_chest_pair
from AIImagingLogic.images.phantoms.truth_sheet import write_truth_sheet

_BASELINE = datetime(2025, 3, 3, 9, 30)
_FOLLOW_UP = datetime(2025, 9, 1, 10, 15)


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Write OUT/baseline, OUT/follow-up (DICOM), OUT/truth.json and OUT/truth.png."""
    with whole_folder(arguments.output, arguments.overwrite, mark="truth.json") as folder:
        with terminal.progress() as progress:
            progress.report(0.0, "Chest phantom, two visits")
            pair = make_chest_pair(demo_recipe())
            progress.report(0.8, "DICOM files")
            visits = (("baseline", pair.baseline, _BASELINE), ("follow-up", pair.followup, _FOLLOW_UP))
            for name, image, acquired in visits:
                write_ct_series(image, folder / name, acquired=acquired, description=f"Chest phantom, {name}")
        truth = {"lesions": [lesion.to_json() for lesion in pair.lesions]}
        write_truth_sheet(pair, folder / "truth.png")
        (folder / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    terminal.show(f"Phantom: {arguments.output} (two DICOM series, truth.json and truth.png)")
    return {"output": str(arguments.output), **truth}
