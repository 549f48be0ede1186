"""A worker of its own for downloads and copies: a run of a task does not wait behind gigabytes."""

_store_service = None


def store_service():
    """Return the `ApplicationService` for work on the store, made when it is first asked for."""
    global _store_service
    if _store_service is None:
        from AIImagingLib.application_service import ApplicationService

        from AIImagingLogic.jobs import service

        _store_service = ApplicationService(service.JobService())
    return _store_service
