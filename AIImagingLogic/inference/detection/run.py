"""Runs a detection network over an image, window by window; boxes in the patient come out."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.inference.activation_memory import activation_memory, most_activation_memory
from AIImagingLogic.inference.arrangement import Arrangement
from AIImagingLogic.inference.detection.anchors import anchor_boxes
from AIImagingLogic.inference.detection.content import cropped_to, occupied
from AIImagingLogic.inference.detection.recipe import DetectionRecipe, Triple
from AIImagingLogic.inference.detection.scored_boxes import ScoredBoxes, joined, read_boxes
from AIImagingLogic.inference.detection.windows import plan_detection_windows
from AIImagingLogic.inference.detection.world_boxes import world_boxes
from AIImagingLogic.inference.feeding import channels_on_one_grid, fill_volume
from AIImagingLogic.inference.frugal.frugal_check import can_be_frugal, frugal_memory
from AIImagingLogic.inference.ladder import is_shortage
from AIImagingLogic.inference.memory_budget import MemoryBudget
from AIImagingLogic.inference.memory_forecast import MemoryForecast, network_memory, torch_libraries
from AIImagingLogic.inference.network import EngineSettings, Network
from AIImagingLogic.inference.network_grid import plan_grid
from AIImagingLogic.inference.openvino_predictor import is_compiled
from AIImagingLogic.inference.openvino_refusals import known_refusal
from AIImagingLogic.inference.predictor import Predictor, chosen_backend, chosen_device, open_predictor
from AIImagingLogic.inference.side_work import SideWork
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.free_memory import no_memory_kept
from AIImagingLogic.records.progress import Progress

_PREPARED = 0.05
_NOT_USABLE = "Its package is not usable."


@dataclass(frozen=True)
class DetectedBox:
    """One thing found.

    Attributes
    ----------
    box : LPS mm, along the image's axes
    score : 0..1, the network's
    label : the class's, as the recipe names it
    """

    box: OrientedBox
    score: float
    label: str


@dataclass(frozen=True)
class DetectionOutput:
    """What a run gave.

    Attributes
    ----------
    boxes : the best first
    notes : what a reader of the result should know
    device, backend : that the network ran on; the backend is ``none`` when no window was run
    network_seconds : spent in the network itself
    windows : that the network saw
    """

    boxes: tuple[DetectedBox, ...]
    notes: tuple[str, ...]
    device: str
    backend: str
    network_seconds: float
    windows: int


def run_detection(
    channels: Sequence[sitk.Image],
    network: Network,
    recipe: DetectionRecipe,
    settings: EngineSettings,
    progress: Progress,
    within: sitk.Image | None = None,
) -> DetectionOutput:
    """Run a detection network over an image.

    Parameters
    ----------
    channels : the network's inputs, 3D, any orientation; those on another grid than the first are resampled to it
    network : takes float32 (1, channels, *window) in the order of the recipe's axes and gives float32
        (1, anchors, classes + 6): the logit of each class and the code of the box, in the order of `anchor_boxes`
    recipe : how it is fed and read
    settings : what it runs on
    progress : told how far the run is; asked between windows whether the user cancelled
    within : labels on the grid of the first channel: windows where all are 0 are not run; None: all are

    Raises
    ------
    ModelError
        The inputs, or the network's output, are not what the recipe says.
    WrongImageError
        An image has voxels that are not numbers.
    OutOfMemory
        Memory did not suffice, not even for small windows.
    Cancelled
        The user cancelled.

    Notes
    -----
    Where memory is forecast to fall short the network is first computed in parts, which changes no box, and then on
    smaller windows; when memory runs out all the same, the run begins again with the next of these. All are noted.
    """
    import torch

    images, notes = channels_on_one_grid(channels, recipe.feeding)
    if within is not None:
        images, within = cropped_to(images, within, recipe.feeding)
    if within is not None and not sitk.GetArrayViewFromImage(within).any():
        return DetectionOutput((), (*notes, "The image shows none of what was to be searched."), "none", "none", 0.0, 0)
    grid = plan_grid(images[0], recipe.feeding)
    with torch.inference_mode():
        volume = torch.empty((len(images), *grid.shape), dtype=torch.float32)
        with SideWork(settings.threads) as side_work:
            fill_volume(images, grid, recipe.feeding, volume, side_work, progress.part(0.0, _PREPARED))
        against = [1 + axis for axis, flipped in zip(grid.array_axes, grid.flipped, strict=True) if flipped]
        fed = (volume.flip(against) if against else volume).permute(0, *(1 + axis for axis in grid.array_axes))
        size = fed.shape[1:]
        content = None if within is None else occupied(within, grid)
        part = progress.part(_PREPARED, 1.0)
        # There are no sums, and the volume is small beside what the network needs: those rungs spare nothing here.
        first = Arrangement(chosen_device(settings), sums_on_disk=True, volume_on_disk=True)
        forecast = partial(_forecast, network, recipe, settings, size)
        frugally = partial(_can_be_frugal, network, recipe, settings, size)
        budget = MemoryBudget(settings, forecast, first, recipe.feeding, frugally)
        arrangement, steps = budget.first_fit()
        while True:
            run = _Run(network, recipe, settings, arrangement, size, content, part)
            try:
                with no_memory_kept() if arrangement.in_parts else contextlib.nullcontext():
                    found = joined(list(run.boxes(fed))).without_rivals(recipe)
                break
            except (MemoryError, RuntimeError) as error:
                if not is_shortage(error):
                    raise
                arrangement, steps = budget.after_shortage(arrangement, error)
    placed = world_boxes(found.corners, grid, images[0])
    boxes = tuple(
        DetectedBox(box, float(score), recipe.labels[label])
        for box, score, label in zip(placed, found.scores, found.labels, strict=True)
    )
    return DetectionOutput(
        boxes, (*notes, *steps, *run.notes), arrangement.device, run.backend, run.network_seconds, run.done
    )


def _forecast(
    network: Network,
    recipe: DetectionRecipe,
    settings: EngineSettings,
    size: Sequence[int],
    arrangement: Arrangement,
    rough: bool = False,
) -> MemoryForecast:
    """Return what a run adds to the memory of this process once the image is prepared."""
    shape = _window_shape(recipe, size, arrangement)
    backend = "torch" if known_refusal(network, shape) else chosen_backend(settings, arrangement)
    compiled = backend == "openvino" and is_compiled(network, shape, settings)
    if arrangement.frugal:
        activations = frugal_memory(network.module, shape, arrangement.values_on_disk)
    else:
        activations = (most_activation_memory if rough else activation_memory)(network.module, shape)
    needed = network_memory([activations], backend, compiled, arrangement)
    return MemoryForecast(
        volume=0, sums=0, network=int(needed), labels=0, slices=0, libraries=torch_libraries(arrangement)
    )


def _can_be_frugal(network: Network, recipe: DetectionRecipe, settings: EngineSettings, size: Sequence[int]) -> bool:
    """Whether the network can be run call by call on the recipe's windows, and then gives what it gives at once."""
    return can_be_frugal(network.module, _window_shape(recipe, size, Arrangement("cpu")), settings.scratch_folder)


