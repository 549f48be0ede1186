"""nnInteractive, through its own package and with weights that the user has: points, scribbles, lasso and box.

The package takes arrays as they are: no turning, no scaling of grey values. The weights are licensed by themselves.

References
----------
Isensee F et al. nnInteractive: redefining 3D promptable segmentation. arXiv:2503.08373.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.images.geometry import world_to_index
from AIImagingLogic.models.builtin.prompted_outline.new_prompts import is_continued
from AIImagingLogic.models.builtin.prompted_outline.painted_prompts import Voxels, box_bounds, lasso_marks, stroke_mark
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.interactive.point_session import as_flags, changed_crop
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.prompts import Prompts

_MODULE = "nnInteractive.inference.inference_session"
_INSTALL = "Install it where Slicer's Python finds it: pip install nnInteractive (it brings PyTorch)."


class NNInteractiveRefiner:
    """Makes sessions; keeps the network.

    Parameters
    ----------
    card : of these weights
    folder : of the trained model, as nnInteractive keeps it
    device : of PyTorch; empty: a GPU of CUDA where there is one, else the CPU

    Raises
    ------
    ModelError
        The package is not installed, is another than is known here, or cannot read the weights.
    """

    def __init__(self, card: ModelCard, folder: Path, device: str = "") -> None:
        self.card = card
        try:
            maker = import_module(_MODULE).nnInteractiveInferenceSession
            import torch
        except ImportError as error:
            raise ModelError(f"The package nnInteractive cannot be used: {error}.", _INSTALL) from error
        except AttributeError as error:
            raise ModelError("This nnInteractive has no inference session.", "Install version 1.1 or 2.") from error
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self._session = maker(device=torch.device(device), use_torch_compile=False, verbose=False)
        try:
            self._session.initialize_from_trained_model_folder(str(folder))
        except (OSError, RuntimeError, ValueError, KeyError, AssertionError) as error:
            raise ModelError(
                f"nnInteractive cannot read the weights in '{folder.name}': {error}",
                "Download them again: nninteractive-download-model.",
            ) from error

    def open(self, image: sitk.Image, info: ImageInfo, proposal: sitk.Image | None) -> NNInteractiveSession:
        """Return a session on `image`: see `Refiner.open`. An earlier session of this refiner ends."""
        return NNInteractiveSession(self._session, image, proposal)


class NNInteractiveSession:
    """One object of one image; new prompts are added, and all are given anew when one was taken back."""

    def __init__(self, session: Any, image: sitk.Image, proposal: sitk.Image | None) -> None:
        self._session, self._image = session, image
        self._before = as_flags(proposal, image)
        self._given = Prompts()
        self._started = False
        self._found = np.zeros(self._before.shape, np.uint8)
        session.set_image(sitk.GetArrayFromImage(image)[None])
        session.set_target_buffer(self._found)

    def refine(self, prompts: Prompts, progress: Progress) -> sitk.Image:
        """Return what the prompts change: see `RefinementSession.refine`."""
        if not self._started or not is_continued(self._given, prompts):
            self._start_anew()
        progress.check_cancelled()
        for shown, inside in self._new(prompts):
            shown(inside)
            progress.check_cancelled()
        self._given = prompts
        return changed_crop(self._image, self._before, self._found > 0)

    def _start_anew(self) -> None:
        self._session.reset_interactions()
        self._found[:] = 0
        if self._before.any():
            self._session.add_initial_seg_interaction(self._before.astype(np.uint8), run_prediction=False)
            self._found[:] = self._before
        self._given, self._started = Prompts(), True

    def _new(self, prompts: Prompts) -> list[tuple[Callable[[bool], None], bool]]:
        """Return what was shown since the last time, what says most of the object first."""
        given = self._given
        made: list[tuple[Callable[[bool], None], bool]] = []
        if prompts.box is not None and given.box is None:
            box = prompts.box
            made.append((partial(self._box, *box_bounds(self._image, box)), True))
        if prompts.lasso_mm and not given.lasso_mm:
            held, _ring = lasso_marks(self._image, prompts.lasso_mm)
            made.append((partial(self._mask, self._session.add_lasso_interaction, held.voxels), True))
        for stroke in prompts.strokes[len(given.strokes) :]:
            voxels = stroke_mark(self._image, stroke).voxels
            made.append((partial(self._scribble, voxels), stroke.inside))
        for points, before, kind in (
            (prompts.inside_mm, given.inside_mm, True),
            (prompts.outside_mm, given.outside_mm, False),
        ):
            for point in points[len(before) :]:
                made.append((partial(self._point, point), kind))
        return made

    def _point(self, place: tuple[float, float, float], inside: bool) -> None:
        index = np.floor(world_to_index(self._image, place) + 0.5).astype(int)
        k, j, i = np.clip(index, 0, np.array(self._image.GetSize()) - 1)[::-1].tolist()
        self._session.add_point_interaction((k, j, i), include_interaction=inside)

    def _scribble(self, voxels: Voxels, inside: bool) -> None:
        self._mask(self._session.add_scribble_interaction, voxels, inside)

    def _mask(self, add: Any, voxels: Voxels, inside: bool) -> None:
        """Give voxels as the whole image that every version of the package takes."""
        if len(voxels):
            drawn: NDArray[np.uint8] = np.zeros(self._found.shape, np.uint8)
            drawn[tuple(voxels.T)] = 1
            add(drawn, include_interaction=inside)

    def _box(self, first: Voxels, last: Voxels, inside: bool) -> None:
        """Give the middle slice of a box, across its thinnest side: the published weights know flat boxes alone."""
        sides = (last - first) * np.array(self._image.GetSpacing())[::-1]
        thin = int(np.argmin(sides))
        middle = int((first[thin] + last[thin]) // 2)
        first, last = first.copy(), last.copy()
        first[thin] = last[thin] = middle
        bounds = [[int(a), int(b) + 1] for a, b in zip(first, last, strict=True)]
        self._session.add_bbox_interaction(bounds, include_interaction=inside)
