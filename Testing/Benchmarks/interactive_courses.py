"""One course of the interactive benchmark: a structure, a start and a method; a peer's is kept for the next run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.info import describe
from AIImagingLogic.models.catalogue import load_model
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.prompts import Prompts
from AIImagingLogic.tasks.refine import REFINE_MODEL
from Testing.Benchmarks.interactive_cases import Case
from Testing.Benchmarks.interactive_peers import peer_answer
from Testing.Benchmarks.interactive_user import Mask, play

OURS = "ours"


def our_answer(image: sitk.Image, proposal: sitk.Image | None = None) -> Callable[[Prompts], Mask]:
    """Return what answers prompts with the whole mask, by this extension's engine."""
    session = load_model(REFINE_MODEL).open(image, describe(image), proposal)
    size = image.GetSize()[::-1]

    def answer(prompts: Prompts) -> Mask:
        mask = np.zeros(size, bool) if proposal is None else sitk.GetArrayFromImage(proposal) > 0
        return with_crop(mask, image, session.refine(prompts, Progress()))

    return answer


def with_crop(mask: Mask, image: sitk.Image, crop: sitk.Image) -> Mask:
    """Return a mask (k, j, i) on the grid of an image after a crop of that grid was put into it."""
    i, j, k = image.TransformPhysicalPointToIndex(crop.GetOrigin())
    values = sitk.GetArrayViewFromImage(crop) > 0
    mask[k : k + values.shape[0], j : j + values.shape[1], i : i + values.shape[2]] = values
    return mask


def course(
    case: Case, start: str, method: str, clicks: int, most_voxels: int | None = None, keep: Path | None = None
) -> tuple[float, ...]:
    """Return Dice after each of `clicks` interactions.

    Parameters
    ----------
    start : ``click`` or ``box``
    method : ``ours`` or a peer
    most_voxels : of a peer's crop; without it the peer's own limit
    keep : folder of peers' courses: a peer does not change from run to run, and a longer course holds a shorter one
    """
    if method == OURS:
        return play(case.image, case.truth, our_answer(case.image), clicks, start == "box").dice
    file = (
        None if keep is None else keep / f"{case.name}-{start}-{method}-{most_voxels or 'own'}.json".replace(" ", "_")
    )
    if file is not None and file.exists():
        kept = tuple(float(value) for value in json.loads(file.read_text()))
        if len(kept) >= clicks:
            return kept[:clicks]
    answer = peer_answer(method, case.image, case.truth, most_voxels)
    dice = play(case.image, case.truth, answer, clicks, start == "box").dice
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(dice))
    return dice