def _window_shape(recipe: DetectionRecipe, size: Sequence[int], arrangement: Arrangement) -> tuple[int, ...]:
    """Return the shape that the network sees, (1, channels, *window)."""
    return (1, recipe.feeding.channels, *plan_detection_windows(size, recipe, arrangement.window).size)


class _Run:
    """One pass over the windows."""

    def __init__(
        self,
        network: Network,
        recipe: DetectionRecipe,
        settings: EngineSettings,
        arrangement: Arrangement,
        size: Sequence[int],
        content: NDArray[np.bool_] | None,
        progress: Progress,
    ) -> None:
        self._network, self._recipe, self._settings, self._arrangement = network, recipe, settings, arrangement
        windows = plan_detection_windows(size, recipe, arrangement.window)
        self._windows, self._progress = windows, progress
        self._starts = [start for start in windows if content is None or content[windows.voxels(start)].any()]
        self._anchors = anchor_boxes(recipe.anchors, windows.size)
        self._predictor: Predictor | None = None
        self._began = 0.0
        self.notes: tuple[str, ...] = ()
        self.network_seconds = 0.0
        self.done = 0

    @property
    def backend(self) -> str:
        return "none" if self._predictor is None else self._predictor.backend

    def boxes(self, volume: Any) -> Iterator[ScoredBoxes]:
        """Give the boxes of each window, in voxels of the whole image.

        Parameters
        ----------
        volume : torch float32 (channels, *size), in the order of the network's axes
        """
        size = volume.shape[1:]
        for start in self._starts:
            self._tell()
            found = read_boxes(self._predicted(self._window(volume, start)), self._anchors, self._recipe)
            # What lies outside the image is cut off first, so that a box is judged by what can be seen of it.
            found = found.moved(start).clipped(size)
            own = found[self._windows.judged(start, (found.corners[:, :3] + found.corners[:, 3:]) / 2)]
            yield own.without_rivals(self._recipe)
            self.done += 1
        self._progress.report(1.0, "Boxes")

    def _window(self, volume: Any, start: Triple) -> Any:
        import torch

        part = volume[(slice(None), *self._windows.voxels(start))]
        missing = [wanted - there for wanted, there in zip(self._windows.size, part.shape[1:], strict=True)]
        sides = [value for lacking in reversed(missing) for value in (0, lacking)]
        return torch.nn.functional.pad(part, sides, value=self._recipe.feeding.padding_value)[None].contiguous()

    def _predicted(self, window: Any) -> NDArray[np.float32]:
        if self._predictor is None:
            self._predictor, self.notes = open_predictor(self._network, window, self._settings, self._arrangement)
        began = time.perf_counter()
        values = self._predictor(window).numpy()
        self.network_seconds += time.perf_counter() - began
        wanted = (1, sum(len(boxes) for boxes in self._anchors), len(self._recipe.labels) + 6)
        if values.shape != wanted:
            raise ModelError(f"The network gave an output of shape {values.shape} instead of {wanted}.", _NOT_USABLE)
        if not np.isfinite(values).all():
            raise ModelError("The network gave values that are not numbers.", _NOT_USABLE)
        found: NDArray[np.float32] = values[0]
        return found

    def _tell(self) -> None:
        count = len(self._starts)
        message = f"Window {self.done + 1} of {count}"
        now = time.perf_counter()
        # The first window also compiles the network: it says nothing of the others.
        if self.done <= 1:
            self._began = now
        else:
            message += f", about {math.ceil((now - self._began) / (self.done - 1) * (count - self.done))} s left"
        self._progress.report(self.done / count, message)
