"""What a job is: a function to call in a worker, and its arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ImageInput:
    """An image handed to a job.

    Attributes
    ----------
    voxels : (k, j, i) or (k, j, i, components) array, or what returns it; called in the thread that submits or polls
    spacing : (3,) mm along i, j, k
    origin : (3,) mm, LPS, centre of the first voxel
    direction : 9 direction cosines, row-major, LPS; columns are the i, j, k axes
    facts : keyword arguments of `images.info.describe` (modality, intensity_unit, acquired, ...); the worker then makes
        the image's `ImageInfo`, its hash included
    info : JSON of a ready `ImageInfo`; the worker then makes none
    changed : returns a number that changes when the voxels do; when it changed during the copy, the copy is made again.
        Called in the thread that submits or polls
    """

    voxels: NDArray[Any] | Callable[[], NDArray[Any]]
    spacing: Sequence[float]
    origin: Sequence[float]
    direction: Sequence[float]
    facts: Mapping[str, Any] = field(default_factory=dict)
    info: Mapping[str, Any] | None = None
    changed: Callable[[], int] | None = None

    def array(self) -> NDArray[Any]:
        """Return the voxels."""
        return self.voxels() if callable(self.voxels) else np.asarray(self.voxels)


@dataclass(frozen=True)
class Job:
    """A call to be made in a worker.

    Attributes
    ----------
    title : what the user reads in a list of runs
    function : ``package.module:function``; returns a Record
    arguments : keyword arguments: text, numbers, bool, None, lists and dicts of these, the JSON of a Record (a dict
        with ``record``), and `ImageInput` at any depth. An `ImageInput` that is the argument N becomes an image N and,
        where the function has such a parameter, its `ImageInfo` (``info`` for ``image``, else ``N_info``); a list of
        them brings the list ``N_infos``
    """

    title: str
    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
