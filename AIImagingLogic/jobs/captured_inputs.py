"""The arguments of a job as they go to a worker: JSON, with the images beside it in one shared buffer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from AIImagingLogic.jobs.image_layout import ImageLayout
from AIImagingLogic.jobs.job import ImageInput, Job
from AIImagingLogic.records.errors import JobFailed

IMAGE_KEY = "image$"
"""A dict with this key alone stands for the image of that number."""


class CapturedInputs:
    """A job's arguments at one moment. Made in the caller's thread: it touches what the scene holds.

    Raises
    ------
    JobFailed
        An argument cannot be handed over; the message names it.
    """

    def __init__(self, job: Job) -> None:
        self.layout = ImageLayout()
        self._watched: list[tuple[ImageInput, int]] = []
        self._title = job.title
        self.arguments = {name: self._form(value, name) for name, value in job.arguments.items()}

    @property
    def watches(self) -> bool:
        """Whether an image can tell that it changed."""
        return bool(self._watched)

    def changed(self) -> bool:
        """Whether an image changed since it was captured. To be called in the caller's thread."""
        return any(image.changed is not None and image.changed() != before for image, before in self._watched)

    def body(self) -> bytes:
        """Return the arguments as they are sent."""
        return json.dumps(self.arguments, ensure_ascii=False).encode()

    def _form(self, value: Any, name: str) -> Any:
        if isinstance(value, ImageInput):
            return {IMAGE_KEY: self._image(value, name)}
        if isinstance(value, Mapping):
            return {str(key): self._form(item, name) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._form(item, name) for item in value]
        if isinstance(value, datetime):
            return value.isoformat()
        if value is None or isinstance(value, (str, bool, int, float)):
            return value
        raise JobFailed(f"'{self._title}' cannot be run: '{name}' is a {type(value).__name__}, which cannot be sent.")

    def _image(self, image: ImageInput, name: str) -> int:
        if image.changed is not None:
            self._watched.append((image, image.changed()))
        array = image.array()
        if array.ndim not in (3, 4) or array.size == 0:
            raise JobFailed(f"'{self._title}' cannot be run: '{name}' is no 3D image.")
        try:
            return self.layout.add(
                array,
                spacing=[float(value) for value in image.spacing],
                origin=[float(value) for value in image.origin],
                direction=[float(value) for value in image.direction],
                facts=self._form(image.facts, name),
                info=self._form(image.info, name),
            )
        except ValueError as error:
            raise JobFailed(f"'{self._title}' cannot be run: '{name}': {error}.") from error
