"""Tasks of a command, run in a worker process: Ctrl-C ends them within a second, a crash is one clear line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import SimpleITK as sitk

from AIImagingLogic.jobs.job import ImageInput, Job
from AIImagingLogic.jobs.service import JobService
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.json_form import Beside, Record
from AIImagingLogic.records.progress import Progress


class WorkerTasks:
    """A worker that starts while the command still reads its images, and that is gone when the block ends.

    Nothing is kept for a next time: a command runs once, and the memory is needed for writing results.
    """

    def __init__(self) -> None:
        self._service = JobService(keep_gb=0.0)
        self._service.warm_up()

    def __enter__(self) -> WorkerTasks:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, function: str, arguments: Mapping[str, Any], progress: Progress) -> Any:
        """Run ``module:function`` of `AIImagingLogic.tasks` and return its record.

        Parameters
        ----------
        function : such as ``segment:segment``
        arguments : see `jobs.job.Job`; images by `image_input`, records by `record_input`
        progress : told how far it is; the costs of its stages join `progress.costs`

        Raises
        ------
        AIImagingError
            What the task raised, or `WorkerLost`.
        """
        handle = self._service.submit(Job(function, f"AIImagingLogic.tasks.{function}", arguments))
        handle.on_change(lambda changed: progress.report(changed.fraction, changed.stage))
        try:
            return handle.wait()
        finally:
            progress.costs.extend(handle.stage_costs())

    def close(self) -> None:
        """End the worker."""
        self._service.close()


def image_input(image: sitk.Image, info: ImageInfo | None = None) -> ImageInput:
    """Return an image as a job takes it. `info` comes along, so that it is not made again."""
    return ImageInput(
        lambda: sitk.GetArrayViewFromImage(image),
        image.GetSpacing(),
        image.GetOrigin(),
        image.GetDirection(),
        info=None if info is None else info.to_json(),
    )


def record_input(record: Record) -> dict[str, Any]:
    """Return a record without transforms as a job takes it."""
    return record.to_json(cast(Beside, lambda image, name: image_input(image)))
