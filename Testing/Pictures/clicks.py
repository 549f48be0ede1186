"""Real structures outlined by clicks: what there was, and what each click of the simulated user changed.

python -m Testing.Pictures.clicks [FOLDER] [--only NAME ...]

One picture a case. The clicks are given, and the Dice counted, on the whole image.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from AIImagingLogic.images.geometry import paste
from AIImagingLogic.images.info import describe
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.prompts import Prompts
from AIImagingLogic.tasks.refine import open_refinement
from Testing.Benchmarks.interactive_cases import STRUCTURES, cases
from Testing.Benchmarks.interactive_user import Mask, middle_of_largest
from Testing.Benchmarks.reporting import shared_data
from Testing.Pictures.click_slices import Look, Step, draw_clicks

_DOCS = Path(__file__).resolve().parents[2] / "Docs" / "Pictures"
_CLICKS = 4


@dataclass(frozen=True)
class Shown:
    """A case with a picture.

    Attributes
    ----------
    structure : its name in the benchmark
    look : of the picture
    threshold : the proposal is the largest part from this grey value on; None begins with nothing
    """

    structure: str
    look: Look
    threshold: float | None = None


SHOWN = {
    "kidney": Shown("kidney right", Look("Right kidney\nCT, 3 mm", (-160, 240), 30)),
    "brain_tumour": Shown("brain tumour", Look("Brain tumour\nMR, 6.5 mm slices", (0, 1500), 22)),
    "sarcoma": Shown("sarcoma PET", Look("Soft-tissue sarcoma\nFDG-PET, SUV 0 to 6", (0, 6), 34), threshold=2.5),
}


def steps_of(image: sitk.Image, truth: Mask, start: Mask, clicks: int) -> Iterator[Step]:
    """Click in the middle of the largest error, again and again, and give what each click made of the outline."""
    outline = sitk.GetImageFromArray(start.astype(np.uint8))
    outline.CopyInformation(image)
    session = open_refinement(image, describe(image), outline if start.any() else None)
    prompts, before = Prompts(), start
    for _ in range(clicks):
        missing, missing_size = middle_of_largest(truth & ~before, image.GetSpacing())
        wrong, wrong_size = middle_of_largest(before & ~truth, image.GetSpacing())
        inside = missing_size >= wrong_size
        at = missing if inside else wrong
        x, y, z = image.TransformIndexToPhysicalPoint([int(n) for n in at[::-1]])
        if inside:
            prompts = replace(prompts, inside_mm=(*prompts.inside_mm, (x, y, z)))
        else:
            prompts = replace(prompts, outside_mm=(*prompts.outside_mm, (x, y, z)))
        after = sitk.GetArrayFromImage(paste(session.refine(prompts, Progress()), outline)) > 0
        yield Step(at, inside, before, after)
        before = after


def proposal_of(image: sitk.Image, threshold: float | None) -> Mask:
    """Return the largest part from a grey value on; nothing without one."""
    values = sitk.GetArrayViewFromImage(image)
    if threshold is None:
        return np.zeros(values.shape, bool)
    parts, _ = ndimage.label(values >= threshold)
    return np.asarray(parts == np.bincount(parts.ravel())[1:].argmax() + 1)


def main() -> None:
    """Draw the pictures; without the real images, say so."""
    parser = argparse.ArgumentParser(prog="python -m Testing.Pictures.clicks", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=_DOCS)
    parser.add_argument("--only", nargs="+", choices=SHOWN, default=tuple(SHOWN))
    arguments = parser.parse_args()
    data = shared_data()
    files = {structure.name: (structure.image, structure.truth) for structure in STRUCTURES}
    for name in arguments.only:
        shown = SHOWN[name]
        if all((data / file).is_file() for file in files[shown.structure]):
            case = next(cases(data, (shown.structure,)))
            steps = list(steps_of(case.image, case.truth, proposal_of(case.image, shown.threshold), _CLICKS))
            draw_clicks(case.image, case.truth, steps, shown.look, arguments.folder / f"clicks_{name}.png")
        else:
            sys.stderr.write(f"{name}: left out, its image is not at '{data}'.\n")


if __name__ == "__main__":
    main()
