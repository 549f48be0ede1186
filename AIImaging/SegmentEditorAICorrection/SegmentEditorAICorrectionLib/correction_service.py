"""The worker of the corrections: one of its own, so that no other run delays a click."""

import slicer

_service = None


def correction_service():
    """Return the job service of the effect, made on first use and closed with the application."""
    global _service
    if _service is None:
        from AIImagingLogic.jobs.service import JobService

        _service = JobService()
        slicer.app.connect("aboutToQuit()", close)
    return _service


def close():
    """End the worker."""
    global _service
    if _service is not None:
        _service.close()
        _service = None
