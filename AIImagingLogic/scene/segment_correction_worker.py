"""What the worker keeps of a correction: the image, sent once, and the session that knows the prompts so far.

Called in the worker process, by name. Nothing of Slicer is imported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from AIImagingLogic.records.errors import JobFailed

if TYPE_CHECKING:
    import SimpleITK as sitk

    from AIImagingLogic.records.image_info import ImageInfo
    from AIImagingLogic.records.progress import Progress
    from AIImagingLogic.records.prompts import Prompts


class Session(Protocol):
    """What is asked of a session."""

    def refine(self, prompts: Prompts, progress: Progress) -> sitk.Image:
        """Return what changed, cropped."""
        ...


_images: dict[str, tuple[Any, Any]] = {}
_sessions: dict[str, Session] = {}
NOT_KEPT = "The worker does not keep this image or correction."


def keep_image(key: str, image: sitk.Image, info: ImageInfo) -> bool:
    """Keep one image, and let go of the one before and of its sessions."""
    _images.clear()
    _sessions.clear()
    _images[key] = (image, info)
    return True


def open_session(key: str, image_key: str, model: str, proposal: sitk.Image | None = None) -> bool:
    """Begin a session on the image that is kept, and let go of the one before.

    Raises
    ------
    JobFailed
        The image is not kept: the worker was started anew since.
    """
    if image_key not in _images:
        raise JobFailed(NOT_KEPT)
    from AIImagingLogic.tasks.any_refinement import open_any_refinement

    image, info = _images[image_key]
    _sessions.clear()
    _sessions[key] = open_any_refinement(image, info, proposal, model)
    return True


def refine(key: str, prompts: Prompts, progress: Progress) -> sitk.Image:
    """Return what the prompts change, cropped.

    Raises
    ------
    JobFailed
        There is no such session: the worker was started anew since.
    """
    if key not in _sessions:
        raise JobFailed(NOT_KEPT)
    return _sessions[key].refine(prompts, progress)
