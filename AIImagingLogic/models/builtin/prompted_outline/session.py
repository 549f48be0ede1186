"""One object of one image as it is outlined and corrected: keeps the outline, and how it came about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.prompted_outline.box_outline import box_outline
from AIImagingLogic.models.builtin.prompted_outline.correction import corrected
from AIImagingLogic.models.builtin.prompted_outline.finish import finished
from AIImagingLogic.models.builtin.prompted_outline.first_outline import Found, first_outline
from AIImagingLogic.models.builtin.prompted_outline.new_prompts import is_continued, new_marks
from AIImagingLogic.models.builtin.prompted_outline.painted_prompts import Mark, shown
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.prompts import Prompts

Flags = NDArray[np.bool_]
Voxels = NDArray[np.int64]
Box = tuple[slice, ...]


@dataclass(frozen=True)
class _Step:
    """What one set of new prompts changed."""

    prompts: Prompts
    marks: tuple[Mark, ...]
    changes: tuple[tuple[Box, Flags], ...]
    """The boxes that changed, and what they held before."""


class OutlineSession:
    """Outlines and corrects one object. The same prompts in the same order give the same outline."""

    def __init__(self, image: sitk.Image, proposal: sitk.Image | None) -> None:
        self._image = image
        self._volume = sitk.GetArrayViewFromImage(image)
        self._spacing = np.array(image.GetSpacing())[::-1]
        if proposal is None:
            self._mask = np.zeros(self._volume.shape, bool)
        else:
            values = sitk.GetArrayViewFromImage(proposal)
            self._mask = values > (0.5 if np.issubdtype(values.dtype, np.floating) else 0)
        self._steps: list[_Step] = []
        # Whether there is an outline to correct.
        self._begun = bool(self._mask.any())

    def refine(self, prompts: Prompts, progress: Progress) -> sitk.Image:
        """Return what the prompts change: see `RefinementSession.refine`."""
        self._go_back_before(prompts)
        before = self._steps[-1].prompts if self._steps else Prompts()
        changes: list[tuple[Box, Flags]] = []
        marks = [mark for step in self._steps for mark in step.marks]
        new = new_marks(self._image, before, prompts)
        if prompts.box is not None and not self._begun:
            inside, outside = shown([*marks, *new], self._volume.shape)
            found = box_outline(self._image, self._volume, prompts.box, inside, outside)
            changes.append(self._changed(found, True, inside, outside))
            self._begun = True
            marks += new
            left = 0
        else:
            left = len(new)
        for mark in new[:left]:
            progress.check_cancelled()
            marks.append(mark)
            changes += self._take(mark, marks)
        self._steps.append(_Step(prompts, new, tuple(changes)))
        return self._crop()

    def _take(self, mark: Mark, marks: list[Mark]) -> list[tuple[Box, Flags]]:
        """Take one mark into the outline; return what was there before."""
        inside, outside = shown(marks, self._volume.shape)
        opposite = outside if mark.inside else inside
        if len(mark.voxels) == 0:
            return []
        if not self._begun:
            if not mark.inside:
                return []
            found = first_outline(self._volume, self._spacing, mark.voxels, opposite)
            self._begun = True
            first = True
        else:
            found = corrected(self._volume, self._mask, self._spacing, mark.voxels, mark.inside, opposite)
            first = False
        return [self._changed(found, first, inside, outside)]

    def _changed(self, found: Found, first: bool, inside: Voxels, outside: Voxels) -> tuple[Box, Flags]:
        """Take the outline that was found; return where, and what was there before."""
        box, values = finished(self._volume, self._mask, self._spacing, found, first, inside, outside)
        was = self._mask[box].copy()
        self._mask[box] = values
        return box, was

    def _go_back_before(self, prompts: Prompts) -> None:
        """Undo steps whose prompts were taken back."""
        while self._steps and not is_continued(self._steps[-1].prompts, prompts):
            step = self._steps.pop()
            for box, was in reversed(step.changes):
                self._mask[box] = was

    def _crop(self) -> sitk.Image:
        """Return all that differs from the proposal."""
        boxes = [box for step in self._steps for box, _ in step.changes]
        if not boxes:
            first, last = np.zeros(3, int), np.ones(3, int)
        else:
            first = np.min([[s.start for s in box] for box in boxes], axis=0)
            last = np.max([[s.stop for s in box] for box in boxes], axis=0)
        where = tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
        crop = sitk.GetImageFromArray(self._mask[where].astype(np.uint8))
        crop.SetSpacing(self._image.GetSpacing())
        crop.SetDirection(self._image.GetDirection())
        crop.SetOrigin(self._image.TransformIndexToPhysicalPoint([int(n) for n in first[::-1]]))
        return crop
